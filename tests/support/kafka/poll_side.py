"""One partition owner's poll side without brokers: a client, questions and a loop that a test answers for."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from bridge.config.keys.scalars import StartPoint
from bridge.formats import commit_mark, operator_hold
from bridge.formats.offset_map import BROKER_LIMIT, Demand, Head
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka.consumer.assignment.draining import Draining
from bridge.kafka.consumer.assignment.holding import Holding, Move, OperatorOutcome
from bridge.kafka.consumer.assignment.rebalance import Rebalance
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.starts.start_policy import StartFacts
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.kafka.consumer.thread.watchdog import Watchdog
from bridge.kafka.partitions import from_client
from bridge.model import LogRange, Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.support.kafka import contexts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from threading import Event

    from bridge.kafka.consumer.starts.lookup import Lookup
    from bridge.kafka.consumer.thread.consumption import Drained, Tracker

HOLD = OperatorHold("sends the wrong name", "alice", 1_700_000_000)
LOGGER = logging.getLogger("tests.operator_requests")
REBALANCING = 27
A, B = TopicPartition("orders", 0), TopicPartition("orders", 1)


class Client:
    """A consumer whose explicit commits wait until they are answered."""

    def __init__(self) -> None:
        self.committed: dict[TopicPartition, Position] = {}
        """With the whole text, as brokers keep it."""
        self.stored: dict[TopicPartition, int] = {}
        self.sought: list[tuple[TopicPartition, int]] = []
        self.under_way: list[list[ClientPartition]] = []

    def store_offsets(self, *, offsets: list[ClientPartition]) -> None:
        self.stored.update({from_client(each): each.offset for each in offsets})

    def commit(self, *, offsets: list[ClientPartition], asynchronous: bool) -> list[ClientPartition]:
        if asynchronous:
            self.under_way.append(offsets)
        else:
            self.take(offsets)
        return offsets

    def take(self, offsets: Iterable[ClientPartition]) -> None:
        self.committed |= {from_client(each): Position(each.offset, each.metadata or "", None) for each in offsets}

    def seek(self, each: ClientPartition) -> None:
        self.sought.append((from_client(each), each.offset))

    def pause(self, partitions: list[ClientPartition]) -> None:
        """Nothing is read here anyway."""

    resume = incremental_assign = incremental_unassign = pause


class Questions:
    """Answered at once, from what is committed."""

    def __init__(self, client: Client) -> None:
        self.topic_id = "id1"
        self.settled = True
        self.first = 0
        self._client = client

    def find(
        self, partitions: Sequence[TopicPartition], *, time_ms: int | None, budget: float
    ) -> dict[TopicPartition, StartFacts]:
        del time_ms, budget
        return {partition: self._found(self._client.committed.get(partition)) for partition in partitions}

    def ranges(self, partitions: Sequence[TopicPartition], budget: float) -> dict[TopicPartition, LogRange]:
        del budget
        return dict.fromkeys(partitions, LogRange(self.first, 1000))

    def _found(self, position: Position | None) -> StartFacts:
        return StartFacts(
            position=position and position._replace(metadata=commit_mark.unmarked(position.metadata)),
            position_known=True,
            range=LogRange(self.first, 1000),
            latest=1000,
            topic_id=self.topic_id,
            group_settled=self.settled,
            operator_hold=position and operator_hold.of_metadata(position.metadata),
        )


class Loop:
    """The loop's side: takes down what it is told, and says what was done when a test says so."""

    def __init__(self) -> None:
        self.live: list[Tracker] = []
        self.drains: dict[TopicPartition, tuple[Tracker, Drained]] = {}
        self.told: list[tuple[TopicPartition, Reason, str]] = []

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        self.live += trackers

    def set_aside(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        [tracker] = trackers
        assert tracker.partition not in self.drains
        self.drains[tracker.partition] = tracker, drained

    def drained(self, partition: TopicPartition, position: Position) -> None:
        tracker, drained = self.drains.pop(partition)
        self.live.remove(tracker)
        drained([(tracker, position)])

    def partition_held(self, partition: TopicPartition, reason: Reason, detail: str, seconds: float) -> None:
        del seconds
        self.told.append((partition, reason, detail))

    def partition_released(self, partition: TopicPartition) -> None:
        """Known from the table."""

    def started(self, starts: object) -> None:
        """Known from the trackers."""

    def heartbeat_answered(self, issued_at: float) -> None:
        """Nothing is sent here."""

    def commit_failed(self, detail: str) -> None:
        """What is refused is seen by its outcome."""

    def start_over(self, topic: str) -> None:
        """No letters are counted here."""


class Side:
    def __init__(self, consumption: Loop, pass_by: Callable[[float], None]) -> None:
        self.consumption = consumption
        self.pass_by = pass_by

    def tell(self, method: Callable[..., object], *arguments: Any) -> None:
        method(*arguments)

    tell_from_callback = tell

    def wait(self, done: Event, seconds: float, meanwhile: Callable[[], None]) -> bool:
        """Nothing happens meanwhile."""
        del meanwhile
        if not done.is_set():
            self.pass_by(seconds)
        return done.is_set()


class Scene:
    def __init__(self, start_from: StartPoint = StartPoint.EARLIEST) -> None:
        self.now = 100.0
        self.client, self.loop = Client(), Loop()
        self.questions = Questions(self.client)
        self.outcomes: list[Mapping[TopicPartition, OperatorOutcome]] = []
        self.context = context = contexts.context(
            self.client,
            Side(self.loop, self.wait),
            kafka=contexts.kafka(start_from, drain_timeout="20s"),
            clock=self.clock,
        )
        self.table, self.counts, self.pauses = context.partitions, context.counts, context.pauses
        self.commits = Commits(context, sleep=lambda _: None)
        self.starting = StartRunner(context, cast("Lookup", self.questions), self.commits)
        self.draining = Draining(context, self.commits)
        self.holding = Holding(context, self.draining, self.starting, self.commits)
        self.rebalance = Rebalance(context, self.starting, self.commits, self.draining, Watchdog(lambda: None, LOGGER))

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds

    def revoke(self, *partitions: TopicPartition) -> None:
        given = [self.entry(partition).client_partition() for partition in partitions]
        self.rebalance.on_revoke(cast("Consumer", self.client), given)
        assert self.context.failure.error is None

    def read(self, *partitions: TopicPartition, offset: int = 100) -> None:
        """These are assigned, and read from the committed offset."""
        for partition in partitions:
            self.client.committed[partition] = Position(offset, "", None)
        self.starting.assign(partitions)

    def entry(self, partition: TopicPartition) -> PartitionState:
        entry = self.table.get(partition)
        assert entry is not None
        return entry

    def pass_by(self, seconds: float, *, answering: bool = True) -> None:
        """What the poll loop does between its polls, upkeep among it."""
        for _ in range(round(seconds * 5)):
            self.now += 0.2
            self.commits.take_offered()
            self.holding.carry_on()
            self.commits.refresh()
            self.starting.recheck()
            if answering:
                self.answer()

    def answer(self, code: int = 0) -> None:
        under_way, self.client.under_way = self.client.under_way, []
        for offsets in under_way:
            if not code:
                self.client.take(offsets)
            self.commits.answered(KafkaError(code) if code else None, offsets)

    def hold(self, *partitions: TopicPartition, hold: OperatorHold = HOLD) -> None:
        self.holding.hold(partitions, hold, self.outcomes.append)

    def release(self, *partitions: TopicPartition) -> None:
        self.holding.release(partitions, "orders", self.outcomes.append, start_over=False)

    def try_again(self, *partitions: TopicPartition) -> None:
        self.holding.try_again(partitions, "orders", self.outcomes.append, start_over=True)

    def move(self, moves: Mapping[TopicPartition, Move]) -> None:
        self.holding.move(moves, self.outcomes.append)

    def begun(self) -> dict[TopicPartition, int]:
        """Where each is read from; exactly one tracker each."""
        assert len({tracker.partition for tracker in self.loop.live}) == len(self.loop.live)
        assert all(self.entry(tracker.partition).tracker is tracker for tracker in self.loop.live)
        return {tracker.partition: tracker.lowest_open for tracker in self.loop.live}


def plain(offset: int) -> Position:
    return Position(offset, "", None)


def mapped(offset: int, *done: int, topic_id: str = "id1") -> Position:
    tracker: OffsetTracker[None] = OffsetTracker(A, offset, topic_id=topic_id)
    for each in range(offset, max(done, default=offset) + 1):
        tracker.arrived(each, None)
    for each in done:
        tracker.completed(each)
    return tracker.position(Demand(0, 0), Head(), BROKER_LIMIT)
