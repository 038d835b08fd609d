"""After the counts: what to do about each reason, with commands to copy, and what retention takes when."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from bridge.formats.letters import parse
from bridge.model import LetterReason
from bridge.reprocess.reading.ledger import UNTOUCHED
from bridge.reprocess.reading.next_steps import kept_sentence, next_steps
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.reading.statistics import Statistics
from tests.support.reprocess.letters import WRITTEN_MS, letter

HOUR = 3600.0
DAY = 24 * HOUR


def counted(entries: Iterator[LetterEntry], age: float, retention: float | None = None) -> Statistics:
    found = Statistics(retention=retention)
    for entry in entries:
        found.add(entry, WRITTEN_MS / 1000 + age)
    return found


def entries(*reasons: LetterReason) -> Iterator[LetterEntry]:
    for number, reason in enumerate(reasons):
        yield LetterEntry(parse(letter(number, reason=reason).record(number)), UNTOUCHED)


def test_each_reason_has_a_way_on_with_commands_and_the_commonest_is_first() -> None:
    found = counted(entries(*LetterReason, LetterReason.EXPIRED), HOUR)
    steps = list(next_steps(found))
    assert {step.reason for step in steps} == set(LetterReason)
    assert steps[0].reason == "expired"
    for step in steps:
        assert step.look.startswith("track-bridge dlq show 0:")
        verb = "discard" if step.reason == "too_large" else "replay"
        assert step.then.startswith(f"track-bridge dlq {verb} --reason {step.reason} ")
        assert ("--yes" in step.then) is False, "nothing that is copied changes anything without a question"


def test_a_reason_of_another_program_has_a_way_on_too() -> None:
    entry = next(entries(LetterReason.REJECTED))
    entry = entry._replace(letter=entry.letter._replace(reason="org.apache.kafka.DataException"))
    (step,) = next_steps(counted(iter([entry]), HOUR))
    assert "other program" in step.first


@pytest.mark.parametrize(
    ("age", "said"),
    [
        (
            HOUR - 1,
            "dead letters 14 d 0 h after they were written, the oldest in 13 d 23 h at the earliest; 0 of",
        ),
        (13.5 * DAY - 1, "the oldest in 12 h 0 min at the earliest; 2 of the open ones within 24 h."),
        (15 * DAY, "the oldest at any moment; 2 of the open ones within 24 h."),
    ],
)
def test_what_retention_takes_and_when_is_said(age: float, said: str) -> None:
    found = counted(entries(LetterReason.REJECTED, LetterReason.EXPIRED), age, 14 * DAY)
    assert said in (kept_sentence(found) or "")


@pytest.mark.parametrize("retention", [None, math.inf])
def test_a_topic_that_keeps_them_or_does_not_tell_has_no_such_sentence(retention: float | None) -> None:
    assert kept_sentence(counted(entries(LetterReason.REJECTED), 100 * DAY, retention)) is None
