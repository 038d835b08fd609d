"""A replica that no byte to or from Kafka reaches any more, while the API still answers it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.conftest import KafkaFactory
from tests.integration.service.conftest import Measured, Stage
from tests.integration.service.test_stops import orders
from tests.support.proxy import Conditions, Link, ThreadedProxy
from tests.support.service import ledger
from tests.support.service.replica import assigned
from tests.support.service.settings import SESSION

IN_FLIGHT = 4
UNCOMMITTED = 0.2 + 0.1
"""Seconds: the commit interval, and a machine that is busy with other things."""
LATE = 1.0
"""Seconds until what had started comes back, on such a machine."""
CLASSIC: dict[str, Any] = {
    "group_protocol": "classic",
    "properties": {"session.timeout.ms": "6000", "heartbeat.interval.ms": "500"},
}
"""An acknowledged commit renews the session, and proves all of it."""
CONSUMER: dict[str, Any] = {"group_protocol": "consumer", "properties": dict.fromkeys(SESSION)}
BROKERS_SESSION = 8.0
BROKERS = {
    "group.consumer.session.timeout.ms": f"{BROKERS_SESSION * 1000:.0f}",
    "group.consumer.heartbeat.interval.ms": "1000",
}
"""Properties of the brokers: 8 s, less two heartbeats."""


@pytest.fixture
def proxy() -> Iterator[ThreadedProxy]:
    with ThreadedProxy() as proxy:
        yield proxy


@pytest.mark.parametrize("protocol", [CLASSIC, CONSUMER], ids=["classic", "consumer"])
async def test_a_replica_cut_off_from_kafka_stops_sending_before_another_one_has_its_partitions(
    own_kafka: KafkaFactory, stage: Stage, measured: Measured, proxy: ThreadedProxy, protocol: dict[str, Any]
) -> None:
    """It trusts the brokers' session, which it asked for, and not the one it would have by default."""
    trusted, count = 6.0, 6_000
    kafka = own_kafka(behind=proxy.port, properties=BROKERS)
    host, _, port = kafka.behind_bootstrap.rpartition(":")
    proxy.lead_to(host, int(port))
    scene = await stage(kafka, partitions=6, delivery={"max_in_flight": IN_FLIGHT}, kafka=protocol)
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    await scene.produce(orders(count))
    cut_off = await scene.replica(kafka={"bootstrap_servers": proxy.address})
    other = await scene.replica()
    for replica in (cut_off, other):
        await replica.until("it has its share", lambda status: assigned(status) == 3)
    its = {each["partition"] for each in (await cut_off.status())["partitions"]}
    await scene.until_accepted(len(scene.api.ledger.accepted) + 300)

    def from_its_partitions(since: float) -> list[float]:
        """When events of the partitions that it had were accepted, whoever sent them."""
        accepted = scene.api.ledger.accepted
        return [event.at for event in accepted if event.at >= since and ledger.place(event)[1] in its]

    proxy.set(Conditions(link=Link.BLACKHOLE))
    cut_at = time.monotonic()
    await other.until("it has everything", lambda status: assigned(status) == 6)
    at_risk = from_its_partitions(cut_at - UNCOMMITTED)
    bound = IN_FLIGHT + sum(at < cut_at + trusted + LATE for at in at_risk)
    stopped_after = max((at for at in at_risk if at < cut_at + BROKERS_SESSION - LATE), default=cut_at) - cut_at
    await scene.until_delivered(count)
    await scene.until_committed(count)
    repeated = ledger.repeated(scene.api.ledger.accepted).total()
    measured(
        f"cut off from Kafka, proof of {trusted:g} s: sent for {stopped_after:.1f} s more, {repeated} duplicates, "
        f"bound {bound}"
    )
    assert stopped_after < trusted + LATE
    assert repeated <= bound
    assert ledger.overtaken(scene.api.ledger.accepted) == []

    proxy.set(Conditions())
    proxy.cut()
    await cut_off.until("it knows what happened", lambda _: len(cut_off.events("lost")) == 1, within=60)
    await cut_off.until("it is back", lambda status: assigned(status) == 3, within=60)
    await scene.produce(orders(100))
    await scene.until_delivered(count + 100)
    for replica in (cut_off, other):
        assert await replica.terminate() == 0
    assert ledger.repeated(scene.api.ledger.accepted).total() == repeated
