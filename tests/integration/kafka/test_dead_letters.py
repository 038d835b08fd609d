from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka.admin import AclOperation, ResourceType

from bridge.config.sections import Config
from bridge.model import LetterRefused
from tests.support.kafka.letters import Receipts, config, letter, writing
from tests.support.kafka.settings import PASSWORDS

if TYPE_CHECKING:
    from tests.support.kafka.client import Kafka, OwnKafka

BATCHED = {"linger.ms": "200"}
"""So that letters written together share a batch."""


async def test_a_letter_too_large_is_refused_and_those_beside_it_are_written(kafka: Kafka) -> None:
    topic, receipts = kafka.create_topic("letters", partitions=1, max_message_bytes=3000), Receipts()
    async with writing(config(kafka.bootstrap, topic, **BATCHED), receipts) as producer:
        for number in range(10):
            producer.write(letter(number, value=b"v" * (4000 if number == 4 else 100)), number)
        found = await receipts.of(10)
    assert {number for number, refused in found.items() if refused is None} == set(range(10)) - {4}
    assert found[4] == LetterRefused(
        f"orders/0/4 (4014 bytes) does not fit the dead-letter topic {topic}: raise the topic's max.message.bytes, "
        "then restart",
        too_large=True,
    )
    assert len(kafka.read(topic)) == 9


async def test_letters_that_fit_alone_are_written_though_together_they_are_too_large(kafka: Kafka) -> None:
    topic, receipts = kafka.create_topic("letters", partitions=1, max_message_bytes=3000), Receipts()
    async with writing(config(kafka.bootstrap, topic, **BATCHED), receipts) as producer:
        for number in range(10):
            producer.write(letter(number, value=b"v" * 500), number)
        assert set((await receipts.of(10)).values()) == {None}
    assert all("bridge.dead-letter.message" in dict(each.headers() or []) for each in kafka.read(topic))


async def test_headers_give_way_where_only_the_original_fits(kafka: Kafka) -> None:
    topic, receipts = kafka.create_topic("letters", partitions=1, max_message_bytes=2000), Receipts()
    async with writing(config(kafka.bootstrap, topic), receipts) as producer:
        producer.write(letter(0, value=b"v" * 500, message="m" * 900), 0)
        producer.write(letter(1, value=b"v" * 1500, message="m" * 900), 1)
        assert set((await receipts.of(2)).values()) == {None}
    without_message, essential = (dict(each.headers() or []) for each in kafka.read(topic))
    assert "bridge.dead-letter.message" not in without_message
    assert "bridge.dead-letter.route" not in essential
    assert "__connect.errors.topic" in without_message
    assert "__connect.errors.topic" not in essential
    assert essential["bridge.dead-letter.origin-offset"] == b"1"


async def test_without_the_permission_a_letter_is_refused_and_with_it_written(secured_kafka: OwnKafka) -> None:
    topic = secured_kafka.create_topic("letters", partitions=1)
    receipts, configuration = Receipts(), _as_alice(secured_kafka, topic)
    secured_kafka.allow("alice", AclOperation.DESCRIBE, ResourceType.TOPIC, topic)
    async with writing(configuration, receipts) as producer:
        producer.write(letter(1), 1)
        refused = (await receipts.of(1)).pop(1)
        assert refused is not None
        assert "grant it WRITE" in refused.message
    secured_kafka.allow("alice", AclOperation.WRITE, ResourceType.TOPIC, topic)
    async with writing(configuration, receipts) as producer:
        producer.write(letter(2), 2)
        assert await receipts.of(1) == {2: None}


def _as_alice(kafka: OwnKafka, topic: str) -> Config:
    login = {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "alice",
        "sasl.password": PASSWORDS["alice"],
    }
    return config(kafka.sasl_bootstrap, topic, **login)
