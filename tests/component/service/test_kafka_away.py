"""Kafka is not there: at the start, or while the service runs. The pages answer, with broker and error."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bridge.sandbox.emulator import Emulator
from tests.component.service.conftest import Configure, Start, StartProcess
from tests.support.proxy.conditions import Conditions, Link
from tests.support.proxy.threaded import ThreadedProxy
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.waiting import until


@pytest.fixture
def to_kafka(broker: Broker) -> Iterator[ThreadedProxy]:
    """A way to the broker that is closed at first."""
    host, _, port = broker.bootstrap.rpartition(":")
    with ThreadedProxy((host, int(port))) as proxy:
        broker.embedded.advertise("127.0.0.1", proxy.port)
        proxy.set(Conditions(link=Link.REFUSED))
        yield proxy


async def test_the_pages_answer_before_kafka_does_and_the_service_delivers_once_it_does(
    broker: Broker, api: Emulator, to_kafka: ThreadedProxy, start: Start
) -> None:
    service = await start(kafka={"bootstrap_servers": to_kafka.address})
    assert (await service.get("/livez")).status_code == 200
    await service.until("it is said", lambda: service.now().kafka_lost is not None)

    readiness = await service.get("/readyz")
    assert readiness.status_code == 503
    [reason] = readiness.json()["reasons"]
    assert reason["reason"] == "kafka_unreachable"
    assert to_kafka.address in reason["message"]
    status = await service.status()
    assert status["state"] == "waiting"
    assert to_kafka.address in status["sentence"]
    assert status["kafka"]["reachable"] is False
    assert [block["reason"] for block in status["blocked"]] == ["kafka_unreachable"]
    assert 'track_bridge_blocked{reason="kafka_unreachable"} 1.0' in (await service.get("/metrics")).text
    [lost] = service.lines.events("kafka_lost")
    assert to_kafka.address in lost["detail"]
    assert service.lines.events("started") == []

    to_kafka.set(Conditions())
    broker.produce(events.orders(10))
    await service.until("every event arrived", lambda: len(api.ledger.accepted) == 10)
    assert service.now().kafka_lost is None
    assert len(service.lines.events("kafka_back")) == len(service.lines.events("started")) == 1


async def test_a_service_that_waits_for_kafka_stops_when_told_to(configure: Configure, to_kafka: ThreadedProxy) -> None:
    async with Service(configure(kafka={"bootstrap_servers": to_kafka.address})) as service:
        await service.until("it is said", lambda: service.now().kafka_lost is not None)
        assert (await service.stop()).code == 0
    assert service.lines.events("started") == []


@pytest.mark.slow(reason="waits for brokers as long as it is allowed to", seconds=2)
async def test_a_service_that_may_wait_only_for_so_long_ends_with_3_and_one_sentence(
    replica: StartProcess, to_kafka: ThreadedProxy
) -> None:
    process = await replica(kafka={"bootstrap_servers": to_kafka.address, "start_timeout": "1s"})
    assert await process.ended(within=30) == 3
    said = process.log_text()
    assert f"kafka.bootstrap_servers: cannot connect to any broker in {to_kafka.address}: " in said
    assert "Traceback" not in said


@pytest.mark.slow(reason="brokers are away for longer than the client keeps quiet", seconds=9)
async def test_brokers_that_die_are_named_with_what_was_assigned_and_delivery_resumes_when_they_are_back(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(10))
    service = await start()
    await service.until_done(10)
    broker.embedded.down(-1)
    try:
        await is_said_everywhere(service, broker)
    finally:
        await asyncio.to_thread(broker.embedded.up, -1)
    await until("it is back", lambda: bool(service.lines.events("kafka_back")), within=60)
    broker.produce(events.orders(20)[10:])
    await service.until("the rest arrived", lambda: len(api.ledger.accepted) >= 20, within=60)
    assert service.now().kafka_lost is None


async def is_said_everywhere(service: Service, broker: Broker) -> None:
    await service.until("it is said", lambda: service.now().kafka_lost is not None, within=60)

    lost = service.now().kafka_lost
    assert lost is not None
    assert broker.bootstrap in lost.detail
    assert "in state" not in lost.detail
    assert {str(each) for each in lost.partitions} == {f"orders/{number}" for number in range(4)}
    status = await service.status()
    assert status["kafka"]["last_partitions"] == [f"orders/{number}" for number in range(4)]
    assert status["state"] == "waiting"
    assert broker.bootstrap in status["sentence"]
    await service.until("it is logged", lambda: bool(service.lines.events("kafka_lost")))
    [event] = service.lines.events("kafka_lost")
    assert event["partitions"] == [f"orders/{number}" for number in range(4)]
