from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.kafka.batching import nothing_to_skim
from bridge.kafka.counts import SourceCounts
from bridge.kafka.intake import Intake
from bridge.kafka.loop_side import Heartbeat, LoopSide
from bridge.kafka.poll_loop import POLL, PollLoop
from bridge.kafka.table import Table


class Told:
    """The poll thread's neighbours, all in one: writes down what is asked of them, in order."""

    stalled = False

    def __init__(self) -> None:
        self.log: list[str] = []

    def poll(self, _timeout: float) -> None:
        self.log.append("poll")

    def take_offered(self) -> None:
        self.log.append("store")

    def refresh(self) -> None:
        self.log.append("commit")

    def step(self) -> None:
        self.log.append("survey")

    def recheck(self) -> None:
        self.log.append("recheck")


class Clock(Heartbeat):
    """Stands still until it is moved."""

    def beat(self) -> None:
        """No time passes by itself."""


class Thread:
    """One poll loop and what it stands between."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        told: Any = Told()
        self.told: Told = told
        self.intake, self.clock = Intake(1000, 1_000_000), Clock()
        self.loop = PollLoop(
            told,
            Table(),
            LoopSide(loop, told),
            intake=self.intake,
            commits=told,
            pauses=told,
            starting=told,
            survey=told,
            message_errors=told,
            counts=SourceCounts(),
            heartbeat=self.clock,
            skim_of=nothing_to_skim,
        )
        self.loop.round()
        told.log.clear()

    def round(self) -> list[str]:
        """What the next one does."""
        self.loop.round()
        done, self.told.log = self.told.log, []
        return done


@pytest.fixture
def thread() -> Iterator[Thread]:
    loop = asyncio.new_event_loop()
    yield Thread(loop)
    loop.close()


def test_after_records_were_handed_over_the_thread_goes_straight_back_to_the_poll(thread: Thread) -> None:
    assert thread.round() == ["poll"]


def test_what_is_ordered_is_done_before_the_next_poll(thread: Thread) -> None:
    thread.loop.order(lambda: thread.told.log.append("order"))
    assert thread.round() == ["order", "store", "commit", "poll"]


def test_positions_are_stored_before_the_next_poll_when_somebody_says_that_there_are_some(thread: Thread) -> None:
    thread.intake.wake()
    assert thread.round() == ["store", "commit", "poll"]
    assert thread.round() == ["poll"]


def test_commits_are_looked_after_once_in_the_time_of_a_poll_whatever_happens(thread: Thread) -> None:
    thread.clock.at += POLL
    assert thread.round() == ["store", "commit", "poll"]


def test_the_brokers_are_asked_about_the_topics_once_a_second(thread: Thread) -> None:
    thread.clock.at += 1.0
    assert thread.round() == ["store", "commit", "survey", "recheck", "poll"]
