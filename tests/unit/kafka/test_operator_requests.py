"""What an operator asks of several partitions, while they drain at different speeds and others look at them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from bridge.config.keys.scalars import StartPoint
from bridge.formats import commit_mark, offset_map, operator_hold
from bridge.formats.offset_map import BROKER_LIMIT, Demand, Head
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka.consumer.assignment.holding import Move, OperatorOutcome
from bridge.kafka.consumer.thread.hand_over import DRAIN_GRACE
from bridge.model import Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from tests.support.kafka.poll_side import HOLD, REBALANCING, A, B, Scene, mapped, plain

if TYPE_CHECKING:
    from bridge.kafka.consumer.thread.consumption import Tracker

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
