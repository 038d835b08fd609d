"""What an operator asks of several partitions, while they drain at different speeds and others look at them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as ClientPartition

from bridge.config.keys.scalars import StartPoint
from bridge.formats import commit_mark, offset_map, operator_hold
from bridge.formats.offset_map import BROKER_LIMIT, Demand, Head
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka.consumer.assignment.draining import Draining
from bridge.kafka.consumer.assignment.holding import Holding, Move, OperatorOutcome
from bridge.kafka.consumer.assignment.rebalance import Rebalance
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.starts.start_policy import StartFacts
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.kafka.consumer.thread.hand_over import DRAIN_GRACE
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
    assert scene.outcomes == [{A: OperatorOutcome.DONE, B: OperatorOutcome.DONE}]
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


def test_another_try_for_a_topic_reads_on_what_nobody_holds_and_lifts_no_hold_that_still_drains() -> None:
    """As with another mapping, while what an operator asked of one partition has not come to an end."""
    scene = Scene()
    scene.read(A, B)
    scene.hold(A)
    scene.try_again(A, B)
    assert scene.entry(A).operator_hold == HOLD
    scene.loop.drained(A, plain(100))
    scene.loop.drained(B, plain(105))
    scene.pass_by(5.0)
    assert scene.begun() == {B: 105}
    assert scene.entry(A).held is Reason.HELD_BY_OPERATOR
    assert operator_hold.of_metadata(scene.client.committed[A].metadata) == HOLD
    scene.release(A)
    scene.pass_by(5.0)
    assert scene.begun() == {A: 100, B: 105}


def test_a_release_of_one_partition_of_a_topic_held_for_dead_letters_lifts_no_hold_of_another() -> None:
    """All of such a topic begin again together, also one whose own hold has not come to an end yet."""
    scene = Scene()
    scene.read(A, B)
    scene.hold(A)
    scene.holding.release([B], "orders", scene.outcomes.append, start_over=True, also=[A])
    scene.loop.drained(A, plain(100))
    scene.loop.drained(B, plain(105))
    scene.pass_by(5.0)
    assert scene.begun() == {B: 105}
    assert scene.entry(A).held is Reason.HELD_BY_OPERATOR


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


# --- what an offset was decided by ----------------------------------------------------------------------


def test_an_offset_is_not_set_where_more_was_done_since_the_operator_looked() -> None:
    scene = Scene()
    scene.read(A)
    scene.move({A: Move(100, "", 50, "")})
    scene.loop.drained(A, plain(130))
    scene.pass_by(3.0)
    assert scene.outcomes == [{A: OperatorOutcome.MOVED_MEANWHILE}]
    assert scene.begun() == {A: 130}
    assert scene.client.committed[A].offset == 130


def test_an_answer_to_an_earlier_position_acknowledges_no_later_one() -> None:
    scene = Scene()
    scene.read(A)
    scene.commits.send_heartbeat()
    scene.pass_by(1.0)
    assert scene.entry(A).acknowledged
    scene.commits.offer([(cast("Tracker", scene.entry(A).tracker), plain(105))])
    scene.commits.take_offered()
    assert not scene.entry(A).acknowledged
    scene.hold(A)
    scene.loop.drained(A, plain(130))
    scene.now += 1.0
    scene.holding.carry_on()
    assert scene.outcomes == [], "the coordinator has not answered yet"


def test_a_map_that_says_the_same_at_another_time_is_what_the_operator_saw() -> None:
    scene = Scene()
    scene.read(A)
    seen = mapped(100, 103, 105)
    scene.client.committed[A] = seen
    later = OffsetTracker[None](A, 100, topic_id="id1")
    for offset in range(100, 106):
        later.arrived(offset, None)
    later.completed(103)
    later.completed(105)
    scene.move({A: Move(100, seen.metadata, 50, "")})
    scene.loop.drained(A, later.position(Demand(7, 1_800_000_000), Head(), BROKER_LIMIT))
    scene.pass_by(1.0)
    assert scene.outcomes == [{A: OperatorOutcome.DONE}]
    more = mapped(50, 52)
    scene.move({A: Move(50, mapped(50, 51).metadata, 60, "")})
    scene.loop.drained(A, more)
    scene.pass_by(1.0)
    assert scene.outcomes[1:] == [{A: OperatorOutcome.MOVED_MEANWHILE}]


# --- topics that are created again ------------------------------------------------------------------------


def recreate(scene: Scene, *, noticed: bool = True) -> None:
    """The brokers drop the committed offsets of a topic that is deleted."""
    scene.client.committed.clear()
    scene.questions.topic_id = "id2"
    if noticed:
        scene.starting.identify("orders", "id2")
        scene.pass_by(40.0)
        assert scene.client.committed == {}, "an offset in the old topic is none in the new one"


@pytest.mark.parametrize("start_from", [StartPoint.EARLIEST, StartPoint.LATEST])
@pytest.mark.parametrize("noticed", [True, False])
@pytest.mark.parametrize("is_set", [True, False])
def test_a_topic_created_again_while_it_is_held_is_read_from_its_beginning(
    *, is_set: bool, noticed: bool, start_from: StartPoint
) -> None:
    scene = Scene(start_from)
    scene.questions.settled = False
    scene.read(A)
    scene.hold(A)
    scene.loop.drained(A, mapped(100))
    scene.pass_by(1.0)
    if is_set:
        scene.move({A: Move(100, mapped(100).metadata, 500, "")})
        scene.pass_by(1.0)
    recreate(scene, noticed=noticed)
    assert scene.entry(A).held is Reason.HELD_BY_OPERATOR
    scene.release(A)
    scene.pass_by(3.0)
    assert set(scene.outcomes[-1].values()) == {OperatorOutcome.DONE}
    assert scene.begun() == {A: 0}
    assert scene.client.committed[A].offset == 0
    assert scene.client.stored[A] == 0, "the client would commit the higher one by itself"


def test_an_offset_that_is_set_is_none_of_a_topic_that_is_created_again_after_a_restart() -> None:
    scene = Scene()
    scene.read(A)
    scene.move({A: Move(100, "", 500, "")})
    scene.loop.drained(A, mapped(100))
    scene.pass_by(1.0)
    text = commit_mark.unmarked(scene.client.committed[A].metadata)
    decoded = offset_map.decode(text)
    assert decoded is not None
    assert (decoded.base, decoded.topic_id, decoded.done) == (500, "id1", ())


@pytest.mark.parametrize("noticed", [True, False])
def test_an_offset_in_a_topic_that_was_created_again_is_set_by_what_the_group_has_there(*, noticed: bool) -> None:
    scene = Scene()
    scene.read(A)
    scene.hold(A)
    scene.loop.drained(A, mapped(100))
    scene.pass_by(1.0)
    recreate(scene, noticed=noticed)
    scene.move({A: Move(None, "", 7, "")})
    scene.pass_by(1.0)
    assert scene.outcomes[-1] == {A: OperatorOutcome.DONE}
    scene.release(A)
    scene.pass_by(2.0)
    assert scene.begun() == {A: 7}


# --- a rebalance in the middle ------------------------------------------------------------------------------


def test_a_hold_whose_commit_is_under_way_when_its_partition_is_revoked_is_committed_before_that_is_given_up() -> None:
    scene = Scene()
    scene.read(A)
    scene.hold(A)
    scene.loop.drained(A, plain(130))
    scene.pass_by(0.2, answering=False)
    assert scene.client.under_way
    scene.revoke(A)
    assert scene.client.committed[A].offset == 130
    assert operator_hold.of_metadata(scene.client.committed[A].metadata) == HOLD
    scene.answer(REBALANCING)
    scene.pass_by(1.0)
    assert scene.outcomes == [{A: OperatorOutcome.GONE}]
    assert scene.client.under_way == []


def test_what_is_acknowledged_is_not_committed_once_more_when_it_is_revoked() -> None:
    scene = Scene()
    scene.read(A)
    scene.hold(A)
    scene.loop.drained(A, plain(130))
    scene.pass_by(1.0)
    kept = scene.client.committed.pop(A)
    scene.revoke(A)
    assert operator_hold.of_metadata(kept.metadata) == HOLD
    assert scene.client.committed == {}


def test_a_look_at_a_partition_whose_commit_is_under_way_leaves_its_answer_an_answer() -> None:
    scene = Scene()
    scene.read(A)
    scene.hold(A)
    scene.loop.drained(A, plain(130))
    scene.pass_by(0.2, answering=False)
    scene.starting.recheck_waiting([scene.entry(A)])
    scene.answer()
    assert scene.entry(A).acknowledged


def test_partitions_revoked_on_their_way_to_a_standstill_are_waited_for_together_and_others_are_not() -> None:
    scene = Scene()
    c = TopicPartition("orders", 2)
    scene.read(A, B, c)
    scene.hold(A, B, c)
    scene.pass_by(10.0)
    began = scene.now
    scene.revoke(A, B)
    assert scene.now - began <= 20.0 + DRAIN_GRACE - 10.0 + 0.1, "the limit began when the drain did"
    assert scene.counts.forced_drains == 2
    assert {p: operator_hold.of_metadata(scene.client.committed[p].metadata) for p in (A, B)} == {A: HOLD, B: HOLD}
    assert scene.entry(c).closing
    scene.loop.drained(c, plain(105))
    scene.pass_by(1.0)
    assert scene.outcomes == [{A: OperatorOutcome.GONE, B: OperatorOutcome.GONE, c: OperatorOutcome.DONE}]
    assert scene.client.committed[c].offset == 105
    assert scene.counts.forced_drains == 2


def test_a_standstill_that_takes_too_long_is_a_forced_drain_and_is_counted_as_one() -> None:
    scene = Scene()
    scene.read(A)
    scene.hold(A)
    scene.pass_by(20.0 + DRAIN_GRACE + 1.0)
    assert scene.outcomes == [{A: OperatorOutcome.DONE}]
    assert scene.counts.forced_drains == 1


# --- what is told -------------------------------------------------------------------------------------------


def test_who_holds_what_is_held_already_is_who_is_told_of() -> None:
    scene = Scene()
    scene.read(A)
    scene.hold(A)
    scene.loop.drained(A, plain(100))
    scene.pass_by(1.0)
    scene.hold(A, hold=OperatorHold("it is worse", "bob", 1_700_000_100))
    scene.pass_by(1.0)
    assert [detail for _, _, detail in scene.loop.told] == [
        "Held by alice at 2023-11-14T22:13:20Z: sends the wrong name",
        "Held by bob at 2023-11-14T22:15:00Z: it is worse",
    ]
    assert scene.starting.held[A][1] == scene.loop.told[-1][2]
    scene.pass_by(40.0)
    assert len(scene.loop.told) == 2, "what has not changed is not told again"


def test_a_loss_that_is_found_again_as_it_was_is_no_news() -> None:
    scene = Scene()
    scene.read(A, offset=100)
    scene.questions.first = 150
    scene.starting.hold(scene.entry(A), Reason.OUT_OF_RANGE, "it fell out of the log")
    scene.pass_by(31.0)
    found = scene.counts.lost
    assert [each.at_most for each in found.values()] == [50]
    scene.pass_by(70.0)
    assert scene.counts.lost is found
    scene.questions.first = 160
    scene.pass_by(40.0)
    assert [each.at_most for each in scene.counts.lost.values()] == [60]


# --- pauses -------------------------------------------------------------------------------------------------


class Wall:
    """The time of day, beside the scene's clock; both go on together."""

    def __init__(self, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead = 1_700_000_000.0 - scene.now
        self._scene = scene
        monkeypatch.setattr(time, "time", self.now)

    def now(self) -> float:
        return self._ahead + self._scene.now

    def pause(self, seconds: float) -> OperatorHold:
        return OperatorHold("index is rebuilt", "alice", int(self.now()), int(self.now() + seconds))


def test_a_pause_ends_by_itself_at_its_time_and_its_note_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    wall = Wall(scene, monkeypatch)
    scene.read(A)
    pause = wall.pause(12)
    scene.hold(A, hold=pause)
    scene.loop.drained(A, mapped(100))
    scene.pass_by(2.0)
    assert scene.outcomes[-1] == {A: OperatorOutcome.DONE}
    assert scene.entry(A).held is Reason.PAUSED_BY_OPERATOR
    assert scene.starting.ends == {A: pause.until}
    assert operator_hold.of_metadata(scene.client.committed[A].metadata) == pause
    scene.pass_by(9.0)
    assert scene.begun() == {}, "its time is not over"
    scene.pass_by(2.0)
    assert scene.begun() == {A: 100}, "at once, and not with the next look at what is held"
    assert scene.starting.ends == {}
    scene.pass_by(1.0)
    assert operator_hold.of_metadata(scene.client.committed[A].metadata) is None


@pytest.mark.parametrize("is_over", [True, False])
def test_whoever_gets_a_paused_partition_ends_the_pause(monkeypatch: pytest.MonkeyPatch, *, is_over: bool) -> None:
    scene = Scene()
    wall = Wall(scene, monkeypatch)
    pause = wall.pause(60)
    scene.client.committed[A] = Position(130, pause.note, None)
    if is_over:
        scene.wait(61)
    scene.starting.assign([A])
    if not is_over:
        assert scene.entry(A).held is Reason.PAUSED_BY_OPERATOR
        scene.pass_by(59.0)
        assert scene.begun() == {}
        scene.pass_by(2.0)
    assert scene.begun() == {A: 130}
    scene.pass_by(1.0)
    assert operator_hold.of_metadata(scene.client.committed[A].metadata) is None


def test_a_hold_in_place_of_a_pause_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()
    wall = Wall(scene, monkeypatch)
    scene.read(A)
    scene.hold(A, hold=wall.pause(10))
    scene.loop.drained(A, mapped(100))
    scene.pass_by(2.0)
    scene.hold(A)
    scene.pass_by(60.0)
    assert scene.entry(A).held is Reason.HELD_BY_OPERATOR
    assert scene.begun() == {}
    assert operator_hold.of_metadata(scene.client.committed[A].metadata) == HOLD
