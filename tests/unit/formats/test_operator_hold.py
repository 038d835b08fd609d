from __future__ import annotations

import base64
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.config.keys.scalars import StartPoint
from bridge.formats import commit_mark, offset_map
from bridge.formats.commit_text import CommitText
from bridge.formats.offset_map import BROKER_LIMIT, Demand, Head
from bridge.formats.operator_hold import BARE, BY_LIMIT, REASON_LIMIT, OperatorHold, of_metadata
from bridge.kafka.consumer.starts import start_policy
from bridge.model import TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.text.printable import printable

HOLD = OperatorHold("sends the wrong name", "alice", 1_700_000_000)
EARLIEST = StartPoint.EARLIEST
TAKEN_BY_DEFAULT = 4095
"""UTF-16 units of metadata that brokers take from this client where nobody set offset.metadata.max.bytes."""


def longest_map() -> str:
    tracker: OffsetTracker[None] = OffsetTracker(TopicPartition("t", 0), 0, topic_id="A" * 22, leader_epoch=3)
    for offset in range(9000):
        tracker.arrived(offset, None)
    for offset in range(1, 9000, 2):
        tracker.completed(offset)
    return tracker.position(Demand(5, 1_700_000_000), Head(), BROKER_LIMIT).metadata


@given(
    st.text(min_size=1, max_size=50), st.text(min_size=1, max_size=20), st.integers(0, 10**10), st.none() | st.just(7)
)
def test_a_hold_travels_with_map_mapping_and_subscription_and_all_come_off_whole(
    reason: str, by: str, since: int, mapping: int | None
) -> None:
    hold = OperatorHold(" ".join(reason.split()), " ".join(by.split()), since)
    text = CommitText(mapping).of("b1.map", 12, 5, hold)
    shown = OperatorHold(printable(hold.reason), printable(hold.by), since)
    assert of_metadata(text) == of_metadata(f"{text}\0") == shown
    assert commit_mark.unmarked(text) == "b1.map"
    assert commit_mark.mapping_of(text) == mapping
    assert commit_mark.subscription_of(text) == 5
    assert commit_mark.has(text, 12)


@pytest.mark.parametrize("text", [None, "", "b1.map", "b1.map~12", "~h", "b1~!x12~3", "~!H", "b1.map~!h1~x"])
def test_text_without_the_note_holds_nothing(text: str | None) -> None:
    assert of_metadata(text) is None


@pytest.mark.parametrize("note", ["~!h", "~!hnot-base-64", "~!hAAAA~0", "~!h~999"])
def test_a_damaged_note_still_holds(note: str) -> None:
    assert of_metadata(f"b1.map{note}") == OperatorHold("unknown", "unknown", 0)


def note(*fields: str) -> str:
    return BARE + base64.urlsafe_b64encode("\n".join(fields).encode()).decode().rstrip("=")


@given(
    st.from_regex(r"~!h[\w-]{0,60}", fullmatch=True)
    | st.builds(note, st.integers().map(str) | st.text(), st.text(), st.text())
)
@example(note("99999999999999999999", "alice", "why"))
@example(note("253402300800", "alice", "why"))
@example(note("-1", "alice", "why"))
@example(note("1", "al\x1b[2Jice", "one\ntwo\u2028three\u202e"))
def test_whatever_a_note_says_it_holds_and_is_shown_on_one_line(text: str) -> None:
    hold = of_metadata(f"b1.map{text}")
    if hold is None:
        assert re.search(r"[^\x00-\x7f]", text), "no note at all"
        return
    sentence = start_policy.held_by_operator(hold)
    assert sentence.isprintable()
    assert isinstance(
        start_policy.resolve(TopicPartition("t", 0), start_policy.StartFacts(operator_hold=hold), EARLIEST),
        start_policy.Hold,
    )


def test_notes_of_a_later_version_are_passed_over() -> None:
    text = CommitText(7).of("b1.map", 1, 5, HOLD).replace("~!h", "~!zABC~!h")
    assert of_metadata(text) == HOLD
    assert commit_mark.unmarked(text) == "b1.map"
    assert commit_mark.note_of(text, "z") == "ABC"


def test_the_longest_map_and_the_longest_reason_fit_into_what_brokers_take() -> None:
    hold = OperatorHold("ä" * 1000, "ß" * 1000, 1_700_000_000)
    text = CommitText(7).of(longest_map(), 12, 5, hold)
    assert len(text) <= TAKEN_BY_DEFAULT
    found = of_metadata(text)
    assert found == OperatorHold("ä" * (REASON_LIMIT // 2), "ß" * (BY_LIMIT // 2), 1_700_000_000)
    assert offset_map.decode(commit_mark.unmarked(text)) is not None


@pytest.mark.parametrize("limit", [3000, 500, 200, 100, 50, 20, 10, 7, 6, 3, 1])
def test_a_hold_has_precedence_over_the_map_as_far_as_brokers_take_metadata(limit: int) -> None:
    text = CommitText(7)
    while (committed := text.of(longest_map(), 12, 5, HOLD)) and len(committed) > limit:
        assert text.refused([committed])
    assert (of_metadata(committed) is not None) is text.keeps_holds
    assert text.carries(committed, 12)
    assert text.keeps_holds is (text.longest is not None and text.longest >= len(BARE) + 4)
    found = commit_mark.unmarked(committed)
    assert not found or offset_map.decode(found) is not None


def test_a_process_from_before_there_were_notes_ignores_map_and_hold_and_reads_the_mapping() -> None:
    """Its rule for the mark, as it was: the map costs it duplicates, and never an event."""
    text = CommitText(7).of(longest_map(), 12, 5, HOLD)
    assert offset_map.decode(re.sub(r"~\d{1,18}\0?\Z", "", text)) is None
    assert re.search(r"~(\d{9})(\d{6})(\d{3})\0?\Z", text)


@pytest.mark.parametrize("since", [10**15, 10**400, -1], ids=["far", "farther", "before"])
def test_a_note_of_a_time_that_is_none_holds_since_nobody_knows_when(since: int) -> None:
    note = OperatorHold("wrong name", "alice", since).note
    assert of_metadata(f"b1.map{note.replace(BARE, '~!h')}") == OperatorHold("wrong name", "alice", 0)
