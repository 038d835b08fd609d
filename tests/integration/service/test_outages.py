"""Brokers that restart, die and freeze while replicas work."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.conftest import KafkaFactory
from tests.integration.service.conftest import Measured, Stage
from tests.support.service import events, ledger
from tests.support.service.replica import Replica


@asynccontextmanager
async def alive(replica: Replica) -> AsyncIterator[list[int]]:
    """What /livez says all the while."""
    codes: list[int] = []

    async def ask() -> None:
        while True:
            codes.append((await replica.get("/livez")).status_code)
            await asyncio.sleep(0.1)

    asking = asyncio.create_task(ask())
    try:
        yield codes
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


async def test_a_broker_that_restarts_dies_and_freezes_costs_nothing_but_time_and_repetitions(
    own_kafka: KafkaFactory, stage: Stage, measured: Measured
) -> None:
    kafka = own_kafka()
    session = {"properties": {"session.timeout.ms": "3000", "heartbeat.interval.ms": "500"}}
    scene = await stage(kafka, partitions=6, kafka=session, delivery={"max_in_flight": 16})
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.05))
    replica = await scene.replica()
    produced = 0

    async def more() -> None:
        """Load that lasts longer than what happens during it."""
        nonlocal produced
        numbers = range(produced, produced + 2_000)
        await scene.produce([(f"u-{n % 200}", events.order(f"u-{n % 200}", n)) for n in numbers])
        produced += 2_000
        await scene.until_delivered(produced - 1_700)

    async with alive(replica) as codes:
        await more()
        await asyncio.to_thread(kafka.stop)
        await asyncio.to_thread(kafka.start)
        await scene.until_delivered(produced)

        await more()
        await asyncio.to_thread(kafka.kill)
        await replica.until("it sends nothing more", _stands)
        await asyncio.to_thread(kafka.start)
        await scene.until_delivered(produced)

        await more()
        kafka.freeze()
        await replica.until("it sends nothing more", _stands)
        kafka.thaw()
        await scene.until_delivered(produced)
    await scene.until_committed(produced)
    assert await replica.terminate() == 0

    assert set(codes) == {200}
    assert replica.events("crashed") == []
    assert ledger.overtaken(scene.api.ledger.accepted) == []
    repeated = ledger.repeated(scene.api.ledger.accepted)
    measured(
        f"a broker restarted, killed and frozen, 16 requests at a time of 50 ms, a session of 3 s: nothing lost, "
        f"{repeated.total()} duplicates of {produced}"
    )
    assert max(repeated.values(), default=0) <= 3


def _stands(status: dict[str, Any]) -> bool:
    """It has noticed: no membership, or no partitions any more."""
    return not status["partitions"] or "membership" in {block["reason"] for block in status["blocked"]}
