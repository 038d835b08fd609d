"""The budget of one API token, shared by replicas that know of each other only through Kafka.

Takes a minute and a half because it is a minute that is promised. Both scenes run at once: they wait, and cost nothing.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bridge.sandbox.emulator import RateLimit
from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events, ledger
from tests.support.service.replica import Replica, assigned
from tests.support.service.scene import Scene
from tests.support.waiting import until

LIMIT = 600
BUDGET = {"rate_limit": f"{LIMIT}/min"}
LEAST = LIMIT * 0.97


def share(status: dict[str, Any]) -> float:
    """Requests per minute this replica may send."""
    return float(status["rate"]["share"] or 0.0) * 60


async def share_is(replica: Replica, least: float, most: float = LIMIT) -> float:
    return await replica.until(
        f"its share is between {least} and {most} a minute", lambda status: least <= share(status) <= most
    )


async def requests_in_a_minute(scene: Scene) -> int:
    """Of all replicas together, from now on."""
    began, before = time.monotonic(), scene.api.ledger.requests
    await until("a minute is over", lambda: time.monotonic() - began >= 60, within=70)
    return scene.api.ledger.requests - before


async def views(scene: Scene, partitions: list[int], enough: asyncio.Event) -> None:
    """Filtered traffic on these partitions."""
    number = 0
    while not enough.is_set():
        for partition in partitions:
            number += 1
            await scene.produce([(None, events.view(f"u-{number}", number))] * 20, partition=partition)
        await asyncio.sleep(0.5)


async def both_have_a_backlog(scene: Scene, measured: Measured) -> None:
    await scene.produce([(f"u-{n % 300}", events.order(f"u-{n % 300}", n)) for n in range(4_000)])
    first = await scene.replica()
    alone = await share_is(first, LEAST)
    await scene.until_accepted(20)
    second = await scene.replica()
    await second.until("it has half", lambda status: assigned(status) == 6)
    settled = await share_is(second, LEAST / 2, LIMIT / 2)
    assert share(await first.status()) <= LIMIT / 2

    sent = await requests_in_a_minute(scene)
    measured(
        f"rate_limit 600/min, two replicas with a backlog: {sent} requests in a minute; "
        f"the first had the whole budget after {alone:.1f} s, the second its half after {settled:.1f} s"
    )
    assert LEAST <= sent <= LIMIT

    third = await scene.replica()
    await third.until("it has a third", lambda status: assigned(status) == 4)
    await share_is(third, LEAST / 3, LIMIT / 3 + 1)
    assert await first.terminate() == 0
    await second.kill()
    await third.until("it has everything", lambda status: assigned(status) == 12, within=60)
    recovered = await share_is(third, LEAST)
    busiest = scene.api.ledger.busiest(60)
    measured(
        f"rate_limit 600/min, start, two joins, a leave and a death: at most {busiest} requests in any minute; "
        f"the survivor had the whole budget {recovered:.1f} s after it had the partitions"
    )
    assert busiest <= LIMIT


async def one_has_only_filtered_traffic(scene: Scene, measured: Measured) -> None:
    first, second = await asyncio.gather(scene.replica(), scene.replica())
    await first.until("it has half", lambda status: assigned(status) == 6)
    await second.until("it has half", lambda status: assigned(status) == 6)
    mine = [row["partition"] for row in (await first.status())["partitions"]]
    others = [row["partition"] for row in (await second.status())["partitions"]]
    for partition in mine:
        orders = [(None, events.order(f"u-{n}", n)) for n in range(300)]
        await scene.produce(orders, partition=partition)
    lent = await share_is(first, LEAST)
    enough = asyncio.Event()
    traffic = asyncio.create_task(views(scene, others, enough))
    try:
        sent = await requests_in_a_minute(scene)
        filtered = (await second.status())["accounting"]["filtered"]
    finally:
        enough.set()
        await traffic
    measured(
        f"rate_limit 600/min, one replica with a backlog beside one with {filtered} filtered records: "
        f"{sent} requests in a minute, the whole budget after {lent:.1f} s"
    )
    assert filtered > 1_000
    assert LEAST <= sent <= LIMIT
    assert scene.api.ledger.busiest(60) <= LIMIT


@pytest.mark.timeout(240)
async def test_replicas_share_the_budget_by_demand_and_never_exceed_it(
    kafka: Kafka, stage: Stage, measured: Measured
) -> None:
    crowded, lonely = await stage(kafka, delivery=BUDGET), await stage(kafka, delivery=BUDGET)
    for scene in (crowded, lonely):
        scene.api.limit_rate(RateLimit(LIMIT))
    async with asyncio.TaskGroup() as scenes:
        scenes.create_task(both_have_a_backlog(crowded, measured))
        scenes.create_task(one_has_only_filtered_traffic(lonely, measured))
    for scene in (crowded, lonely):
        assert scene.api.ledger.answers["429"] == 0
        assert ledger.overtaken(scene.api.ledger.accepted) == []
