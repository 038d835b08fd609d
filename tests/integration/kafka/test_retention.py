"""How long Kafka keeps the records: told by the brokers where they may, and nothing hangs on it where they may not."""

from __future__ import annotations

import asyncio
import logging
import math
from typing import TYPE_CHECKING

from confluent_kafka.admin import AclOperation, ResourceType

from bridge.kafka.letters.letter_log import BESIDE, LetterLog
from tests.support.kafka.completing import Completing, running, settings
from tests.support.kafka.settings import PASSWORDS
from tests.support.waiting import until

if TYPE_CHECKING:
    import pytest

    from tests.support.kafka.client import Kafka, OwnKafka

LOGGER = logging.getLogger("kafka")


async def test_the_retention_of_each_topic_that_is_read_becomes_known(kafka: Kafka) -> None:
    week, kept = kafka.create_topic("week", retention_ms=604_800_000), kafka.create_topic("kept", retention_ms=-1)
    async with running(settings(kafka.bootstrap, kafka.name("group"), [week, kept]), Completing()) as source:
        await until("both retentions are known", lambda: len(source.retention) >= 2)
        assert source.retention == {week: 604_800.0, kept: math.inf}


async def test_the_retention_of_the_dead_letter_topic_is_told(kafka: Kafka) -> None:
    letters, kept = kafka.create_topic("dlq", retention_ms=86_400_000), kafka.create_topic("kept", retention_ms=-1)

    def retention(topic: str) -> float | None:
        group = settings(kafka.bootstrap, kafka.name("group"), [letters])
        return LetterLog(group, topic, LOGGER, BESIDE).retention()

    assert await asyncio.to_thread(retention, letters) == 86_400.0
    assert await asyncio.to_thread(retention, kept) == math.inf
    assert await asyncio.to_thread(retention, kafka.name("none")) is None


async def test_a_user_who_may_not_see_the_retention_is_served_without_it(
    secured_kafka: OwnKafka, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = secured_kafka
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    kafka.allow("alice", AclOperation.READ, ResourceType.TOPIC, topic)
    kafka.allow("alice", AclOperation.READ, ResourceType.GROUP, group)
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "alice",
        "sasl.password": PASSWORDS["alice"],
    }
    await asyncio.to_thread(kafka.produce, topic, [("user-1", "1")])
    consumption = Completing()
    with caplog.at_level("DEBUG"):
        async with running(settings(kafka.sasl_bootstrap, group, [topic], properties=login), consumption) as source:
            await consumption.until(lambda: len(consumption.records) == 1)
            await until(
                "it is logged that the retention is not known",
                lambda: any(f"the retention of topic {topic} is not known" in line for line in caplog.messages),
                explain=lambda: "\n".join(caplog.messages),
            )
            assert (dict(source.retention), source.problems) == ({}, ())
            own = LetterLog(settings(kafka.sasl_bootstrap, group, [topic], properties=login), topic, LOGGER, BESIDE)
            assert await asyncio.to_thread(own.retention) is None
