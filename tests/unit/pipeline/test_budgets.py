"""Events have a rate, and users and companies one of their own: shared by replicas, apart from each other, or one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.formats import offset_map
from bridge.model import COMPANY, IDENTIFY, TRACK, Retry, TopicPartition
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED, unauthorized
from tests.unit.pipeline.group import LIMIT, Group, most_in_a_minute
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
OF_USERS = (IDENTIFY, COMPANY)
ASKED_TO_WAIT = Retry("rate_limited", "429", 429, after=100.0)


def world_of(**changes: Any) -> World:
    return World(DeliverySettings.model_construct(**({"rate_limit": None} | changes)))


def mixed(count: int) -> list[str]:
    return [f"u{n}{kind}" for n in range(count) for kind in ("", ":identify")]


# --- replicas ---------------------------------------------------------------------------------------


def test_a_replica_that_has_only_events_takes_nothing_of_the_rate_of_users_and_the_other_way_round() -> None:
    group = Group(2, 2, identify_rate_limit=LIMIT)
    group.produce(group.partitions[0], 2500, ":identify")
    group.produce(group.partitions[1], 2500)
    group.run(30)
    began = {kind: len(group.times_of(kind)) for kind in (TRACK, IDENTIFY)}
    group.run(120)
    for kind, before in began.items():
        assert len(group.times_of(kind)) - before >= 0.97 * LIMIT * 120
        assert most_in_a_minute(group.times_of(kind)) <= 600


def test_two_replicas_with_both_use_both_rates_and_exceed_neither() -> None:
    group = Group(2, 4, identify_rate_limit=LIMIT / 2)
    for partition in group.partitions:
        for _ in range(100):
            for kind, count in (("", 8), (":identify", 3), (":company", 1)):
                group.produce(partition, count, kind)
    group.run(30)
    began = len(group.times_of(TRACK)), len(group.times_of(*OF_USERS))
    group.run(120)
    assert len(group.times_of(TRACK)) - began[0] >= 0.95 * LIMIT * 120
    assert len(group.times_of(*OF_USERS)) - began[1] >= 0.95 * LIMIT / 2 * 120
    assert most_in_a_minute(group.times_of(TRACK)) <= 600
    assert most_in_a_minute(group.times_of(*OF_USERS)) <= 300


def test_a_shared_rate_is_one_for_all_replicas_and_kinds_and_each_kind_has_its_part() -> None:
    group = Group(2, 4, shared_rate_limit=True)
    for partition in group.partitions:
        for _ in range(200):
            for kind in ("", ":identify"):
                group.produce(partition, 1, kind)
    group.run(30)
    began = len(group.times), len(group.times_of(TRACK)), len(group.times_of(IDENTIFY))
    group.run(120)
    used, *parts = (now - before for now, before in zip(
        (len(group.times), len(group.times_of(TRACK)), len(group.times_of(IDENTIFY))), began, strict=True
    ))  # fmt: skip
    assert used >= 0.97 * LIMIT * 120
    assert min(parts) >= 0.4 * used
    assert most_in_a_minute(group.times) <= 600


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(2, 3), st.booleans(), st.data())
def test_no_minute_exceeds_a_rate_while_kinds_and_partitions_move(
    seed: int,
    replicas: int,
    shared: bool,  # noqa: FBT001 - drawn
    data: st.DataObject,
) -> None:
    group = Group(replicas, 4, seed, identify_rate_limit=LIMIT / 2, shared_rate_limit=shared)
    kinds = st.sampled_from(["", ":identify", ":company"])
    steps = st.tuples(
        st.sampled_from(["produce", "burst", "move", "idle"]), kinds, st.integers(0, 3), st.floats(0.1, 12)
    )
    for step, kind, n, seconds in data.draw(st.lists(steps, min_size=5, max_size=20)):
        if step == "move":
            group.move(group.partitions[n], group.worlds[int(seconds * 10) % replicas])
        elif step != "idle":
            group.produce(group.partitions[n], 500 if step == "burst" else 3, kind)
        group.run(seconds)
    assert most_in_a_minute(group.times if shared else group.times_of(TRACK)) <= 600
    if not shared:
        assert most_in_a_minute(group.times_of(*OF_USERS)) <= 300
    for world in group.worlds:
        world.check()


def published(world: World) -> tuple[bool, bool]:
    found = offset_map.decode(world.positions.committed[P0].metadata)
    assert found is not None
    return found.demand.waiting > 0, found.demand.of_users


@pytest.mark.parametrize(
    ("shared", "values", "wanted"),
    [
        (False, ["ann", "bob"], (True, False)),
        (False, ["ann:identify", "acme:company"], (False, True)),
        (False, ["ann:identify", "bob"], (True, True)),
        (True, ["ann"], (True, False)),
        (True, ["ann:identify"], (True, False)),
    ],
)
def test_each_rate_is_asked_for_by_what_waits_for_it(
    values: list[str], wanted: tuple[bool, bool], *, shared: bool
) -> None:
    world = world_of(rate_limit=LIMIT, shared_rate_limit=shared)
    world.feed(P0, *values)
    world.run(1)
    assert published(world) == wanted
    world.dispatcher.set_rate(None, world.now)
    world.run(20)
    assert world.all_finished()
    assert published(world) == (False, False)


@pytest.mark.parametrize("limits", [{"rate_limit": None}, {"rate_limit": LIMIT, "identify_rate_limit": None}])
def test_a_demand_for_the_rate_that_has_a_limit_is_renewed_and_no_other(limits: dict[str, Any]) -> None:
    world = world_of(**limits)
    world.dispatcher.set_rate(0.0, world.now)
    of_events = limits["rate_limit"] is not None
    for value, renewed in (("ann:identify", not of_events), ("bob", of_events)):
        world.feed(P0, value)
        world.run(1)
        before = world.positions.committed[P0].metadata
        world.run(3)
        assert (world.positions.committed[P0].metadata != before) == renewed
        world.dispatcher.set_rate(None, world.now)
        world.run(20)
        world.dispatcher.set_rate(0.0, world.now)


# --- the wire ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("looks_every", [0.05, 0.2, 0.35])
def test_where_the_wire_is_full_the_kinds_take_turns_however_often_it_is_looked(looks_every: float) -> None:
    world = world_of(max_in_flight=1)
    world.sink.api = lambda _: (0.3, ACCEPTED)

    def look() -> None:
        world.dispatcher.pump()
        world.time.after(looks_every, look)

    look()
    world.feed(P0, *mixed(200))
    world.run(30)
    assert len(world.sink.sent) >= 100
    assert abs(len(world.sink.times[TRACK]) - len(world.sink.times[IDENTIFY])) <= 1


def test_all_kinds_together_never_have_more_than_max_in_flight_on_the_wire() -> None:
    world = world_of(max_in_flight=5)
    world.sink.api = lambda _: None
    world.feed(P0, *mixed(20), *(f"c{n}:company" for n in range(20)))
    world.run(5)
    assert len(world.sink.on_wire) == 5
    for _ in range(20):
        world.sink.answer(next(iter(world.sink.on_wire)), ACCEPTED)
        assert len(world.sink.on_wire) == 5


# --- what the destination says ----------------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True])
def test_a_429_of_an_identify_slows_the_budget_it_came_from(*, shared: bool) -> None:
    world = world_of(shared_rate_limit=shared, rate_limit=LIMIT)
    world.dispatcher.set_rate(9.9, world.now)
    world.sink.api = lambda work: (0.05, ACCEPTED if work.request.kind is TRACK else ASKED_TO_WAIT)
    world.feed(P0, *mixed(200))
    began = world.now
    world.run(60)
    assert len(world.sink.times[IDENTIFY]) <= 2
    assert world.now < world.dispatcher.governors[IDENTIFY].pause_until
    if shared:
        assert all(at <= began + 1 for at in world.sink.times[TRACK])
    else:
        assert len(world.sink.times[TRACK]) == 200
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(200)
    assert world.all_finished()


@pytest.mark.parametrize("kind", [TRACK, IDENTIFY])
def test_a_key_that_is_refused_for_one_budget_holds_both(kind: object) -> None:
    world = world_of(rate_limit=LIMIT, identify_rate_limit=LIMIT / 2)
    world.dispatcher.set_rate(5.0, world.now)
    world.sink.api = lambda _: (0.05, unauthorized())
    word = "" if kind is TRACK else ":identify"
    world.feed(P0, *(f"u{n}{word}" for n in range(20)))
    world.run(10)
    assert world.is_held()
    world.feed(P0, *mixed(50))
    before = len(world.sink.sent)
    world.run(35)
    assert 1 <= len(world.sink.sent) - before <= 4, "one at a time finds out whether the key is good"
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(60)
    assert world.all_finished()
