"""A hold with an end, as it travels with a committed offset."""

from __future__ import annotations

import base64
import re

import pytest

from bridge.config.keys.scalars import StartPoint
from bridge.formats import commit_mark
from bridge.formats.commit_text import CommitText
from bridge.formats.operator_hold import OperatorHold, of_metadata
from bridge.holds import Reason
from bridge.kafka.consumer.starts import start_policy
from bridge.kafka.consumer.starts.start_policy import Hold, StartFacts
from bridge.model import TopicPartition

HOLD = OperatorHold("sends the wrong name", "alice", 1_700_000_000)
PAUSE = OperatorHold("index is rebuilt", "alice", 1_700_000_000, 1_700_000_900)


def read_by_the_version_before(metadata: str) -> tuple[str, tuple[int, str, str]]:
    """Map and hold, as a version reads them that knows holds and no pauses: its code, word for word in what it does."""
    tail = re.search(r"((?:~![a-z][\w-]*)*)\0*(?:~\d{1,18})?\0*\Z", metadata, re.ASCII)
    assert tail is not None
    text = next(note[1:] for note in tail[1].split("~!") if note[:1] == "h")
    since, by, reason = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split("\n", 2)
    return metadata[: tail.start()], (int(since), by, reason)


def test_a_hold_without_an_end_is_written_byte_for_byte_as_before_there_were_pauses() -> None:
    note = "~!hMTcwMDAwMDAwMAphbGljZQpzZW5kcyB0aGUgd3JvbmcgbmFtZQ"
    assert HOLD.note == note
    assert CommitText(7).of("b1.map", 12, 5, HOLD) == f"b1.map{note}~000000007000005012"


def test_a_pause_travels_with_its_end_and_the_map_comes_off_whole() -> None:
    text = CommitText(7).of("b1.map", 12, 5, PAUSE)
    assert of_metadata(text) == of_metadata(f"{text}\0") == PAUSE
    assert commit_mark.unmarked(text) == "b1.map"
    assert commit_mark.has(text, 12, 7)


def test_the_version_before_reads_a_pause_as_a_hold_with_its_reason_and_no_end() -> None:
    text = CommitText(7).of("b1.map", 12, 5, PAUSE)
    assert read_by_the_version_before(text) == ("b1.map", (1_700_000_000, "alice", "index is rebuilt"))


@pytest.mark.parametrize("end", ["", "soon", "-5", "0", "99999999999999999999", "9" * 13, "12_0", "१२"])
def test_a_damaged_end_is_none_so_nothing_is_sent_too_early(end: str) -> None:
    assert of_metadata(f"b1.map{HOLD.note}~!u{end}~12") in {HOLD, None}
    if end.isascii():
        assert of_metadata(f"b1.map{HOLD.note}~!u{end}~12") == HOLD


def test_an_end_without_a_hold_is_no_hold() -> None:
    assert of_metadata("b1.map~!u1700000900~12") is None


def test_brokers_that_take_little_leave_the_end_longer_than_the_reason_and_it_is_known_where_it_does_not_fit() -> None:
    text = CommitText()
    for _ in range(12):
        told = text.of("b1.map", 12, None, PAUSE)
        found = of_metadata(told)
        assert (found is not None and found.until == PAUSE.until) is text.keeps(PAUSE), (text.longest, told)
        if not text.refused([told]):
            break
    assert not text.keeps(PAUSE)


@pytest.mark.parametrize(("now", "over"), [(1_700_000_899.9, False), (1_700_000_900.0, True)])
def test_a_pause_is_over_at_its_end_and_a_hold_never(now: float, *, over: bool) -> None:
    assert PAUSE.is_over(now) is over
    assert not HOLD.is_over(now)


def test_a_pause_holds_its_partition_and_says_until_when() -> None:
    held = start_policy.resolve(TopicPartition("orders", 3), StartFacts(operator_hold=PAUSE), StartPoint.ERROR)
    assert held == Hold(
        Reason.PAUSED_BY_OPERATOR,
        "Paused by alice at 2023-11-14T22:13:20Z until 2023-11-14T22:28:20Z: index is rebuilt",
    )
