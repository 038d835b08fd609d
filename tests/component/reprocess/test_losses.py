"""What was lost is told by every process after the one that found it, whatever was done to the committed offset."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from tests.component.reprocess.conftest import Dlq
from tests.support.service.embedded import Broker
from tests.support.service.events import orders
from tests.support.service.in_process import Service
from tests.support.service.settings import GROUP, RESTARTABLE

pytestmark = pytest.mark.slow(reason="starts a service again in its group", seconds=3)


def at_most(service: Service) -> int | None:
    found = service.now().recorded_losses
    return None if found is None else found.at_most


def reset(kafka: EmbeddedKafka, offset: int) -> None:
    """As `kafka-consumer-groups --reset-offsets` does: nothing of the text that was beside the offset is left.

    As a member of the group, because the embedded broker takes it from nobody else.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": GROUP,
            "log_level": 0,
            "group.protocol": "consumer",
            "enable.auto.commit": False,
        }
    )
    deadline = time.monotonic() + 30
    try:
        consumer.subscribe(["orders"])
        while not consumer.assignment():
            assert time.monotonic() < deadline, "the member is given no partition"
            consumer.poll(0.1)
        consumer.commit(offsets=[TopicPartition("orders", 0, offset)], asynchronous=False)
    finally:
        consumer.close()


async def test_a_loss_is_told_by_the_next_process_after_the_offset_was_set_anew(
    configure: Callable[..., Path], kafka: EmbeddedKafka, api: Emulator, dlq: Dlq
) -> None:
    broker, file = Broker(kafka), configure(kafka=RESTARTABLE)
    broker.produce(orders(20), partition=0)
    async with Service(file) as service:
        await service.until_done(20)
        await service.until("what was lost is known", lambda: at_most(service) == 0)
    broker.produce(orders(20), partition=0)
    kafka.delete_records("orders", 0, 30)

    async with Service(file) as service:
        await service.until("it is recorded", lambda: at_most(service) == 10)
        assert service.now().consumer.possibly_lost == 10
    assert (await dlq("stats", "--json")).documents[0]["ignored_resolutions"] == 0

    await asyncio.to_thread(reset, kafka, 30)
    async with Service(file) as service:
        await service.until_done(10)
        await service.until("it is read", lambda: at_most(service) == 10)
        assert service.now().consumer.possibly_lost == 0
        assert "track_bridge_recorded_lost_records 10.0" in (await service.get("/metrics")).text
        (loss,) = (await service.status())["possible_loss"]["recorded"]["losses"]
    assert (loss["topic"], loss["partition"], loss["from"], loss["to"]) == ("orders", 0, 20, 30)
    assert len(api.ledger.accepted) == 30
