"""The state of letters: a fold that is the same for everybody, and that nothing can turn back."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.formats.letters import Letter, parse
from bridge.formats.resolutions import (
    Attempted,
    Author,
    Changed,
    Ended,
    Ending,
    Fact,
    ResolutionKind,
    decode,
    encode,
    identity,
    key_of,
)
from bridge.model import Record
from bridge.reprocess.reading.ledger import Endings, LetterLedger, LetterState, Once
from tests.support.reprocess.letters import foreign, letter

BY = Author("track-bridge dlq replay", "ops", "host-1")
REPLAYED = Ended(Ending.REPLAYED, 1.5, BY, None, 202, "a" * 64)
DISCARDED = Ended(Ending.DISCARDED, 1.5, BY, "test data")
FAILED = Attempted(2, (0,), 1.5, BY, "rejected", "no", 400, "invalid_event", "0123456789ab")
CHANGED = Changed(None, b"\xff", 1.5, BY, "renamed")
FACTS: list[Fact] = [REPLAYED, DISCARDED, FAILED, CHANGED]
SCHEMA = json.loads((Path(__file__).parents[3] / "schemas" / "resolution.schema.json").read_text())


def a_letter(offset: int = 1, place: int = 0, **given: object) -> Letter:
    return parse(letter(offset, **given).record(place))  # type: ignore[arg-type]  # whatever the maker takes


def record(fact: Fact, of: Letter, topic_id: str = "id-1") -> Record:
    key, value = encode(fact, of, topic_id)
    return Record("letters.resolutions", of.place.partition, 0, None, key, value, ())


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: type(fact).__name__)
@pytest.mark.parametrize("of", [a_letter(), parse(foreign().record(3))], ids=["origin", "place"])
def test_what_is_written_is_read_back_and_keeps_to_its_schema(fact: Fact, of: Letter) -> None:
    key, value = encode(fact, of, "id-1")
    written = decode(key, value)
    assert written is not None
    assert written.fact == fact
    jsonschema.Draft202012Validator(SCHEMA).validate(json.loads(value))


def test_a_letter_nothing_is_known_of_is_open() -> None:
    assert LetterLedger("id-1").standing(a_letter()).state is LetterState.OPEN


def test_each_kind_of_record_changes_the_state_it_is_about() -> None:
    for fact, state in (
        (REPLAYED, LetterState.REPLAYED),
        (DISCARDED, LetterState.DISCARDED),
        (FAILED, LetterState.FAILED_AGAIN),
    ):
        ledger = LetterLedger("id-1")
        ledger.take([record(fact, a_letter())])
        assert ledger.standing(a_letter()).state is state
        assert ledger.standing(a_letter(2)).state is LetterState.OPEN


@given(st.permutations([REPLAYED, FAILED, CHANGED]))
def test_an_ending_is_final_whatever_is_written_after_it(order: list[Fact]) -> None:
    ledger = LetterLedger("id-1")
    ledger.take([record(fact, a_letter()) for fact in order])
    assert ledger.standing(a_letter()).state is LetterState.REPLAYED


def test_only_a_change_can_be_taken_back() -> None:
    ledger = LetterLedger("id-1")
    ledger.take([record(fact, a_letter()) for fact in (REPLAYED, FAILED, CHANGED)])
    for kind in ResolutionKind:
        ledger.take([Record("letters.resolutions", 0, 9, None, key_of(kind, a_letter()), None, ())])
    standing = ledger.standing(a_letter())
    assert (standing.state, standing.failures, standing.changed) == (LetterState.REPLAYED, 2, None)


def test_what_speaks_of_another_topic_or_another_record_is_ignored() -> None:
    ledger = LetterLedger("id-2")
    ledger.take([record(REPLAYED, a_letter(), topic_id="id-1")])
    assert ledger.standing(a_letter()).state is LetterState.OPEN
    assert ledger.ignored == 1
    other = LetterLedger("id-1")
    other.take([record(REPLAYED, a_letter(value=b"other bytes"))])
    assert other.standing(a_letter()).state is LetterState.OPEN


@pytest.mark.parametrize("zeros", ["", "A" * 22, "A" * 22 + "=="])
def test_what_was_settled_before_the_cluster_had_topic_ids_stays_settled_after_its_upgrade(zeros: str) -> None:
    ledger = LetterLedger("id-1")
    ledger.take([record(REPLAYED, a_letter(), topic_id=zeros)])
    assert ledger.standing(a_letter()).state is LetterState.REPLAYED
    assert ledger.ignored == 0


def test_foreign_damaged_and_newer_records_decide_nothing() -> None:
    key, value = encode(REPLAYED, a_letter(), "id-1")
    newer = json.dumps(json.loads(value) | {"version": 2}).encode()
    ledger = LetterLedger("id-1")
    ledger.take(Record("r", 0, 0, None, k, v, ()) for k, v in ((b"x", value), (key, b"{"), (key, newer), (None, value)))
    assert ledger.ignored == 4
    assert ledger.standing(a_letter()).state is LetterState.OPEN


def test_two_letters_of_one_event_are_one_and_events_of_one_record_are_not() -> None:
    once = Once()
    assert once.is_new(identity(a_letter(1, place=0)))
    assert not once.is_new(identity(a_letter(1, place=7)))
    assert once.is_new(identity(a_letter(1, place=8, output=1)))
    assert once.is_new(identity(a_letter(1, place=9, timestamp_ms=5))), "a topic that was made anew has other records"
    assert once.is_new(identity(a_letter(1, place=9, group="other")))


def test_a_letter_without_origin_is_known_by_its_place() -> None:
    ledger = LetterLedger("id-1")
    ledger.take([record(DISCARDED, parse(foreign().record(3)))])
    assert ledger.standing(parse(foreign().record(3))).state is LetterState.DISCARDED
    assert ledger.standing(parse(foreign().record(4))).state is LetterState.OPEN


@given(st.lists(st.tuples(st.sampled_from(FACTS), st.integers(1, 4)), max_size=12))
def test_a_ledger_that_keeps_only_states_of_settled_letters_says_the_same_states(told: list[tuple[Fact, int]]) -> None:
    whole, brief = LetterLedger("id-1"), LetterLedger("id-1", endings=Endings.STATES)
    for fact, event in told:
        for ledger in (whole, brief):
            ledger.take([record(fact, a_letter(event))])
    for event in range(1, 6):
        expected, found = whole.standing(a_letter(event)), brief.standing(a_letter(event))
        assert found.state is expected.state
        if expected.state.is_open:
            assert found == expected
    assert brief.standing(a_letter(1, value=b"other")).state is LetterState.OPEN


def test_a_ledger_about_some_letters_keeps_nothing_of_others() -> None:
    ledger = LetterLedger("id-1", about={identity(a_letter(1))})
    ledger.take([record(REPLAYED, a_letter(event)) for event in range(1, 50)])
    assert ledger.standing(a_letter(1)).state is LetterState.REPLAYED
    assert ledger.standing(a_letter(2)).state is LetterState.OPEN
    assert len(ledger._facts) == 1
