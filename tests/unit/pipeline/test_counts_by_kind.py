"""What is counted of each kind of request, and of users before their events."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.counts import LATENCY_BOUNDS, Tally
from bridge.model import IDENTIFY, TRACK, Reject, Retry, TopicPartition
from bridge.pipeline.dispatch.awaiting import Awaiting, awaiting
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, FAILED
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
REFUSED = Reject("no such user", 400)


def world_of(**settings: Any) -> World:
    return World(DeliverySettings.model_construct(rate_limit=None, identify_rate_limit=None, **settings))


@pytest.fixture
def world() -> World:
    """It identifies users by itself."""
    return world_of(unknown_users="identify")


def found(world: World) -> Awaiting:
    return awaiting(world.dispatcher.assignments, world.dispatcher.identifies, world.dispatcher.tally)


def counts(tally: Tally, kind: str) -> tuple[int, int, int, int]:
    return tally.started_of(kind), tally.accepted_of(kind), tally.retried[kind], tally.letters_of[kind]


def test_requests_are_counted_by_kind_and_nothing_apart_for_events(world: World) -> None:
    world.feed(P0, *["ann"] * 5, "bob")
    world.run(5)
    tally = world.dispatcher.tally
    assert counts(tally, "track") == (6, 6, 0, 0)
    assert counts(tally, "identify") == (2, 2, 0, 0)
    assert counts(tally, "company") == (0, 0, 0, 0)
    assert tally.requests == 8
    assert "track" not in {**tally.started, **tally.accepted}


def test_where_no_user_is_looked_up_every_request_is_an_events() -> None:
    plain = World()
    plain.feed(P0, *["ann"] * 5)
    plain.run(5)
    assert counts(plain.dispatcher.tally, "track") == (5, 5, 0, 0)


def test_attempts_that_are_repeated_are_counted_by_kind(world: World) -> None:
    once: set[Work] = set()

    def api(work: Work) -> tuple[float, Any]:
        fails = work.request.kind is IDENTIFY and work not in once
        once.add(work)
        return 0.05, FAILED if fails else ACCEPTED

    world.sink.api = api
    world.feed(P0, "ann")
    world.run(60)
    assert counts(world.dispatcher.tally, "identify") == (2, 1, 1, 0)
    assert counts(world.dispatcher.tally, "track") == (1, 1, 0, 0)


def test_how_late_events_are_is_not_told_of_what_goes_before_them(world: World) -> None:
    world.feed(P0, *["ann"] * 3, "bob")
    world.run(5)
    tally = world.dispatcher.tally
    assert (tally.requests, sum(tally.latency)) == (6, 4)
    assert len(tally.latency) == len(LATENCY_BOUNDS) + 1


def test_nor_of_the_identify_and_company_steps_of_a_record_and_its_events_are_counted_as_such() -> None:
    world = World()
    world.feed(P0, "ann:identify>acme:company>ann>ann", "bob")
    world.run(5)
    tally = world.dispatcher.tally
    assert sum(tally.latency) == 3
    assert counts(tally, "track") == (3, 3, 0, 0)
    assert counts(tally, "identify") == counts(tally, "company") == (1, 1, 0, 0)
    assert "track" not in {**tally.started, **tally.accepted}


def test_an_event_that_asks_again_after_a_refusal_is_still_one_event() -> None:
    world = world_of(unknown_users="identify", ordering="none")
    world.sink.api = lambda work: (0.05, REFUSED if work.request.kind is IDENTIFY else ACCEPTED)
    world.feed(P0, *["ann"] * 3)
    world.run(5)
    users = world.dispatcher.tally.users
    assert (users.known, users.unknown, users.refused) == (0, 3, 3)


def test_an_event_is_looked_up_once_and_known_or_not_whatever_it_waits_for() -> None:
    world = world_of(unknown_users="identify", identify_settle=5.0)
    world.feed(P0, *["ann"] * 4)
    world.run(60)
    users = world.dispatcher.tally.users
    assert (users.known, users.unknown) == (3, 1)
    assert users.remembered == 1


def test_events_that_wait_for_an_identify_are_counted_and_of_how_many_users(world: World) -> None:
    world.sink.api = lambda work: None if work.request.kind is IDENTIFY else (0.05, ACCEPTED)
    world.feed(P0, *["ann"] * 5, *["bob"] * 2)
    world.run(5)
    assert found(world) == Awaiting(frozenset({"ann", "bob"}), 7, 0)
    world.sink.answer_all(ACCEPTED)
    world.run(5)
    assert found(world) == Awaiting()


def test_events_that_wait_until_an_identify_has_settled_wait_for_no_identify_and_for_no_retry() -> None:
    world = world_of(unknown_users="identify", identify_settle=5.0)
    world.feed(P0, "ann", "bob")
    world.run(1)
    assert found(world) == Awaiting(settling=2)
    world.run(10)
    assert found(world) == Awaiting()


def test_a_refused_identify_is_told_of_once_for_a_user_and_again_after_one_was_accepted(world: World) -> None:
    refuses = True
    world.sink.api = lambda work: (0.05, REFUSED if refuses and work.request.kind is IDENTIFY else ACCEPTED)
    world.feed(P0, *["ann"] * 3, "bob")
    world.run(5)
    told = [record.offset for record, *_ in world.event_log.named("identify_refused")]
    assert told == [0, 3]
    assert world.dispatcher.tally.users.refused == 4
    refuses = False
    world.feed(P0, "ann")
    world.run(5)
    refuses = True
    world.credentials.generation = world.credentials.file = 2  # another key: everybody is forgotten
    world.feed(P0, "ann", "bob")
    world.run(5)
    assert [record.offset for record, *_ in world.event_log.named("identify_refused")] == [0, 3, 5]


def test_a_dead_letter_is_counted_under_the_kind_of_the_request_that_failed(world: World) -> None:
    world.sink.api = lambda work: (0.05, REFUSED if work.request.user_id == work.request.kind.name else ACCEPTED)
    world.feed(P0, "identify", "track")
    world.run(5)
    assert world.dispatcher.tally.letters_of == {"identify": 1, "track": 1}


def test_an_outage_and_a_pause_are_told_by_kind_and_of_events_as_ever(world: World) -> None:
    world.sink.api = lambda work: (0.05, FAILED if work.request.kind is IDENTIFY else ACCEPTED)
    world.feed(P0, *(f"u{n}" for n in range(40)))
    world.run_until(lambda: bool(world.event_log.named("kind_blocked")))
    assert world.event_log.named("kind_blocked") == [("identify", "503")]
    assert world.event_log.named("blocked") == []
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run_until(lambda: bool(world.event_log.named("kind_unblocked")))
    [(kind, seconds)] = world.event_log.named("kind_unblocked")
    assert (kind, seconds > 0) == ("identify", True)
    assert world.event_log.named("unblocked") == []


def test_who_asks_to_wait_with_identifies_is_heard_as_that(world: World) -> None:
    asked = Retry("rate_limited", "429", 429, after=7.0)
    world.sink.api = lambda work: (0.05, asked if work.request.kind is IDENTIFY else ACCEPTED)
    world.feed(P0, "ann")
    world.run(1)
    assert world.event_log.named("kind_asked_to_wait") == [("identify", 7.0, "429")]
    assert world.event_log.named("asked_to_wait") == []
    assert world.dispatcher.governors[TRACK].pause_until == 0.0
