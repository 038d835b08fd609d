"""Dead letters are counted in the background: a view waits for the count only so long, and a later one has it."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.fleet.asking import letter_count
from bridge.fleet.asking.letter_count import EVERY, LetterCount, LetterCounter
from bridge.kafka.letters.letter_log import Extent
from bridge.model import LogRange, Record, TopicPartition
from bridge.ops.snapshot import Letters


class Topic:
    """Counts how often it is read; reading it lasts until it is let go."""

    def __init__(self) -> None:
        self.reads = 0
        self.may_end = threading.Event()
        self.may_end.set()
        self.now = 100.0

    def count(self) -> LetterCount:
        self.reads += 1
        self.may_end.wait(30)
        return LetterCount(Letters({"invalid": self.reads}))

    def clock(self) -> float:
        return self.now


async def test_the_first_view_waits_for_the_count() -> None:
    topic = Topic()
    found = await LetterCounter(topic.count, topic.clock).count()
    assert found.letters is not None
    assert found.letters.open_by_reason == {"invalid": 1}


async def test_a_count_that_lasts_is_not_waited_for_and_not_begun_twice() -> None:
    topic = Topic()
    topic.may_end.clear()
    counter = LetterCounter(topic.count, topic.clock, patience=0.05)
    assert (await counter.count()).problem == "They are still being counted."
    assert (await counter.count()).letters is None
    assert topic.reads == 1
    topic.may_end.set()
    while (await counter.count()).letters is None:
        await asyncio.sleep(0)


async def test_a_count_is_believed_for_a_minute_and_made_again_behind_the_old_one() -> None:
    topic = Topic()
    counter = LetterCounter(topic.count, topic.clock)
    first = await counter.count()
    topic.now += EVERY - 1
    assert await counter.count() is first
    assert topic.reads == 1
    topic.now += 2
    while (await counter.count()) is first:
        await asyncio.sleep(0)
    assert topic.reads == 2


class EndlessLog:
    """Dead letters that there are always more of."""

    topic = "letters"

    def __init__(self, *_: object) -> None:
        pass

    def extent(self) -> Extent:
        partition = TopicPartition(self.topic, 0)
        return Extent(self.topic, "id", {partition: LogRange(0, 10**9)}, {}, has_resolutions=False)

    def read(self, _wanted: object, *_: object) -> Generator[list[Record]]:
        while True:
            yield []

    def retention(self) -> float | None:
        return None


def test_a_count_that_never_ends_is_given_up_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_count, "LetterLog", EndlessLog)
    monkeypatch.setattr(letter_count, "LONGEST", 0.05)
    config: Any = SimpleNamespace(
        kafka=SimpleNamespace(group_id="g"), dead_letter=SimpleNamespace(topic="letters"), delivery=None
    )
    found = letter_count.count_all(config, logging.getLogger("tests.fleet"))
    assert found.letters is None
    assert found.problem == "The dead letters of letters were not counted within 0.05 s."
