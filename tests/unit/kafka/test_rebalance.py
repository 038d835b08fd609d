from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.counts import SourceCounts
from bridge.kafka.consumer.assignment.draining import Draining
from bridge.kafka.consumer.assignment.rebalance import Rebalance
from bridge.kafka.consumer.thread.hand_over import FirstFailure, HandOver
from bridge.kafka.consumer.thread.partition_state import PartitionState, PartitionTable, Pauses
from bridge.kafka.consumer.thread.watchdog import Watchdog
from bridge.model import Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.support.kafka import contexts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bridge.kafka.consumer.commits import Commits
    from bridge.kafka.consumer.starts.start_runner import StartRunner
    from bridge.kafka.consumer.thread.consumption import Consumption, Drained, Positioned, Tracker

LOGGER = logging.getLogger("tests.rebalance")


class Client:
    """Takes down what a consumer is told about its partitions, with everything else in the order it happened."""

    def __init__(self, happened: list[str]) -> None:
        self.happened = happened
        self.fails = False

    def incremental_unassign(self, partitions: list[ClientPartition]) -> None:
        self.happened.append(f"unassign {[each.partition for each in partitions]}")
        if self.fails:
            raise KafkaException(KafkaError(-172))

    def pause(self, partitions: list[ClientPartition]) -> None:
        self.happened.append(f"pause {[each.partition for each in partitions]}")

    def resume(self, partitions: list[ClientPartition]) -> None:
        self.happened.append(f"resume {[each.partition for each in partitions]}")


class Steps:
    """Stands for what starts partitions, commits positions and consumes records."""

    def __init__(self, table: PartitionTable, happened: list[str]) -> None:
        self.table = table
        self.happened = happened
        self.defect: Exception | None = None
        self.to_answer: list[tuple[Sequence[Tracker], Drained]] = []

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        if self.defect is not None:
            raise self.defect
        self.happened.append(f"start {[each.partition for each in partitions]}")

    def forget(self, entries: Iterable[PartitionState]) -> None:
        self.happened.append(f"forget {[entry.partition.partition for entry in entries]}")

    def finish(self, positions: Positioned, others: Iterable[PartitionState] = ()) -> None:
        del others
        assert all(self.table.of(tracker) is not None for tracker, _ in positions), "fenced before the commit"
        self.happened.append(f"commit {[tracker.partition.partition for tracker, _ in positions]}")

    def before_drain(self) -> None:
        """Nothing was stored that is not committed."""

    def keep_up(self) -> None:
        """The partitions that stay have nothing new."""

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        self.happened.append(f"drain {[tracker.partition.partition for tracker in trackers]}")
        drained([(tracker, Position(5, "", None)) for tracker in trackers])

    def set_aside(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        self.happened.append(f"set aside {[tracker.partition.partition for tracker in trackers]}")
        self.to_answer.append((trackers, drained))

    def lost(self, trackers: Sequence[Tracker]) -> None:
        self.happened.append(f"lost {[tracker.partition.partition for tracker in trackers]}")


class Scene:
    def __init__(self, partitions: int = 3) -> None:
        self.happened: list[str] = []
        self.client = Client(self.happened)
        counts, failure, table = SourceCounts(), FirstFailure(), PartitionTable()
        self.steps = Steps(table, self.happened)
        for number in range(partitions):
            entry = PartitionState(TopicPartition("orders", number))
            entry.tracker = OffsetTracker(entry.partition, 0)
            table.add(entry)
        self.context = contexts.context(
            self.client,
            HandOver(asyncio.get_running_loop(), cast("Consumption", self.steps), counts, failure),
            kafka=contexts.kafka(drain_timeout="5s"),
            partitions=table,
            counts=counts,
            failure=failure,
        )
        self.table = table
        commits = cast("Commits", self.steps)
        self.rebalance = Rebalance(
            self.context,
            cast("StartRunner", self.steps),
            commits,
            Draining(self.context, commits),
            Watchdog(lambda: None, LOGGER),
        )

    @property
    def consumer(self) -> Consumer:
        return cast("Consumer", self.client)

    async def revoke(self, *numbers: int) -> None:
        await asyncio.to_thread(self.rebalance.on_revoke, self.consumer, client_partitions(*numbers))

    async def lose(self, *numbers: int) -> None:
        await asyncio.to_thread(self.rebalance.on_lost, self.consumer, client_partitions(*numbers))
        await asyncio.sleep(0)  # what was told to the loop is its next turn

    async def assign(self, *numbers: int) -> None:
        await asyncio.to_thread(self.rebalance.on_assign, self.consumer, client_partitions(*numbers))


def client_partitions(*numbers: int) -> list[ClientPartition]:
    return [ClientPartition("orders", number) for number in numbers]


async def test_what_is_revoked_is_drained_then_committed_and_only_then_given_up() -> None:
    scene = Scene()
    await scene.revoke(0, 2)
    assert scene.context.failure.error is None
    assert scene.happened == ["drain [0, 2]", "commit [0, 2]", "forget [0, 2]", "unassign [0, 2]"]
    assert [entry.partition.partition for entry in scene.table] == [1]


async def test_of_what_is_lost_nothing_is_committed() -> None:
    scene = Scene()
    await scene.lose(0, 1)
    assert set(scene.happened) == {"forget [0, 1]", "lost [0, 1]"}
    assert not scene.rebalance.joined
    assert [entry.partition.partition for entry in scene.table] == [2]


async def test_an_assignment_of_nothing_after_a_revocation_takes_nothing_away() -> None:
    scene = Scene()
    await scene.assign()
    assert scene.rebalance.joined
    assert len(scene.table) == 3
    await scene.revoke()
    assert len(scene.table) == 3
    assert "drain []" not in scene.happened


async def test_a_defect_in_a_callback_is_kept_and_never_raised_into_whatever_call_was_running() -> None:
    scene = Scene()
    scene.steps.defect = RuntimeError("boom")
    await scene.assign(0)
    assert scene.context.failure.error is scene.steps.defect
    scene.client.fails = True
    await scene.revoke(1)
    assert scene.context.failure.error is scene.steps.defect
    assert "drain [1]" not in scene.happened  # what is open stays open for the next owner


def test_a_pause_that_outlived_its_assignment_is_lifted_when_the_partition_comes_back() -> None:
    client = Client([])
    pauses = Pauses(cast("Consumer", client), set())
    before = PartitionState(TopicPartition("orders", 0))
    before.ordered_pause = True
    pauses.apply([before])
    again = PartitionState(TopicPartition("orders", 0))
    pauses.forget([again])
    pauses.apply([again])
    assert client.happened == ["pause [0]", "resume [0]"]
    assert not again.paused
