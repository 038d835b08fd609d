"""A pattern in kafka.topics: the replicas that read by it know of each other."""

from __future__ import annotations

import pytest

from tests.component.service.conftest import Start
from tests.support.service.embedded import Broker
from tests.support.waiting import until


@pytest.mark.slow(reason="two replicas share a group out, and are left one after the other", seconds=29)
async def test_two_replicas_under_a_pattern_of_kafkas_share_the_rate(broker: Broker, start: Start) -> None:
    """Read by other rules than Kafka's, the view of the group was empty, and each took the whole limit."""
    for topic in ("orders-1", "orders-22", "orders-d"):
        broker.embedded.create_topic(topic, 2)
    services = [await start(topics=["^orders-[[:digit:]]+$"], delivery={"rate_limit": "600/min"}) for _ in range(2)]
    await until(
        "each has half of the partitions",
        lambda: [len(each.now().partitions) for each in services] == [2, 2],
        within=60,
    )
    assert {row.partition.topic for each in services for row in each.now().partitions} == {"orders-1", "orders-22"}

    def shares() -> list[float]:
        return [each.now().rate.share or 0.0 for each in services]

    await until("both know their shares", lambda: min(shares()) > 1.0, within=60, explain=lambda: str(shares()))
    assert sum(shares()) <= 10.0
    assert max(shares()) < 6.0
