"""A real Kafka that is not there yet, topics that yield nothing, and others in the group."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer
from confluent_kafka.admin import AclOperation, ResourceType

from tests.integration.conftest import KafkaFactory
from tests.integration.service.conftest import Stage
from tests.support.kafka.client import Kafka, OwnKafka
from tests.support.kafka.settings import PASSWORDS
from tests.support.service import events
from tests.support.waiting import patience

SOME = [(f"u-{n}", events.order(f"u-{n}", n)) for n in range(20)]


async def test_a_replica_that_starts_before_kafka_says_so_and_delivers_once_kafka_is_there(
    own_kafka: KafkaFactory, stage: Stage
) -> None:
    kafka = own_kafka()
    scene = await stage(kafka, partitions=2)
    await scene.produce(SOME)
    await asyncio.to_thread(kafka.stop)
    replica = await scene.replica()
    await replica.until("it is said", lambda status: status["state"] == "waiting")
    status = await replica.status()
    assert kafka.bootstrap in status["sentence"]
    assert (await replica.get("/livez")).status_code == 200
    assert (await replica.get("/readyz")).status_code == 503
    await asyncio.to_thread(kafka.start)
    await scene.until_delivered(20)
    assert await replica.terminate() == 0


async def test_topics_that_are_missing_or_forbidden_are_named_while_another_one_is_delivered(
    secured_kafka: OwnKafka, stage: Stage
) -> None:
    user = "alice"
    login = {
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": user,
        "sasl.password": PASSWORDS[user],
    }
    kafka = secured_kafka
    scene = await stage(kafka, partitions=2)
    forbidden, missing = kafka.create_topic("forbidden", 1), kafka.name("missing")
    for topic in (scene.topic, missing):
        kafka.allow(user, AclOperation.READ, ResourceType.TOPIC, topic)
    kafka.allow(user, AclOperation.DESCRIBE, ResourceType.TOPIC, forbidden)
    kafka.allow(user, AclOperation.WRITE, ResourceType.TOPIC, scene.letters)
    kafka.allow(user, AclOperation.READ, ResourceType.GROUP, scene.group)
    await scene.produce(SOME)
    replica = await scene.replica(
        kafka={
            "bootstrap_servers": kafka.sasl_bootstrap,
            "topics": [scene.topic, forbidden, missing],
            "properties": login,
        }
    )
    await scene.until_delivered(20)

    def problems(status: dict[str, Any]) -> dict[str, str | None]:
        return {row["topic"]: row["problem"] for row in status["topics"]}

    expected = {scene.topic: None, forbidden: "not_authorised", missing: "topic_missing"}
    await replica.until("both are named", lambda status: problems(status) == expected, within=60)
    assert {event["topic"] for event in replica.events("held")} == {forbidden, missing}
    assert await replica.terminate() == 0


@asynccontextmanager
async def member(kafka: Kafka, group: str, topic: str) -> AsyncIterator[None]:
    """Another program in the group, with an assignor of its own."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": group,
            "client.id": "somebody-else",
            "partition.assignment.strategy": "range",
            "enable.auto.commit": False,
        }
    )
    consumer.subscribe([topic])
    stop = asyncio.Event()
    joined = asyncio.Event()

    async def poll() -> None:
        while not stop.is_set():
            await asyncio.to_thread(consumer.poll, 0.2)
            if consumer.assignment():
                joined.set()

    polling = asyncio.create_task(poll())
    try:
        async with patience("the other consumer has partitions", within=60):
            await joined.wait()
        yield
    finally:
        stop.set()
        await polling
        await asyncio.to_thread(consumer.close)


def checked(configuration: Path) -> tuple[int, str]:
    line = [sys.executable, "-m", "bridge", "check", "-c", str(configuration)]
    ended = subprocess.run(line, capture_output=True, text=True, timeout=90, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def is_well(status: dict[str, Any]) -> bool:
    return status["state"] in {"idle", "delivering"}


def is_kept_out(status: dict[str, Any]) -> bool:
    return "another program in this consumer group" in status["sentence"]


async def test_a_program_with_another_assignor_in_the_group_is_named_by_check_and_by_the_replica_it_keeps_out(
    kafka: Kafka, stage: Stage
) -> None:
    scene = await stage(kafka, partitions=2)
    async with member(kafka, scene.group, scene.topic):
        _, said = await asyncio.to_thread(checked, scene.configure())
        assert "share out the partitions by range" in said
        assert "somebody-else at " in said
        replica = await scene.replica()
        await replica.until("it is said", is_kept_out, within=60)
        readiness = await replica.get("/readyz")
        assert readiness.status_code == 503
        assert "another program in this consumer group" in readiness.json()["reasons"][0]["message"]
    await scene.produce(SOME)
    await scene.until_delivered(20)
    await replica.until("it was let in", is_well, within=60)
    _, said = await asyncio.to_thread(checked, scene.configure())
    assert "1 member, stable" in said
    second = kafka.create_topic("more", 1)
    _, said = await asyncio.to_thread(checked, scene.configure(kafka={"topics": [scene.topic, second]}))
    assert f"No member of the group has {second}/0: nobody reads it." in said
    assert await replica.terminate() == 0
