"""What stops a replay or the sending of a file, and what of the dispatcher's news it tells and waits out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.reprocess.sending.traffic_log import ReplayLog, SendingLog


def heard(tell: Callable[[ReplayLog], None], log: type[ReplayLog] = ReplayLog) -> tuple[list[str], list[str]]:
    """Why it was stopped, and what was told."""
    stopped: list[str] = []
    told: list[str] = []
    tell(log(stopped.append, told.append))
    return stopped, told


def test_a_refused_key_ends_it() -> None:
    (why,), told = heard(lambda log: log.blocked(Reason.UNAUTHORIZED, "401"))
    assert "refuses the key or the address (401)" in why
    assert told == []
    assert heard(lambda log: log.unblocked(Reason.UNAUTHORIZED, 2)) == ([], []), "it has ended already"


@pytest.mark.parametrize(
    ("tell", "sentence"),
    [
        (lambda log: log.blocked("server_error", "503"),
         "nothing gets through (503): one probe at a time until something does"),
        (lambda log: log.unblocked("server_error", 90), "the Track API answers again, after 1 min 30 s"),
        (lambda log: log.asked_to_wait(30, "429"), "the Track API asks to wait 30 s (429)"),
        (lambda log: log.kind_blocked("identify", "503"),
         "no identify request gets through (503): one probe at a time until one does"),
        (lambda log: log.kind_unblocked("identify", 5), "identify requests get through again, after 5 s"),
        (lambda log: log.kind_asked_to_wait("company", 30, "429"),
         "the Track API asks to wait 30 s with company requests (429)"),
        (lambda log: log.drain_forced(OffsetTracker(TopicPartition("letters", 0), 0), 3),
         "3 requests were not answered in time and may be sent again"),
    ],
)  # fmt: skip
def test_an_outage_is_told_and_waited_out(tell: Callable[[ReplayLog], None], sentence: str) -> None:
    assert heard(tell) == ([], [sentence])


@pytest.mark.parametrize(("log", "things"), [(ReplayLog, "dead letters"), (SendingLog, "events")])
def test_a_row_of_failures_ends_it(log: type[ReplayLog], things: str) -> None:
    (why,), told = heard(lambda log: log.topic_held("letters", 20, "Invalid input (20)", "orders/0/7"), log)
    assert why.startswith(f"20 {things} in a row failed")
    assert "(dead_letter.hold_after): Invalid input (20)" in why
    assert told == []
