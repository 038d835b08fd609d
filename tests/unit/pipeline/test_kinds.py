"""Requests of several kinds: each has its budget, and a user's order holds over all of them."""

from __future__ import annotations

import pytest

from bridge.model import TRACK, Retry, TopicPartition
from bridge.pipeline.dispatch import starting
from bridge.pipeline.queues import queues
from bridge.pipeline.work import EventState
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, OTHER, unauthorized
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
ASKED_TO_WAIT = Retry("rate_limited", "429", 429, after=100.0)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """With a second kind in the table."""
    for module in (starting, queues):
        monkeypatch.setattr(module, "KINDS", (TRACK, OTHER))
    return World()


def test_a_kind_that_is_asked_to_wait_holds_up_no_other(world: World) -> None:
    world.sink.api = lambda work: (0.05, ASKED_TO_WAIT if work.request.kind is OTHER else ACCEPTED)
    world.feed(P0, "ann:other", *["bob"] * 10)
    world.run(10)
    assert {offset for _, offset, _ in world.sink.accepted} == set(range(1, 11))
    assert world.now < world.dispatcher.governors[OTHER].pause_until
    assert world.dispatcher.governors[TRACK].pause_until == 0.0


def test_each_kind_has_the_whole_rate(world: World) -> None:
    world.feed(P0)
    world.dispatcher.set_rate(1.0, world.now)
    world.feed(P0, *(f"u{n}{kind}" for n in range(20) for kind in ("", ":other")))
    began = world.now
    world.run(10)
    assert sum(at < began + 9.5 for at, *_ in world.sink.sent) == 2 * 10


def test_a_user_s_requests_go_in_order_whatever_their_kind(world: World) -> None:
    world.feed(P0, "ann", "ann:other", "ann", "ann:other")
    world.run(5)
    assert [offset for _, offset, _ in world.sink.accepted] == [0, 1, 2, 3]


def test_a_key_that_is_refused_for_one_kind_is_doubted_for_all(world: World) -> None:
    world.sink.api = lambda _: (0.05, unauthorized())
    world.feed(P0, *(f"u{n}{':other' * (n % 2)}" for n in range(40)))
    world.run(5)
    assert world.is_held()


def test_a_key_without_proof_is_tried_by_one_request_of_all_kinds(world: World) -> None:
    world.sink.api = lambda _: (0.05, unauthorized())
    world.feed(P0, *(f"u{n}{':other' * (n % 2)}" for n in range(40)))
    world.run(5)
    world.sink.api = lambda _: None
    world.credentials.file = 2
    world.run_until(lambda: not world.is_held())
    world.run(1)
    assert len(world.sink.on_wire) == 1
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.sink.answer_all(ACCEPTED)
    world.run(5)
    assert world.sink.on_wire == {}


def test_the_end_of_an_outage_of_one_kind_ends_no_wait_of_another(world: World) -> None:
    world.sink.api = lambda _: (0.05, FAILED)
    world.feed(P0, *(f"u{n}{':other' * (n % 2)}" for n in range(40)))
    world.run(0.1)
    parked = [work for work in world.works(P0) if work.state is EventState.PARKED]
    assert {work.request.kind for work in parked} == {TRACK, OTHER}
    world.dispatcher.queues.end_outage(TRACK)
    assert all((work.state is EventState.PARKED) == (work.request.kind is OTHER) for work in parked)


def test_what_waits_for_its_rate_waits_for_that_of_its_kind(world: World) -> None:
    world.feed(P0)
    world.dispatcher.set_rate(0.1, world.now)
    world.feed(P0, *(f"u{n}" for n in range(20)))
    world.run(1)
    free_at = world.dispatcher.governors[TRACK].pacer.free_at
    assert free_at > world.now > world.dispatcher.governors[OTHER].pacer.free_at
    assert world.dispatcher.paced_until(world.now) == free_at
