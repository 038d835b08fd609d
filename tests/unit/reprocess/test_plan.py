"""What a replay would do with each letter, and which letters come too late."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.formats.letters import parse
from bridge.formats.resolutions import Attempted, Author, Changed
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Failed, LetterReason, LogRange, Record, Route, TopicPartition
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.ledger import LetterStanding, LetterState
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay.mapped_letter import of
from bridge.reprocess.replay.plan import Body, LetterFate, Plan, ReplayRules, decide, without_stale
from bridge.reprocess.replay.staleness import Search
from tests.support.reprocess.letters import Written, letter, value_of
from tests.support.service.settings import MAPPING

BY = Author("track-bridge dlq replay", "ops", "host-1")
NOW = 1_767_400_000.0
OLD = Route("order.completed", "0123456789ab", "Order Completed")


def mapping(**changes: Any) -> CompiledMapping:
    made = compile_mapping(MappingConfig.model_validate({**MAPPING, **changes}))
    assert isinstance(made, CompiledMapping), made
    return made


PRESENT = mapping()
NEW = next(route for route in PRESENT.routes if route.name == "order.completed")


def fate(made: Written, standing: LetterStanding | None = None, rules: ReplayRules | None = None) -> LetterFate:
    entry = LetterEntry(parse(made.record(0)), standing or LetterStanding(LetterState.OPEN))
    return decide(entry, PRESENT, rules or ReplayRules(), NOW).fate


@pytest.mark.parametrize("reason", [LetterReason.REJECTED, LetterReason.INVALID])
def test_what_was_refused_is_not_sent_again_under_an_unchanged_route(reason: LetterReason) -> None:
    assert fate(letter(1, reason=reason, route=NEW)) is LetterFate.UNCHANGED
    assert fate(letter(1, reason=reason, route=NEW), rules=ReplayRules(force=True)) is LetterFate.SEND
    assert fate(letter(1, reason=reason, route=OLD)) is LetterFate.SEND


def test_a_body_is_compared_only_with_one_that_was_there_before() -> None:
    def body(made: Written) -> Body | None:
        return decide(
            LetterEntry(parse(made.record(0)), LetterStanding(LetterState.OPEN)), PRESENT, ReplayRules(), NOW
        ).body

    sent = decide(
        LetterEntry(parse(letter(1, route=OLD).record(0)), LetterStanding(LetterState.OPEN)),
        PRESENT,
        ReplayRules(),
        NOW,
    )
    record = contents.current(sent.entry.letter, sent.entry.standing)
    assert record is not None
    ((_, now),) = of(sent.entry.letter, record, PRESENT).requests
    assert sent.body is Body.FIRST, "its letter has no request: it never got that far"
    assert not sent.changed
    assert body(letter(1, route=OLD, request=now.body)) is Body.SAME
    assert body(letter(1, route=OLD, request=b"{}")) is Body.CHANGED
    assert body(letter(1, route=NEW, request=b"{}")) is None, "it is not to be sent"


@pytest.mark.parametrize("reason", [LetterReason.UNAUTHORIZED, LetterReason.RETRIES_EXHAUSTED])
def test_what_failed_for_no_fault_of_its_own_may_go_unchanged(reason: LetterReason) -> None:
    assert fate(letter(1, reason=reason, route=NEW)) is LetterFate.SEND


def test_what_a_replay_was_refused_counts_like_the_first_refusal() -> None:
    again = Attempted(1, (), NOW, BY, "rejected", "no", 400, None, NEW.hash)
    assert fate(letter(1, route=OLD), LetterStanding(LetterState.FAILED_AGAIN, again)) is LetterFate.UNCHANGED
    corrected = Changed(b"k", value_of("u-2"), NOW + 1, BY)
    assert fate(letter(1, route=OLD), LetterStanding(LetterState.FAILED_AGAIN, again, corrected)) is LetterFate.SEND
    earlier = corrected._replace(at=NOW - 1)
    assert fate(letter(1, route=OLD), LetterStanding(LetterState.FAILED_AGAIN, again, earlier)) is LetterFate.UNCHANGED


def test_a_letter_that_failed_often_enough_is_left_alone() -> None:
    failed = LetterStanding(LetterState.FAILED_AGAIN, Attempted(3, (), NOW, BY, "retries_exhausted"))
    assert fate(letter(1, route=OLD), failed) is LetterFate.TOO_OFTEN
    assert fate(letter(1, route=OLD), failed, ReplayRules(max_replays=4)) is LetterFate.SEND


def test_a_record_older_than_asked_is_left_alone() -> None:
    assert fate(letter(1, route=OLD), rules=ReplayRules(max_age=60.0)) is LetterFate.TOO_OLD
    assert fate(letter(1, route=OLD), rules=ReplayRules(max_age=1e6)) is LetterFate.SEND


def test_what_the_mapping_makes_no_request_of_is_not_sent_and_not_resolved() -> None:
    assert fate(letter(1, route=OLD, value=b'{"type": "page.viewed"}')) is LetterFate.FILTERED
    assert fate(letter(1, route=OLD, value=b"{")) is LetterFate.UNMAPPABLE
    gone = Route("gift.ordered[2]", "0123456789ab", "Third")
    assert (
        fate(letter(1, route=gone, output=2, value=value_of("u", 1, "gift.ordered", recipient="v")))
        is LetterFate.NO_EVENT
    )


def test_an_events_age_is_judged_at_the_time_of_its_letter() -> None:
    young = mapping(max_age="1d")
    made = parse(letter(1, route=OLD).record(0))
    written = made._replace(timestamp_ms=1_767_323_045_001 + 60_000)
    assert (
        decide(LetterEntry(written, LetterStanding(LetterState.OPEN)), young, ReplayRules(), NOW + 1e9).fate
        is LetterFate.SEND
    )


# --- the stale guard ------------------------------------------------------------------------------------

ORDERS = TopicPartition("orders", 0)


def search(*letters: Written, records: list[Record], position: int | None = 100) -> Search:
    entries = [
        LetterEntry(parse(each.record(place)), LetterStanding(LetterState.OPEN)) for place, each in enumerate(letters)
    ]
    made = Search(entries, PRESENT)
    span = made.spans({ORDERS: LogRange(0, 100)}, {ORDERS: position}).get(ORDERS, range(0))
    made.look([each for each in records if each.offset in span])
    return made


def delivered(offset: int, user: str, kind: str = "order.completed") -> Record:
    return Record("orders", 0, offset, None, b"k", value_of(user, offset, kind), ())


def test_a_letter_is_stale_when_a_newer_event_of_its_user_was_delivered() -> None:
    found = search(letter(5, user="a"), letter(6, user="b"), records=[delivered(4, "b"), delivered(9, "a")]).found
    assert {str(place) for place in found.stale} == {"0:0"}
    assert found.unknown == set()


def test_what_was_filtered_is_a_letter_itself_or_is_not_done_yet_makes_nothing_stale() -> None:
    assert search(letter(5, user="a"), records=[delivered(9, "a", "page.viewed")]).found.stale == set()
    assert search(letter(5, user="a"), letter(9, user="a"), records=[delivered(9, "a")]).found.stale == set()
    assert search(letter(5, user="a"), records=[delivered(9, "a")], position=9).found.stale == set()


def test_where_nobody_can_tell_that_is_said() -> None:
    assert len(search(letter(5), records=[], position=None).found.unknown) == 1


def test_stale_letters_can_be_left_out_of_a_plan() -> None:
    made = Plan()
    for place in (0, 1):
        made.add(
            decide(
                LetterEntry(parse(letter(place, route=OLD).record(place)), LetterStanding(LetterState.OPEN)),
                PRESENT,
                ReplayRules(),
                NOW,
            )
        )
    kept = without_stale(made, lambda each: each.place.offset == 0)
    assert [each.entry.letter.place.offset for each in kept.sends] == [1]
    assert kept.counts == {LetterFate.SEND: 1, LetterFate.STALE: 1}


@pytest.mark.parametrize("timestamp", [1_767_323_045_123_456, 2_026_020_301_011_120, -(10**17)])
def test_a_timestamp_of_no_year_is_refused_by_the_replay_as_it_was_by_the_delivery(timestamp: int) -> None:
    made = letter(0, timestamp_ms=timestamp, reason=LetterReason.UNMAPPABLE)
    record = parse(made.record(0)).record()
    assert record is not None
    (at_first,) = PRESENT.map(record._replace(timestamp_ms=timestamp), NOW)
    assert isinstance(at_first, Failed)
    assert "take the time from the record itself (mapping.occurred_at)" in at_first.message
    (again,) = PRESENT.map(record, NOW)
    assert isinstance(again, Failed)
    assert (again.reason, again.message) == (at_first.reason, at_first.message)
    assert fate(made) is LetterFate.UNMAPPABLE


def test_a_letter_without_its_value_is_never_taken_for_a_tombstone() -> None:
    """Mapped as it is here it would be filtered, and its record be settled as if nothing had been lost."""
    made = letter(1, reason=LetterReason.TOO_LARGE)
    without = Written(made.key, None, made.headers, made.partition)
    entry = LetterEntry(parse(without.record(0)), LetterStanding(LetterState.OPEN))
    planned = decide(entry, PRESENT, ReplayRules(force=True), NOW)
    assert planned.fate is LetterFate.UNMAPPABLE
    assert "the value is at orders/0/1 and not here" in planned.detail


def test_a_smaller_value_imported_for_a_letter_without_one_is_sent() -> None:
    made = letter(1, reason=LetterReason.TOO_LARGE)
    without = Written(made.key, None, made.headers, made.partition)
    corrected = Changed(b"k", value_of("u-2"), NOW + 1, BY)
    assert fate(without, LetterStanding(LetterState.OPEN, changed=corrected)) is LetterFate.SEND
