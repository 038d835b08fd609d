"""The budget of one token: never more than the limit in any minute, by all replicas together, and all of it."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import TopicPartition
from bridge.pipeline.offset_map import Demand
from bridge.pipeline.pacing import GroupView, Pacer, RateShare
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
LIMIT = 10.0


def most_in_a_minute(times: list[float]) -> int:
    return max((bisect_left(times, start + 60.0) - i for i, start in enumerate(times)), default=0)


# --- one replica ------------------------------------------------------------------------------------


def test_a_new_process_sends_nothing_before_it_knows_its_share() -> None:
    world = World(DeliverySettings(rate_limit=LIMIT))
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
    world = World(DeliverySettings(rate_limit=LIMIT), rings_after=by[beside])
    world.dispatcher.governor.pacer.set_rate(9.9, world.now)
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
    changes, times = [(0.0, 0.0)], []
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
    assert (pacer.free_at, pacer.rate) == (0.0, None)


# --- shares -----------------------------------------------------------------------------------------

PARTITIONS = [TopicPartition("orders", n) for n in range(4)]
INTERVAL = 2.0


def view(at: float, *wanting: int, partitions: int = 4, reserved: float = 0.0, stamp: int | None = None) -> GroupView:
    published = int(at) if stamp is None else stamp
    demand = {tp: Demand(5 if tp.partition in wanting else 0, published) for tp in PARTITIONS}
    return GroupView(at, partitions, demand, reserved)


def observed(mine: list[TopicPartition], *views: GroupView) -> RateShare:
    share = RateShare(LIMIT, INTERVAL)
    for each in views:
        share.observe(each, mine)
    return share


def test_before_the_first_view_and_without_partitions_the_share_is_nothing() -> None:
    share = RateShare(LIMIT, INTERVAL)
    assert share.rate(0.0, PARTITIONS) == 0.0
    share.observe(view(0.0, 0), PARTITIONS)
    assert share.rate(0.0, []) == 0.0


def test_who_owns_everything_has_everything_with_the_first_view() -> None:
    share = observed(PARTITIONS, view(0.0, 0))
    assert share.rate(0.5, PARTITIONS) >= 0.97 * LIMIT


def test_a_higher_share_applies_two_intervals_later_and_a_lower_one_at_once() -> None:
    mine = PARTITIONS[:2]
    share = observed(mine, view(0.0, 0, 2), view(2.0, 0, 2), view(4.0, 0, 2))
    assert share.rate(4.0, mine) == pytest.approx(LIMIT / 2, rel=0.03)
    share.observe(view(6.0, 0), mine)
    share.observe(view(8.0, 0), mine)
    assert share.rate(8.0, mine) < 0.51 * LIMIT
    share.observe(view(10.0, 0), mine)
    assert share.rate(10.0, mine) >= 0.97 * LIMIT
    share.observe(view(12.0, 0, 2, 3), mine)
    assert share.rate(12.0, mine) == pytest.approx(LIMIT / 3, rel=0.03)


def test_views_in_quick_succession_do_not_bring_a_higher_share_sooner() -> None:
    mine = PARTITIONS[:2]
    share = observed(mine, *[view(0.2 * n, 0) for n in range(10)])
    assert share.rate(1.9, mine) < 0.02 * LIMIT
    share.observe(view(4.1, 0), mine)
    assert share.rate(4.1, mine) >= 0.97 * LIMIT


def test_an_old_view_leaves_a_trickle() -> None:
    mine = PARTITIONS[:2]
    share = observed(mine, view(0.0, 0), view(2.0, 0), view(4.0, 0))
    assert share.rate(7.0, mine) >= 0.97 * LIMIT
    assert 0.0 < share.rate(7.1, mine) <= 0.01 * LIMIT


def test_a_share_without_demand_is_a_trickle_and_not_a_standstill() -> None:
    mine = PARTITIONS[:2]
    share = observed(mine, view(0.0, 2), view(2.0, 2), view(4.0, 2))
    assert 0.0 < share.rate(4.0, mine) <= 0.01 * LIMIT


def test_while_nobody_wants_shares_go_by_partitions() -> None:
    mine = PARTITIONS[:1]
    share = observed(mine, view(0.0), view(2.0), view(4.0))
    assert share.rate(4.0, mine) == pytest.approx(LIMIT / 4, rel=0.04)


def test_where_positions_may_not_be_read_shares_go_by_partitions() -> None:
    mine = PARTITIONS[:1]
    share = observed(mine, *[GroupView(at, 4, None) for at in (0.0, 2.0, 4.0)])
    assert share.rate(4.0, mine) == pytest.approx(LIMIT / 4, rel=0.04)


def test_what_replays_declare_comes_off_the_top() -> None:
    share = observed(PARTITIONS, view(0.0, 0, reserved=4.0))
    assert 0.97 * 6.0 <= share.rate(0.0, PARTITIONS) <= 6.0
    share = observed(PARTITIONS, view(0.0, 0, reserved=40.0))
    assert share.rate(0.0, PARTITIONS) == 0.0


@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_the_demand_of_an_owner_that_is_gone_is_believed_for_a_while_whatever_its_clock_said(skew: int) -> None:
    """And that of one who lives is believed, whatever its clock says."""
    mine = PARTITIONS[:2]
    share = RateShare(LIMIT, INTERVAL)
    for at in range(0, 30, 2):
        share.observe(view(float(at), 0, 2, stamp=1000 + skew), mine)
        assert share.rate(float(at), mine) < 0.51 * LIMIT
    for at in range(30, 40, 2):
        demand = {PARTITIONS[0]: Demand(5, at), PARTITIONS[2]: Demand(5, 1000 + skew)}
        share.observe(GroupView(float(at), 4, demand), mine)
    assert share.rate(38.0, mine) >= 0.97 * LIMIT
    for at in range(40, 80, 2):
        demand = {PARTITIONS[0]: Demand(5, at), PARTITIONS[2]: Demand(5, at + skew)}
        share.observe(GroupView(float(at), 4, demand), mine)
    assert share.rate(78.0, mine) < 0.51 * LIMIT
