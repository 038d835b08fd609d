"""What an operator asks of several partitions, while they drain at different speeds and others look at them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from bridge.config.scalars import StartPoint
from bridge.holds import Reason
from bridge.kafka import commit_mark, operator_hold
from bridge.kafka.client_log import RareLog
from bridge.kafka.commits import Commits
from bridge.kafka.counts import SourceCounts
from bridge.kafka.holding import Holding, Move, Outcome
from bridge.kafka.operator_hold import OperatorHold
from bridge.kafka.partitions import from_client
from bridge.kafka.pauses import Pauses
from bridge.kafka.standstill import Standstill
from bridge.kafka.starting import Starting
from bridge.kafka.starts import Found, LogRange
from bridge.kafka.table import Assigned, Table
from bridge.model import Position, TopicPartition
from bridge.pipeline.offset_map import BROKER_LIMIT, Demand, Head
from bridge.pipeline.offsets import OffsetTracker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bridge.kafka.consumption import Drained, Tracker
    from bridge.kafka.lookup import Lookup
    from bridge.kafka.loop_side import LoopSide

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

    resume = pause


class Questions:
    """Answered at once, from what is committed."""

    def __init__(self, client: Client) -> None:
        self.topic_id = "id1"
        self.settled = True
        self._client = client

    def find(
        self, partitions: Sequence[TopicPartition], *, time_ms: int | None, budget: float
    ) -> dict[TopicPartition, Found]:
        del time_ms, budget
        return {partition: self._found(self._client.committed.get(partition)) for partition in partitions}

    def _found(self, position: Position | None) -> Found:
        return Found(
            position=position and position._replace(metadata=commit_mark.unmarked(position.metadata)),
            position_known=True,
            range=LogRange(0, 1000),
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

    def start_over(self, topic: str) -> None:
        """No letters are counted here."""


class Side:
    def __init__(self, consumption: Loop) -> None:
        self.consumption = consumption

    def tell(self, method: Callable[..., object], *arguments: Any) -> None:
        method(*arguments)


class Scene:
    def __init__(self, start_from: StartPoint = StartPoint.EARLIEST) -> None:
        self.now = 100.0
        self.client, self.loop, self.table = Client(), Loop(), Table()
        self.questions = Questions(self.client)
        self.outcomes: list[Mapping[TopicPartition, Outcome]] = []
        self.counts = SourceCounts()
        consumer, side = cast("Consumer", self.client), cast("LoopSide", Side(self.loop))
        self.commits = Commits(
            consumer,
            self.table,
            self.counts,
            lambda _: None,
            RareLog(LOGGER),
            lambda _: None,
            clock=self.clock,
            sleep=lambda _: None,
        )
        self.pauses = Pauses(consumer, set())
        self.starting = Starting(
            consumer,
            self.table,
            side,
            lookup=cast("Lookup", self.questions),
            commits=self.commits,
            pauses=self.pauses,
            counts=self.counts,
            logger=LOGGER,
            start_from=start_from,
            assign=lambda _: None,
            clock=self.clock,
        )
        self.standstill = Standstill(self.table, side, self.commits, self.pauses, drain_timeout=20.0, clock=self.clock)
        self.holding = Holding(
            self.table, side, self.standstill, self.starting, self.commits, self.pauses, clock=self.clock
        )

    def clock(self) -> float:
        return self.now

    def read(self, *partitions: TopicPartition, offset: int = 100) -> None:
        """These are assigned, and read from the committed offset."""
        for partition in partitions:
            self.client.committed[partition] = Position(offset, "", None)
        self.starting.assign(partitions)

    def entry(self, partition: TopicPartition) -> Assigned:
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


# --- several partitions ---------------------------------------------------------------------------------


def test_an_offset_that_is_set_holds_for_all_partitions_however_much_later_one_of_them_is_drained() -> None:
    scene = Scene()
    scene.read(A, B)
    scene.move({A: Move(100, "", 50, ""), B: Move(100, "", 60, "")})
    scene.loop.drained(A, plain(100))
    scene.pass_by(5.0)
    assert scene.begun() == {B: 100}, "what is decided for both is not decided yet"
    scene.loop.drained(B, plain(100))
    scene.pass_by(5.0)
    assert scene.outcomes == [{A: Outcome.DONE, B: Outcome.DONE}]
    assert scene.begun() == {A: 50, B: 60}
    assert {p: position.offset for p, position in scene.client.committed.items()} == {A: 50, B: 60}


def test_a_partition_that_waited_already_does_not_begin_while_another_of_the_request_drains() -> None:
    scene = Scene()
    scene.read(A, B)
    scene.hold(A)
    scene.loop.drained(A, plain(100))
    scene.pass_by(1.0)
    scene.release(A, B)
    scene.pass_by(18.0)
    assert scene.begun() == {B: 100}
    scene.loop.drained(B, plain(105))
    scene.pass_by(2.0)
    assert scene.begun() == {A: 100, B: 105}


def test_a_partition_that_begins_again_while_a_request_waits_is_brought_to_a_standstill_once_more() -> None:
    scene = Scene()
    scene.read(A, B)
    scene.move({A: Move(100, "", 50, ""), B: Move(100, "", 60, "")})
    scene.loop.drained(A, plain(100))
    scene.pass_by(1.0)
    scene.starting.hold(scene.entry(A), Reason.RECORD_TOO_LARGE, "what the client said last")
    scene.entry(A).retry_at = 0.0
    scene.pass_by(2.0)
    scene.loop.drained(B, plain(100))
    scene.pass_by(1.0)
    assert set(scene.loop.drains) == {A}
    scene.loop.drained(A, plain(100))
    scene.pass_by(2.0)
    assert scene.begun() == {A: 50, B: 60}


def test_no_time_of_the_next_look_is_told_where_none_is_set() -> None:
    scene = Scene()
    scene.read(A, B)
    scene.hold(A)
    scene.starting.hold(scene.entry(B), Reason.OUT_OF_RANGE, "below the log's start")
    assert set(scene.starting.next_looks) == {B}
