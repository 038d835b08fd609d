"""How each situation is brought about, and how its cause is taken away: up to `yield`, and after it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from bridge.sandbox.emulator import Event, Fault, FaultKind
from tests.integration.situations.site import Site
from tests.support.kafka.client import ANSWER_WITHIN, Kafka, OwnKafka
from tests.support.kafka.transactions import Transactions, delete_before
from tests.support.registry import framing
from tests.support.registry.server import FakeRegistry, Reply
from tests.support.service import events
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping

NEXT_KEY: Final = "NX-the-next-key-of-the-tests"
Driver = Callable[[Kafka, Path], AbstractAsyncContextManager[Site]]


# --- the API ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def bad_key(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        await here.well()
        here.caused()
        here.api.keys = frozenset({NEXT_KEY})
        await here.orders(40)
        yield here
        here.key_file.write_text(NEXT_KEY, encoding="utf-8")
        await here.well_again()
        await here.bridge("dlq", "replay", "--reason", "unauthorized", "--yes")
        await here.all_delivered()


@asynccontextmanager
async def api_unavailable(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        await here.well()
        here.caused()
        here.api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
        await here.orders(40)
        yield here
        here.api.set_faults()
        await here.well_again()
        await here.all_delivered()


@asynccontextmanager
async def throttled(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        await here.well()
        here.caused()
        here.api.set_faults(Fault(kind=FaultKind.STATUS, status=429, headers={"retry-after": "60"}))
        await here.orders(40)
        yield here
        here.api.set_faults()
        await here.well_again(within=120)
        await here.all_delivered()


@asynccontextmanager
async def identify_down(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    """While events of users who are known are accepted."""
    async with Site(kafka, folder, track={"unknown_users": "identify"}) as here:
        await here.well()
        here.caused()
        here.api.set_faults(Fault(kind=FaultKind.STATUS, status=503, path="/v1/identify"))
        await here.records((f"new-{n}", here.order(f"new-{n}", n)) for n in range(40))
        await here.orders(20)
        await here.asked.until("events of known users are accepted", lambda status: status["users"]["known"] == 20)
        yield here
        here.api.set_faults()
        await here.well_again()
        await here.all_delivered()


# --- records ---------------------------------------------------------------------------------------------


def renamed(user: str, number: int) -> bytes:
    return json.dumps({"type": "order.completed", "data": {"customer": user, "n": number}}).encode()


@asynccontextmanager
async def renamed_field(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        replica = await here.well()
        here.caused()
        await here.records((f"u-{n % 20}", renamed(f"u-{n % 20}", n)) for n in range(20, 320))
        yield here
        assert await replica.terminate() == 0
        await here.again(mapping={"user_id": "data.user || data.customer"})
        await here.well_again()
        await here.bridge("dlq", "replay", "--reason", "unmappable", "--yes")
        await here.all_delivered()


def is_poison(event: Event | None) -> bool:
    return event is not None and event.user_id == "u-7"


@asynccontextmanager
async def poison(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    retry = {"initial_backoff": "500ms", "max_backoff": "2s", "max_attempts": 3}
    async with Site(kafka, folder, delivery={"retry": retry}) as here:
        await here.well()
        here.caused()
        here.api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=is_poison))
        await here.orders(20)
        yield here
        await here.others_succeed_until_it_is_given_up()
        here.api.set_faults()
        await here.well_again()
        await here.bridge("dlq", "replay", "--reason", "retries_exhausted", "--yes")
        await here.all_delivered()


@asynccontextmanager
async def dead_letter_topic_gone(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        await here.well()
        here.caused()
        kafka.admin.delete_topics([here.scene.letters])[here.scene.letters].result(ANSWER_WITHIN)
        await here.records([("u-1", b"this is no JSON")])
        await here.asked.until("sending stops", lambda status: status["state"] == "held")
        await here.orders(40)  # All of them wait: what was accepted before would not be late.
        yield here
        await here.bridge("topics", "create", "--yes")
        await here.well_again()
        await until("the dead letter is written", lambda: len(kafka.read(here.scene.letters)) == 1)
        await here.all_delivered(but=1)


AVRO: Final = {
    "decode": "avro",
    "user_id": "user",
    "events": {"order.completed": {"event_name": "Order Completed", "metadata": {"n": "n"}}},
}


@asynccontextmanager
async def schema_registry_down(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    """When a producer begins to write with another schema."""
    with FakeRegistry() as registry:
        registry.register("orders-value", framing.SCHEMA, id=7)
        registry.register("orders-value", framing.LATER, id=8)
        async with Site(kafka, folder, mapping=AVRO, schema_registry={"urls": [registry.url]}) as here:
            here.order = partial(framing.order, 7)
            await here.well()
            here.caused()
            registry.always(Reply.of(503, {"error_code": 50301, "message": "Leader not known"}))
            here.order = partial(framing.order, 8, coupon="c")
            await here.orders(40)
            yield here
            registry.always(None)
            await here.well_again(within=90)
            await here.all_delivered()


# --- Kafka -----------------------------------------------------------------------------------------------


@asynccontextmanager
async def kafka_down(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    assert isinstance(kafka, OwnKafka)
    async with Site(kafka, folder) as here:
        await here.well()
        here.caused()
        await asyncio.to_thread(kafka.stop)
        yield here
        await asyncio.to_thread(kafka.start)
        await here.well_again(within=90)
        await here.orders(20)
        await here.all_delivered()


@asynccontextmanager
async def topic_missing(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        replica = await here.well()
        assert await replica.terminate() == 0
        here.missing = kafka.name("missing")
        here.caused()
        await here.again(kafka={"topics": [here.topic, here.missing]})
        yield here
        kafka.create_topic_named(here.missing, 1)
        await asyncio.to_thread(kafka.produce, here.missing, [("u-1", events.order("u-1", 20))])
        here.produced += 1
        await here.all_delivered()
        await here.well_again()


@asynccontextmanager
async def hanging_transaction(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        await here.well()
        writer = await asyncio.to_thread(Transactions, kafka, here.topic)
        here.caused()
        await asyncio.to_thread(writer.begin, [events.order("u-1", 20).decode()])
        await here.records([("u-2", events.order("u-2", 21))], partition=0)
        yield here
        await asyncio.to_thread(writer.end)
        here.produced += 1
        await here.all_delivered()
        await here.well_again()


@asynccontextmanager
async def replica_killed(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    session = {"session.timeout.ms": "40000", "heartbeat.interval.ms": "1000"}  # the group is looked at every 10 s
    async with Site(kafka, folder, properties=session) as here:
        first, second = await here.replica(), await here.replica()
        for each in (first, second):
            await each.until("it has its half", lambda status: len(status["partitions"]) == 2)
        await here.deliver(20)
        for each in (first, second):
            await each.until("it is idle", lambda status: status["state"] == "idle")
        here.before = await here.scrape()
        here.caused()
        await first.kill()
        await here.orders(40)
        yield here
        await here.well_again(within=90)
        await here.all_delivered()


# --- loss ------------------------------------------------------------------------------------------------

RETENTION: Final = 3600
"""Seconds the topic keeps its records."""


async def retain(kafka: Kafka, topic: str, seconds: int) -> None:
    entry = ConfigEntry("retention.ms", str(seconds * 1000), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])

    def now() -> None:
        for answer in kafka.admin.incremental_alter_configs([resource]).values():
            answer.result(timeout=ANSWER_WITHIN)

    await asyncio.to_thread(now)


def written_earlier(kafka: Kafka, topic: str, values: Mapping[str, bytes], seconds: int) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    at = round((time.time() - seconds) * 1000)
    for key, value in values.items():
        producer.produce(topic, value, key, timestamp=at)
    assert producer.flush(ANSWER_WITHIN) == 0


@asynccontextmanager
async def retention_near(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder) as here:
        await retain(kafka, here.topic, RETENTION)
        await here.well()
        here.caused()
        here.api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
        values = {f"u-{n}": events.order(f"u-{n}", n) for n in range(20, 60)}
        await asyncio.to_thread(written_earlier, kafka, here.topic, values, RETENTION * 2 // 3)
        here.produced += 40
        yield here
        await retain(kafka, here.topic, 100 * RETENTION)
        await here.says_nothing_of("retention_near")
        here.api.set_faults()
        await here.well_again()
        await here.all_delivered()


@asynccontextmanager
async def records_lost(kafka: Kafka, folder: Path) -> AsyncIterator[Site]:
    async with Site(kafka, folder, partitions=1) as here:
        replica = await here.well()
        assert await replica.terminate() == 0
        await here.orders(50)
        await asyncio.to_thread(delete_before, kafka, here.topic, 50)
        here.caused()
        await here.again()
        yield here
        assert await here.replicas["bridge-0"].terminate() == 0
        await here.group_is_empty()
        await here.bridge("offsets", "set", f"{here.topic}/0", "--to", "earliest", "--accept-loss", "30", "--yes")
        await here.again()
        await here.well_again()
        await here.all_delivered(but=30)


DRIVERS: Final[Mapping[str, Driver]] = {
    driver.__name__: driver
    for driver in (
        bad_key, api_unavailable, identify_down, throttled, renamed_field, poison, dead_letter_topic_gone,
        schema_registry_down,
        kafka_down, topic_missing,
        hanging_transaction, replica_killed, retention_near, records_lost,
    )
}  # fmt: skip
