"""The budget of one token: never more than the limit in any minute, by all replicas together, and all of it."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config.sections import RetryPolicy
from bridge.formats import offset_map
from bridge.formats.offset_map import Demand
from bridge.model import TopicPartition
from bridge.pipeline.budget.pacing import BudgetView, Pacer, RateShare
from bridge.pipeline.settings import DeliverySettings
from bridge.service.watches.rate_view import INTERVAL
from tests.everyday import examples
from tests.unit.pipeline.fakes import FAILED
from tests.unit.pipeline.group import LIMIT, Group, most_in_a_minute
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)


# --- one replica ------------------------------------------------------------------------------------


def test_a_new_process_sends_nothing_before_it_knows_its_share() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=LIMIT))
    world.feed(P0, *["ann", "bob"] * 10)
    world.run(60)
    assert world.sink.sent == []


def test_without_a_limit_nothing_is_paced(world: World) -> None:
    world.feed(P0, *[f"user {i}" for i in range(50)])
    assert len(world.sink.on_wire) == 50


@pytest.mark.parametrize("beside", ["on time", "early", "late"])
def test_a_backlog_uses_the_whole_rate_however_the_timers_ring(beside: str) -> None:
    rng = random.Random(3)  # noqa: S311 - repeatable on purpose
    by: dict[str, Callable[[float], float]] = {
        "on time": lambda delay: delay,
        "early": lambda delay: max(0.00005, int(delay * 1000) / 1000),  # as timers of whole milliseconds do
        "late": lambda delay: delay + rng.uniform(0.0, 0.04),
    }
    world = World(DeliverySettings.model_construct(rate_limit=LIMIT), rings_after=by[beside])
    world.dispatcher.set_rate(9.9, world.now)
    world.feed(P0, *[f"user {i % 300}" for i in range(1900)])
    world.run(120)
    assert 0.97 * 120 * 9.9 <= len(world.sink.sent) <= 120 * 9.9 + 1


STEPS = st.lists(
    st.tuples(
        st.floats(0.0, 20.0),
        st.sampled_from(["take", "take", "take", "rate"]),
        st.floats(0.0, 0.2),
        st.sampled_from([0.0, 0.01, 0.5, 2.0, 5.0, 9.9]),
    ),
    max_size=200,
)


@given(STEPS)
def test_no_sequence_of_rates_and_late_timers_sends_more_than_the_rates_allow(
    steps: list[tuple[float, str, float, float]],
) -> None:
    pacer, now, rate = Pacer(), 0.0, 0.0
    pacer.set_rate(0.0, now)
    changes, times = [(0.0, 0.0)], list[float]()
    for idle, step, late, new_rate in steps:
        if step == "rate":
            now += idle
            rate = new_rate
            pacer.set_rate(rate, now)
            changes.append((now, rate))
        elif pacer.free_at != float("inf"):
            now = max(now, pacer.free_at) + late
            pacer.take(now)
            times.append(now)
    for i, start in enumerate(times):
        for j in range(i, len(times)):
            allowed = 1.0 + 0.05 * 9.9 + earned(changes, start, times[j])
            assert j - i + 1 <= allowed + 1e-6


def earned(changes: list[tuple[float, float]], start: float, end: float) -> float:
    total = 0.0
    for (since, rate), (until, _) in zip(changes, [*changes[1:], (float("inf"), 0.0)], strict=True):
        total += rate * max(0.0, min(end, until) - max(start, since))
    return total


def test_a_long_idle_time_earns_one_request_and_no_burst() -> None:
    pacer = Pacer()
    pacer.set_rate(10.0, 0.0)
    pacer.take(0.0)
    pacer.take(100.0)
    assert pacer.free_at == pytest.approx(100.1)


def test_a_lower_rate_applies_at_once_and_also_to_the_wait_that_has_begun() -> None:
    pacer = Pacer()
    pacer.set_rate(1.0, 0.0)
    pacer.take(0.0)
    pacer.set_rate(0.1, 0.5)
    assert pacer.free_at == pytest.approx(5.5)
    pacer.set_rate(0.0, 1.0)
    assert pacer.free_at == float("inf")
    assert pacer.rate == 0.0
    pacer.set_rate(1.0, 50.0)
    assert pacer.free_at == pytest.approx(51.0), "changing rates mints no permit"
    pacer.set_rate(None, 50.0)
    assert pacer.free_at == 0.0
    assert pacer.rate is None


# --- shares -----------------------------------------------------------------------------------------

PARTITIONS = [TopicPartition("orders", n) for n in range(4)]


def view(at: float, *wanting: int, partitions: int = 4, reserved: float = 0.0, stamp: int | None = None) -> BudgetView:
    published = int(at) if stamp is None else stamp
    demand = {tp: Demand(5 if tp.partition in wanting else 0, published) for tp in PARTITIONS}
    return BudgetView(at, partitions, demand, reserved)


def observed(*views: BudgetView) -> RateShare:
    share = RateShare(LIMIT, INTERVAL)
    for each in views:
        share.observe(each)
    return share


def test_before_the_first_view_and_without_partitions_the_share_is_nothing() -> None:
    share = RateShare(LIMIT, INTERVAL)
    assert share.rate(0.0, PARTITIONS) == 0.0
    share.observe(view(0.0, 0))
    assert share.rate(0.0, []) == 0.0


def test_who_owns_everything_has_everything_with_the_first_view() -> None:
    share = observed(view(0.0, 0))
    assert share.rate(0.5, PARTITIONS) >= 0.97 * LIMIT


def test_a_higher_share_applies_two_intervals_later_and_a_lower_one_at_once() -> None:
    mine = PARTITIONS[:2]
    share = observed(view(0.0, 0, 2), view(2.0, 0, 2), view(4.0, 0, 2))
    assert share.rate(4.0, mine) == pytest.approx(LIMIT / 2, rel=0.03)
    share.observe(view(6.0, 0))
    share.observe(view(8.0, 0))
    assert share.rate(8.0, mine) < 0.51 * LIMIT
    share.observe(view(10.0, 0))
    assert share.rate(10.0, mine) >= 0.97 * LIMIT
    share.observe(view(12.0, 0, 2, 3))
    assert share.rate(12.0, mine) == pytest.approx(LIMIT / 3, rel=0.03)


def test_a_partition_that_comes_with_its_demand_brings_its_part_along_at_once() -> None:
    """Whoever had it gave it up, or is dead: nobody has to hear of it first."""
    share = observed(view(0.0, 0, 1, 2, 3), view(2.0, 0, 1, 2, 3), view(4.0, 0, 1, 2, 3))
    assert share.rate(4.0, PARTITIONS[:1]) == pytest.approx(LIMIT / 4, rel=0.03)
    assert share.rate(4.0, PARTITIONS[:3]) == pytest.approx(LIMIT * 3 / 4, rel=0.03)


def test_a_partition_that_comes_with_a_new_demand_waits_until_others_know_of_it() -> None:
    share = observed(view(0.0, 0, 1), view(2.0, 0, 1), view(4.0, 0, 1, 2))
    assert share.rate(4.0, [PARTITIONS[0], PARTITIONS[2]]) == pytest.approx(LIMIT / 2, rel=0.03)


def test_views_in_quick_succession_do_not_bring_a_higher_share_sooner() -> None:
    mine = PARTITIONS[:2]
    share = observed(*[view(0.2 * n, 0) for n in range(10)])
    assert share.rate(1.9, mine) < 0.02 * LIMIT
    share.observe(view(4.1, 0))
    assert share.rate(4.1, mine) >= 0.97 * LIMIT


def test_an_old_view_leaves_a_trickle() -> None:
    mine = PARTITIONS[:2]
    share = observed(view(0.0, 0), view(2.0, 0), view(4.0, 0))
    assert share.rate(7.0, mine) >= 0.97 * LIMIT
    assert 0.0 < share.rate(7.1, mine) <= 0.01 * LIMIT


def test_a_share_without_demand_is_a_trickle_and_not_a_standstill() -> None:
    mine = PARTITIONS[:2]
    share = observed(view(0.0, 2), view(2.0, 2), view(4.0, 2))
    assert 0.0 < share.rate(4.0, mine) <= 0.01 * LIMIT


def test_while_nobody_wants_shares_go_by_partitions() -> None:
    mine = PARTITIONS[:1]
    share = observed(view(0.0), view(2.0), view(4.0))
    assert share.rate(4.0, mine) == pytest.approx(LIMIT / 4, rel=0.04)


def test_where_positions_may_not_be_read_shares_go_by_partitions() -> None:
    mine = PARTITIONS[:1]
    share = observed(*[BudgetView(at, 4, None) for at in (0.0, 2.0, 4.0)])
    assert share.rate(4.0, mine) == pytest.approx(LIMIT / 4, rel=0.04)


def test_what_replays_declare_comes_off_the_top() -> None:
    share = observed(view(0.0, 0, reserved=4.0))
    assert 0.97 * 6.0 <= share.rate(0.0, PARTITIONS) <= 6.0
    share = observed(view(0.0, 0, reserved=40.0))
    assert share.rate(0.0, PARTITIONS) == 0.0


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_the_demand_of_an_owner_that_is_gone_is_believed_for_a_while_whatever_its_clock_said(skew: int) -> None:
    """And that of one who lives is believed, whatever its clock says."""
    mine = PARTITIONS[:2]
    share = RateShare(LIMIT, INTERVAL)
    for at in range(0, 30, 2):
        share.observe(view(float(at), 0, 2, stamp=1000 + skew))
        assert share.rate(float(at), mine) < 0.51 * LIMIT
    for at in range(30, 40, 2):
        demand = {PARTITIONS[0]: Demand(5, at), PARTITIONS[2]: Demand(5, 1000 + skew)}
        share.observe(BudgetView(float(at), 4, demand))
    assert share.rate(38.0, mine) >= 0.97 * LIMIT
    for at in range(40, 80, 2):
        demand = {PARTITIONS[0]: Demand(5, at), PARTITIONS[2]: Demand(5, at + skew)}
        share.observe(BudgetView(float(at), 4, demand))
    assert share.rate(78.0, mine) < 0.51 * LIMIT


# --- a group ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_two_replicas_with_a_backlog_use_the_whole_budget_and_no_more() -> None:
    group = Group(2, 6)
    for partition in group.partitions:
        group.produce(partition, 1000)
    group.run(30)
    began = len(group.times)
    group.run(180)
    assert len(group.times) - began >= 0.97 * LIMIT * 180
    assert most_in_a_minute(group.times) <= 600


@pytest.mark.parametrize(("replicas", "session", "used"), [(3, 10.0, 0.9), (3, 45.0, 0.9), (2, 45.0, 0.85)])
@pytest.mark.slow
def test_three_replicas_use_nine_tenths_of_the_budget_while_one_is_killed_each_minute_and_two_use_less(
    replicas: int, session: float, used: float
) -> None:
    """One dies and is back, without partitions, five seconds later; what it had is nobody's for its session."""
    group = Group(replicas, 12)
    for partition in group.partitions:
        group.produce(partition, 3000)
    group.run(30)
    began, minutes = len(group.times), 2
    for minute in range(minutes):
        victim = group.worlds[minute % replicas]
        orphans = group.lose(victim)
        group.run(session)
        for n, partition in enumerate(orphans):
            group.give(partition, group.worlds[(minute + n) % replicas])
        group.run(60 - session)
    assert len(group.times) - began >= used * LIMIT * 60 * minutes
    assert most_in_a_minute(group.times) <= 600


@pytest.mark.slow
def test_one_replica_takes_the_whole_budget_when_the_other_has_nothing_to_send() -> None:
    group = Group(2, 6)
    group.produce(group.partitions[0], 2400)
    group.worlds[0].write(group.partitions[1], *["-"] * 5000)
    group.run(30)
    began = len(group.times)
    group.run(180)
    assert len(group.times) - began >= 0.97 * LIMIT * 180
    assert most_in_a_minute(group.times) <= 600


@pytest.mark.slow
def test_an_event_that_keeps_failing_lends_its_share_while_it_waits() -> None:
    group = Group(2, 6)
    group.worlds[1].sink.api = lambda _: (0.05, FAILED)
    group.worlds[0].write(group.partitions[1], "bad", "bad")
    group.run(200)
    group.produce(group.partitions[0], 2400)
    began = len(group.times)
    group.run(120)
    assert len(group.times) - began >= 0.80 * LIMIT * 120


@pytest.mark.slow
@pytest.mark.parametrize("replicas", [3, 7, 9, 11])
def test_many_replicas_together_keep_to_the_limit(replicas: int) -> None:
    group = Group(replicas, replicas)
    for partition in group.partitions:
        group.produce(partition, 2000 // replicas)
    group.run(120)
    times = group.times
    assert most_in_a_minute(times) <= 600
    assert len([at for at in times if at >= group.time.now - 60]) >= 0.93 * 600


@settings(max_examples=examples(25))
@given(st.integers(0, 2**32), st.integers(2, 4), st.data())
@pytest.mark.slow
def test_no_minute_exceeds_the_limit_while_demand_and_partitions_move(
    seed: int, replicas: int, data: st.DataObject
) -> None:
    group = Group(replicas, 4, seed)
    steps = st.tuples(st.sampled_from(["produce", "burst", "move", "idle"]), st.integers(0, 3), st.floats(0.1, 12.0))
    for step, n, seconds in data.draw(st.lists(steps, min_size=5, max_size=20)):
        if step == "move":
            group.move(group.partitions[n], group.worlds[int(seconds * 10) % replicas])
        elif step != "idle":
            group.produce(group.partitions[n], 500 if step == "burst" else 3)
        group.run(seconds)
        assert most_in_a_minute(group.times) <= 600
    for world in group.worlds:
        world.check()


def published(world: World) -> int:
    found = offset_map.decode(world.positions.committed[P0].metadata)
    assert found is not None
    return found.demand.waiting


def test_a_demand_stays_published_for_longer_than_the_time_between_two_views() -> None:
    """One that came and went between others' views would be used by its owner and be seen by nobody else."""
    world = World(DeliverySettings.model_construct(rate_limit=LIMIT))
    world.feed(P0, "ann", "bob")
    world.run(1)
    assert published(world) == 2
    world.dispatcher.set_rate(None, world.now)
    world.dispatcher.pump()
    world.run(0.5)
    assert world.all_finished()
    world.run(8)
    assert published(world) == 1
    world.run(4)
    assert published(world) == 0


def test_a_demand_that_lasts_is_renewed_so_that_it_goes_on_to_be_believed() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=LIMIT))
    world.feed(P0, "ann")
    stamps = set()
    for _ in range(60):
        world.run(1)
        found = offset_map.decode(world.positions.committed[P0].metadata)
        assert found is not None
        stamps.add(found.demand.at)
    assert len(stamps) >= 10


def test_what_waits_for_its_retry_or_for_its_user_is_no_demand() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=LIMIT, retry=RetryPolicy.model_construct(initial_backoff=1000.0, max_backoff=1000.0)
        )
    )
    world.dispatcher.set_rate(5.0, world.now)
    world.sink.api = lambda _: (0.05, FAILED)
    world.feed(P0, "bad", "bad", "bad")
    world.run(12)
    assert len(world.sink.sent) == 1
    assert published(world) == 0


@pytest.mark.parametrize("replicas", range(1, 41))
def test_any_number_of_steady_replicas_keeps_to_the_limit_even_when_all_begin_at_the_same_moment(replicas: int) -> None:
    everyone = [TopicPartition("orders", n) for n in range(replicas)]
    share = RateShare(LIMIT, INTERVAL)
    for at in (0.0, 2.0, 4.0):
        share.observe(BudgetView(at, replicas, {tp: Demand(1, int(at)) for tp in everyone}))
    rate = share.rate(4.0, everyone[:1])
    most = int(60.05 * rate) + 1
    assert most * replicas <= 600
    assert rate * replicas >= 0.9 * LIMIT
