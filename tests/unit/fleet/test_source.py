"""Everybody who shows the fleet shares one look at it."""

from __future__ import annotations

import asyncio

import pytest

from bridge.fleet.source import KEPT_FOR, FleetSource
from bridge.fleet.view import FleetPartition, FleetView
from bridge.model import TopicPartition


class Fleet:
    """Counts the looks, each of which waits until it is let go."""

    def __init__(self) -> None:
        self.looks = 0
        self.now = 100.0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_broken = False
        self.partitions: tuple[FleetPartition, ...] = ()

    async def take(self) -> FleetView:
        self.looks += 1
        await self.may_answer.wait()
        if self.is_broken:
            raise OSError("broken")
        return FleetView(at=float(self.looks), group_id="g", partitions=self.partitions)

    def clock(self) -> float:
        return self.now


async def test_fifty_who_ask_at_once_cost_one_look() -> None:
    fleet = Fleet()
    source = FleetSource(fleet.take, fleet.clock)
    fleet.may_answer.clear()
    asked = [asyncio.ensure_future(source.view()) for _ in range(50)]
    await asyncio.sleep(0)
    fleet.may_answer.set()
    assert {view.at for view in await asyncio.gather(*asked)} == {1.0}
    assert fleet.looks == 1


async def test_a_view_is_kept_for_two_seconds_and_not_longer() -> None:
    fleet = Fleet()
    source = FleetSource(fleet.take, fleet.clock)
    assert (await source.view()).at == 1.0
    fleet.now += KEPT_FOR - 0.01
    assert (await source.view()).at == 1.0
    fleet.now += 0.02
    assert (await source.view()).at == 2.0


async def test_a_look_that_lasted_is_not_followed_by_the_next_one_at_once() -> None:
    fleet = Fleet()

    async def slow() -> FleetView:
        fleet.now += 9.0
        return await fleet.take()

    source = FleetSource(slow, fleet.clock)
    await source.view()
    fleet.now += 8.9
    assert (await source.view()).at == 1.0
    fleet.now += 0.2
    assert (await source.view()).at == 2.0


async def test_of_a_large_group_a_view_is_kept_for_longer() -> None:
    fleet = Fleet()
    fleet.partitions = tuple(FleetPartition(TopicPartition("orders", n)) for n in range(5_000))
    source = FleetSource(fleet.take, fleet.clock)
    await source.view()
    fleet.now += 9.9
    assert (await source.view()).at == 1.0
    fleet.now += 0.2
    assert (await source.view()).at == 2.0


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    fleet = Fleet()
    source = FleetSource(fleet.take, fleet.clock)
    fleet.may_answer.clear()
    gone, stays = (asyncio.ensure_future(source.view()) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    fleet.may_answer.set()
    assert (await stays).at == 1.0
    assert fleet.looks == 1


async def test_after_a_look_that_failed_the_next_one_is_asked() -> None:
    fleet = Fleet()
    source = FleetSource(fleet.take, fleet.clock)
    fleet.is_broken = True
    with pytest.raises(OSError, match="broken"):
        await source.view()
    fleet.is_broken = False
    assert (await source.view()).at == 2.0


async def test_closing_ends_the_look_that_is_under_way() -> None:
    fleet = Fleet()
    source = FleetSource(fleet.take, fleet.clock)
    fleet.may_answer.clear()
    asked = asyncio.ensure_future(source.view())
    await asyncio.sleep(0)
    await source.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
