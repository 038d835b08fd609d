from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from bridge.holds import Reason
from bridge.model import TopicPartition
from bridge.service.event_log import ServiceEventLog
from bridge.service.poll_adapter import PollAdapter

if TYPE_CHECKING:
    from bridge.ops.log.events import Events

PARTITION = TopicPartition("orders", 3)
DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_767_355_200.0

    def wall(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


class Told:
    """The events that a event_log writes of holds."""

    def __init__(self) -> None:
        self.holds: list[Reason] = []

    def held(self, reason: Reason, **_: object) -> None:
        self.holds.append(reason)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def event_log(told: Told, clock: Clock) -> ServiceEventLog:
    return ServiceEventLog(cast("Events", told), clock, 100)


def test_a_hold_of_five_days_is_five_days_old_after_a_restart_too(
    event_log: ServiceEventLog, clock: Clock, told: Told
) -> None:
    event_log.hold_partition(PARTITION, Reason.POSITION_UNKNOWN, "not read yet")
    clock.now += 2
    event_log.hold_partition(PARTITION, Reason.HELD_BY_OPERATOR, "Held by alice", 5 * DAY)

    assert event_log.partition_holds[PARTITION].since == clock.now - 5 * DAY
    assert told.holds == [Reason.POSITION_UNKNOWN, Reason.HELD_BY_OPERATOR]


def test_a_hold_that_begins_now_is_not_as_old_as_what_held_the_partition_before(
    event_log: ServiceEventLog, clock: Clock
) -> None:
    event_log.hold_partition(PARTITION, Reason.OUT_OF_RANGE, "below the start")
    clock.now += 14 * 3600
    event_log.hold_partition(PARTITION, Reason.HELD_BY_OPERATOR, "Held by alice")

    assert event_log.partition_holds[PARTITION].since == clock.now


def test_a_hold_that_is_told_again_is_told_since_it_began(event_log: ServiceEventLog, clock: Clock, told: Told) -> None:
    event_log.hold_partition(PARTITION, Reason.OUT_OF_RANGE, "below the start 5")
    began = clock.now
    clock.now += 60
    event_log.hold_partition(PARTITION, Reason.OUT_OF_RANGE, "below the start 9")

    assert event_log.partition_holds[PARTITION].since == began
    assert event_log.partition_holds[PARTITION].sentence == "below the start 9"
    assert told.holds == [Reason.OUT_OF_RANGE]


async def test_a_partition_outside_its_log_counts_once_however_often_its_sentence_changes(
    event_log: ServiceEventLog, told: Told
) -> None:
    consumer = PollAdapter(
        event_log, cast("Events", told), lambda _: None, loop=asyncio.get_running_loop(), commit_interval=0.2
    )
    for lost in (10, 20, 30):
        consumer.partition_held(PARTITION, Reason.OUT_OF_RANGE, f"up to {lost} events are gone unsent")
    assert consumer.out_of_range == 1
    assert event_log.partition_holds[PARTITION].sentence == "up to 30 events are gone unsent"
    assert told.holds == [Reason.OUT_OF_RANGE]
