"""Partitions that come and go, and a process that was stopped meanwhile."""

from __future__ import annotations

import pytest

from bridge.formats import offset_map
from bridge.model import TRACK, TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import (
    ACCEPTED,
    FAILED,
    REJECTED,
    THROTTLED,
    TIMED_OUT,
    TOO_LARGE,
    UNWRITABLE,
    unauthorized,
)
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
Q0 = TopicPartition("payments", 0)
ANY_VERDICT = [ACCEPTED, FAILED, TIMED_OUT, THROTTLED, REJECTED, unauthorized()]


@pytest.mark.parametrize("verdict", ANY_VERDICT)
def test_an_answer_for_a_lost_partition_frees_its_permit_and_its_lane(world: World, verdict: Verdict) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "ann")
    world.feed(P1, "ann")
    world.sink.abort = lambda _: None  # type: ignore[method-assign]  # the answer is on its way already
    world.lose(P0)
    committed = dict(world.positions.committed)
    (work,) = world.sink.on_wire
    world.sink.answer(work, verdict)
    world.run(1.1)  # a pause has some jitter on top
    assert world.positions.committed.get(P0) == committed.get(P0)
    assert [event for _, event, _ in world.sink.sent] == [(P0, 0, 0), (P1, 0, 0)]
    world.sink.answer_all(ACCEPTED)
    world.run(1)
    assert world.dispatcher.governors[TRACK].in_flight == 0
    assert world.letters.written == []


def test_the_receipt_of_a_letter_of_a_lost_partition_frees_its_lane(world: World) -> None:
    world.sink.api = lambda work: (0.01, REJECTED if work.record.partition == 0 else ACCEPTED)
    world.letters.topic = lambda _: None
    world.feed(P0, "ann")
    world.feed(P1, "ann")
    world.run(0.1)
    world.lose(P0)
    (work,) = world.letters.pending
    world.letters.receipt(work, None)
    world.run(1)
    assert world.sink.accepted == [(P1, 0, 0)]


def test_a_parked_head_that_is_dropped_on_revoke_re_arms_its_lane(world: World) -> None:
    world.sink.api = lambda work: (0.01, FAILED if work.record.partition == 0 else ACCEPTED)
    world.feed(P0, "ann")
    world.run(0.02)
    world.feed(P1, "ann", "ann")
    assert world.dispatcher.parked == 1
    world.revoke(P0)
    world.run(0.1)
    assert world.sink.accepted == [(P1, 0, 0), (P1, 1, 0)]


def test_a_refused_letter_that_is_dropped_on_revoke_re_arms_its_lane(world: World) -> None:
    world.sink.api = lambda work: (0.01, REJECTED if work.record.partition == 0 else ACCEPTED)
    world.letters.topic = lambda _: (0.01, UNWRITABLE)
    world.assign(P0, P1)
    world.feed(P0, "ann")
    world.feed(P1, "ann")
    world.run(0.1)
    assert world.sink.accepted == []
    world.revoke(P0)
    world.run(0.1)
    assert world.sink.accepted == [(P1, 0, 0)]


def test_a_revoke_takes_no_longer_than_what_is_on_the_wire(world: World) -> None:
    world.sink.api = lambda work: (3.0 if work.who == "slow" else 0.05, ACCEPTED)
    world.feed(P0, "slow", *["ann"] * 100)
    world.run(0.01)
    began = world.now
    world.revoke(P0)
    world.run_until(lambda: bool(world.drained))
    assert world.drained[0][0] - began == pytest.approx(2.99)
    assert world.positions.committed[P0].offset == 2, "both that were on the wire"
    assert world.dispatcher.tally.released == 99


def _under_rate_limit(world: World) -> None:
    world.dispatcher.set_rate(0.001, world.now)


def _under_hold(world: World) -> None:
    world.sink.api = lambda _: (0.01, unauthorized())


def _in_outage(world: World) -> None:
    world.sink.api = lambda _: (0.01, TIMED_OUT)


def _paused(world: World) -> None:
    world.sink.api = lambda _: (0.01, THROTTLED)


def _letters_unwritable(world: World) -> None:
    world.sink.api = lambda _: (0.01, REJECTED)
    world.letters.topic = lambda _: (0.01, UNWRITABLE)


def _letter_too_large(world: World) -> None:
    world.sink.api = lambda _: (0.01, REJECTED)
    world.letters.topic = lambda _: (0.01, TOO_LARGE)


def _topic_held(world: World) -> None:
    world.sink.api = lambda _: (0.01, REJECTED)


@pytest.mark.parametrize(
    "trouble",
    [_under_rate_limit, _under_hold, _in_outage, _paused, _letters_unwritable, _letter_too_large, _topic_held],
)
def test_a_revoke_waits_for_nothing_but_the_wire(trouble) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001 - one of the functions above
    world = World(DeliverySettings.model_construct(rate_limit=None, hold_after_letters=20))
    world.assign(P0)
    trouble(world)
    world.feed(P0, *[f"user {i % 80}" for i in range(200)])
    world.run(5)
    if world.sink.on_wire or world.letters.pending:
        world.run_until(lambda: not world.sink.on_wire and not world.letters.pending, 120)
    world.revoke(P0)
    world.run(0)
    assert len(world.drained) == 1
    world.run(60)
    assert world.sink.on_wire == {}
    assert world.dispatcher.tally.buffered == 0


@pytest.mark.parametrize("verdict", ANY_VERDICT)
def test_what_is_answered_while_draining_is_committed_or_left_open(world: World, verdict: Verdict) -> None:
    world.sink.api = lambda _: (1.0, verdict)
    world.feed(P0, "ann", "ann", "bob")
    world.run(0.1)
    world.revoke(P0)
    world.run(5)
    done = verdict in (ACCEPTED, REJECTED, unauthorized())
    assert len(world.sink.sent) == 2
    found = offset_map.decode(world.positions.committed[P0].metadata)
    assert found is not None
    assert world.positions.committed[P0].offset == (1 if done else 0)
    assert found.done == ((range(2, 3),) if done else ())


def test_the_drain_s_deadline_closes_the_connections_and_lets_go() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, drain_timeout=20.0))
    world.sink.api = lambda work: None if work.who == "slow" else (0.01, ACCEPTED)
    world.assign(P0)
    world.run(5)  # nothing else is on the alarm any more
    world.feed(P0, "slow", "ann")
    world.run(0.1)
    began = world.now
    world.revoke(P0)
    world.run_until(lambda: bool(world.drained))
    assert world.drained[0][0] - began == pytest.approx(20.0)
    assert world.sink.aborted == 1
    assert world.event_log.named("drain_forced")[0][1] == 1
    world.run(1)
    assert world.positions.committed[P0].offset == 0
    assert world.dispatcher.governors[TRACK].in_flight == 0


def test_a_letter_that_is_refused_while_draining_is_left_to_the_next_owner(world: World) -> None:
    world.letters.topic = lambda _: None
    world.assign(P0, P1)
    world.feed(P0, "!")
    world.revoke(P0)
    (work,) = world.letters.pending
    world.letters.topic = lambda _: (0.01, None)
    world.letters.receipt(work, UNWRITABLE)
    world.run(120)
    assert world.positions.committed[P0].offset == 0
    assert world.letters.written == []
    assert world.dispatcher.room()[0] > 0


@pytest.mark.parametrize("leave", ["revoke", "lose"])
def test_letters_that_wait_for_the_breaker_leave_with_their_partition(leave: str) -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, hold_after_letters=3))
    world.sink.api = lambda _: None
    world.assign(P0, P1)
    world.feed(P1, "ann")
    world.feed(P0, "bob", "!", "!", "!", "!", "!")
    world.run(0.1)
    assert len(world.letters.written) == 3
    getattr(world, leave)(P0)
    world.sink.answer_all(ACCEPTED)
    world.run(1)
    assert len(world.letters.written) == 3
    world.feed(P1, "!")
    world.run(1)
    assert len(world.letters.written) == 4


def test_an_event_rejected_while_draining_is_not_left_behind_on_the_breaker_s_shelf() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, hold_after_letters=3))
    world.sink.api = lambda _: None
    world.assign(P0, P1)
    world.feed(P1, "ann")
    world.feed(P0, "bob", "!", "!", "!")
    world.run(0.1)
    world.revoke(P0)
    bob = next(work for work in world.sink.on_wire if work.who == "bob")
    world.sink.answer(bob, REJECTED)
    assert world.drained
    world.sink.answer_all(ACCEPTED)
    world.run(1)
    assert len(world.letters.written) == 3
    assert world.positions.committed[P0].offset == 0


def test_a_drain_ends_once_and_also_when_the_partition_is_lost_meanwhile(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "ann")
    (tracker,) = [partition.tracker for partition in world.dispatcher.assignments]
    world.revoke(P0)
    world.dispatcher.lost([tracker])
    assert world.drained == [(world.now, [])]
    world.run(60)
    assert len(world.drained) == 1


def test_a_partition_that_comes_back_starts_from_what_is_committed_and_keeps_the_order(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "ann", "ann", "bob")
    world.lose(P0)
    world.run(0)
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.assign(P0)
    world.deliver(P0)
    world.run(1)
    world.check_order()
    assert world.all_finished()


# --- membership -------------------------------------------------------------------------------------


def test_nothing_is_sent_before_the_coordinator_answered() -> None:
    world = World()
    world.positions.answers = False
    world.assign(P0, prove=False)
    world.feed(P0, "ann")
    world.run(30)
    assert world.sink.sent == []
    assert world.positions.asked >= 25
    world.positions.answers = True
    world.run(2)
    assert world.users_sent == ["ann"]


def test_a_woken_process_starts_no_request_before_it_proved_its_membership(world: World) -> None:
    world.sink.api = lambda _: (1.0, ACCEPTED)
    world.feed(P0, *[f"user {i}" for i in range(100)])
    world.run(0.5)
    assert len(world.sink.sent) == 64
    world.positions.answers = False
    world.stop_process(60)
    world.run(30)
    assert world.sink.on_wire == {}, "the answers came"
    assert len(world.sink.sent) == 64, "and no request took the places they left"
    world.positions.answers = True
    world.run(2)
    assert len(world.sink.sent) == 100


def test_a_proof_from_before_the_stop_proves_nothing(world: World) -> None:
    world.assign(P0)
    issued_at = world.now
    world.positions.answers = False
    world.stop_process(60)
    world.positions.prove(issued_at)
    world.feed(P0, "ann")
    world.run(10)
    assert world.sink.sent == []


def test_a_silent_coordinator_ends_sending_when_the_session_is_over(world: World) -> None:
    world.assign(P0)
    world.positions.answers = False
    world.run(46)
    world.feed(P0, "ann")
    world.run(5)
    assert world.sink.sent == []


def test_once_stopping_nothing_new_starts(world: World) -> None:
    world.sink.api = lambda _: (1.0, ACCEPTED)
    world.feed(P0, *[f"user {i}" for i in range(100)])
    world.dispatcher.stop()
    assert world.dispatcher.room() == (0, 0)
    world.run(5)
    assert len(world.sink.sent) == 64
    world.revoke(P0)
    assert world.drained
    assert world.positions.committed[P0].offset == 64


def test_revoking_what_is_being_revoked_commits_nothing_twice(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "ann", "bob")
    (tracker,) = [partition.tracker for partition in world.dispatcher.assignments]
    world.revoke(P0)
    world.owned[P0] = tracker
    world.revoke(P0)
    world.run(60)
    assert [[position.offset for _, position in final] for _, final in world.drained] in ([[], [0]], [[0], []])


@pytest.mark.parametrize("way", ["deadline", "lost"])
def test_closing_our_own_connections_is_no_outage(world: World, way: str) -> None:
    world.sink.api = lambda work: None if work.record.partition == 0 else (0.01, ACCEPTED)
    world.assign(P0, P1)
    world.feed(P0, *[f"user {i}" for i in range(30)])
    if way == "lost":
        world.lose(P0)
    else:
        world.revoke(P0)
        world.run(21)
    world.run(0.1)
    assert world.sink.aborted == 30
    assert not world.dispatcher.governors[TRACK].outage.on
    assert world.event_log.named("blocked") == []


def test_a_proof_from_an_earlier_membership_proves_nothing_for_the_next(world: World) -> None:
    world.assign(P0)
    world.positions.answers = False
    issued_at = world.now
    world.run(1)
    world.lose(P0)
    world.positions.prove(issued_at)
    world.assign(P0, prove=False)
    world.feed(P0, "ann")
    world.run(5)
    assert world.sink.sent == []
