"""The budget of one token: never more than the limit in any minute, by all replicas together, and all of it."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import TopicPartition
from bridge.pipeline.pacing import Pacer
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
LIMIT = 10.0


def most_in_a_minute(times: list[float]) -> int:
    return max((bisect_left(times, start + 60.0) - i for i, start in enumerate(times)), default=0)


# --- one replica ------------------------------------------------------------------------------------


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
