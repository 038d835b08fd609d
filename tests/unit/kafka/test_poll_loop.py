from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.counts import SourceCounts
from bridge.kafka.consumer.back_pressure import BackPressure
from bridge.kafka.consumer.batching import no_early_filter
from bridge.kafka.consumer.poll_loop import POLL, REST, REST_AFTER, ConsumerParts, PollLoop
from bridge.kafka.consumer.thread.consumption import Batch
from bridge.kafka.consumer.thread.hand_over import FirstFailure, HandOver
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.model import TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.support.kafka import contexts
from tests.unit.kafka.test_batching import Delivered


class Told:
    """The poll thread's neighbours, all in one: writes down what is asked of them, in order."""

    stalled = False

    def __init__(self) -> None:
        self.log: list[str] = []
        self.message: Delivered | None = None
        self.meanwhile: Callable[[], None] = lambda: None
        self.has_offers = False
        self.patience = 0.0
        """Seconds of the last poll."""

    def poll(self, timeout: float) -> Delivered | None:
        self.log.append("poll")
        self.patience = timeout
        message, self.message = self.message, None
        return message

    def consume(self, _count: int, _timeout: float) -> list[Delivered]:
        self.meanwhile()
        return []

    def accept(self, batch: Batch, _until: float) -> int:
        self.log += [f"accept {record.offset}" for record in batch.records]  # type: ignore[union-attr]  # nothing is filtered by a header
        return len(batch.records)

    def take_offered(self) -> None:
        self.has_offers = False
        self.log.append("store")

    def refresh(self) -> None:
        self.log.append("commit")

    def step(self) -> None:
        """That of the cluster watch, and of the end offsets."""
        self.log.append("step")

    def carry_on(self) -> None:
        """Nobody asked for anything."""

    def upkeep(self) -> None:
        self.log.append("ends")

    def recheck(self) -> None:
        self.log.append("recheck")


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def __call__(self) -> float:
        return self.at


class Thread:
    """One poll loop and what it stands between."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        told: Any = Told()
        self.told: Told = told
        self.intake, self.clock = BackPressure(1000, 1_000_000), Clock()
        counts = SourceCounts()
        hand_over = HandOver(loop, told, counts, FirstFailure())
        context = contexts.context(told, hand_over, pauses=told, counts=counts, clock=self.clock)
        parts = ConsumerParts(
            commits=told,
            settled=told,
            start_runner=told,
            draining=told,
            holding=told,
            reading_again=told,
            rebalance=told,
            end_offsets=told,
            cluster_watch=told,
            message_errors=told,
        )
        self.table, self.asyncio = context.partitions, loop
        self.loop = PollLoop(context, parts, self.intake, no_early_filter)
        self.loop.round()
        told.log.clear()

    def round(self) -> list[str]:
        """What the next one does, on both threads."""
        self.loop.round()
        self.asyncio.run_until_complete(asyncio.sleep(0))
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
    assert thread.round() == ["order", "step", "store", "commit", "poll"]


def test_positions_are_stored_before_the_next_poll_when_somebody_says_that_there_are_some(thread: Thread) -> None:
    thread.intake.wake()
    assert thread.round() == ["step", "store", "commit", "poll"]
    assert thread.round() == ["poll"]


def test_commits_are_looked_after_once_in_the_time_of_a_poll_whatever_happens(thread: Thread) -> None:
    thread.clock.at += POLL
    assert thread.round() == ["step", "store", "commit", "poll"]


def test_the_brokers_are_asked_about_the_topics_once_a_second(thread: Thread) -> None:
    thread.clock.at += 1.0
    assert thread.round() == ["step", "store", "commit", "step", "ends", "recheck", "poll"]


def assign(thread: Thread, start: int) -> None:
    entry = PartitionState(TopicPartition("orders", 0))
    entry.tracker, entry.next_offset = OffsetTracker(entry.partition, start), start
    thread.table.add(entry)


def test_a_record_taken_before_its_partition_was_assigned_anew_is_not_given_to_the_new_assignment(
    thread: Thread,
) -> None:
    """A callback of the client may run while further records are collected; from the new start on all come again."""
    assign(thread, 0)
    thread.told.message = Delivered("orders", 0, 9)
    thread.told.meanwhile = lambda: assign(thread, 5)
    assert thread.round() == ["poll"]
    thread.told.message, thread.told.meanwhile = Delivered("orders", 0, 5), lambda: None
    assert thread.round() == ["poll", "accept 5"]


def test_a_record_stays_when_another_partition_is_assigned_meanwhile(thread: Thread) -> None:
    assign(thread, 0)
    other = PartitionState(TopicPartition("orders", 1))
    thread.told.message, thread.told.meanwhile = Delivered("orders", 0, 0), lambda: thread.table.add(other)
    assert thread.round() == ["poll", "accept 0"]


def order(thread: Thread) -> None:
    thread.loop.order(lambda: None)


def offer(thread: Thread) -> None:
    thread.told.has_offers = True


@pytest.mark.parametrize("wish", [order, offer])
def test_a_thread_at_rest_polls_less_often_until_somebody_wants_something(
    thread: Thread, wish: Callable[[Thread], None]
) -> None:
    thread.clock.at += REST_AFTER
    thread.round()
    assert thread.told.patience == REST
    thread.intake.wake()  # a heartbeat: its answer is served as it comes
    thread.round()
    assert thread.told.patience == REST
    wish(thread)
    thread.round()
    assert thread.told.patience == POLL
    thread.clock.at += REST_AFTER - 0.01
    thread.round()
    assert thread.told.patience == POLL, "what is done now is committed within the commit interval"


def test_a_thread_is_not_at_rest_while_a_record_is_open_however_long_that_takes(thread: Thread) -> None:
    entry = PartitionState(TopicPartition("orders", 0))
    entry.tracker = OffsetTracker(entry.partition, 0)
    entry.tracker.arrived(0, "work")
    thread.table.add(entry)
    for _ in range(3):
        thread.clock.at += 100.0
        thread.round()
        assert thread.told.patience == POLL
    entry.tracker.completed(0)
    thread.clock.at += REST_AFTER
    thread.round()
    assert thread.told.patience == REST


def test_a_thread_that_read_a_record_is_not_at_rest_even_if_it_was_filtered_at_once(thread: Thread) -> None:
    thread.clock.at += 100.0
    thread.told.message = Delivered("elsewhere", 0, 1)
    thread.round()
    thread.round()
    assert thread.told.patience == POLL
