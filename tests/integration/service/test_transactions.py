"""Transactional producers, as an operator sees them."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.service.conftest import Stage
from tests.support.kafka.client import Kafka
from tests.support.kafka.transactions import Transactions
from tests.support.service import events


def orders(first: int, count: int) -> list[str]:
    return [events.order(f"u-{n}", n).decode() for n in range(first, first + count)]


async def test_behind_aborted_records_nothing_waits_and_no_replica_is_called_for(kafka: Kafka, stage: Stage) -> None:
    scene = await stage(kafka, partitions=1)
    writer = await asyncio.to_thread(Transactions, kafka, scene.topic)
    await asyncio.to_thread(writer.commit, orders(0, 3))
    await asyncio.to_thread(writer.abort, orders(3, 30))
    replica = await scene.replica()
    await scene.until_delivered(3)

    def is_idle(status: dict[str, Any]) -> bool:
        return [(row["lag"], row["why"], row["position"]) for row in status["partitions"]] == [(0, "idle", 35)]

    await replica.until("nothing waits", is_idle)
    text = (await replica.get("/metrics")).text
    assert "track_bridge_scaling_backlog 0" in text
    await scene.until_committed(35)
    assert await replica.terminate() == 0
