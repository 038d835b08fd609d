"""Topic patterns on real brokers: everybody who reads one takes exactly the topics that a subscription gets."""

from __future__ import annotations

import asyncio
import logging
import time

import pytest
from confluent_kafka import Consumer

from bridge.cli.checks.topics import consumed
from bridge.config.sections import Kafka as KafkaSection
from bridge.config.topics.consumed_topics import topics_of
from bridge.config.topics.topic_patterns import fault
from bridge.kafka.admin.committed import GroupReader
from tests.support.kafka.client import ANSWER_WITHIN, Kafka

ENDS = ("1", "12", "1a", "d", "a", "A", "a.b", "a-b", "b_a", "bill", "billing")
"""Of topic names."""
PATTERNS = (
    "^{p}[[:digit:]]+$",
    "^{p}[[:digit:]]+",
    "^{p}(a|bill)",
    "^{p}bill",
    "^{p}bill.*",
    "^{p}[^[:digit:]]$",
    "^{p}a[._-]b$",
    r"^{p}a[\.]b",
    "^{p}[]a-]$",
    "^{p}a{{1,2}}$",
    "^{p}(a|d|)$",
    "^({p}1|{p}d)",
    "^{p}1|{p}a$",
    "^{p}.{{2}}$",
    "^{p}(b+i+l+)+$",
)


def subscribed(kafka: Kafka, protocol: str, pattern: str, enough: int) -> set[str]:
    """The topics a plain consumer is given; waits until it has as many, then for as long as a surplus would take."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": kafka.name("patterns"),
            "group.protocol": protocol,
            "topic.metadata.refresh.interval.ms": 500,
            "log_level": 0,
        }
    )
    found: set[str] = set()
    try:
        consumer.subscribe([pattern])
        deadline = time.monotonic() + (ANSWER_WITHIN if enough else 3.0)
        while time.monotonic() < deadline and len(found) < enough:
            consumer.poll(0.1)
            found = {each.topic for each in consumer.assignment()}
        consumer.poll(0.3)
        return {each.topic for each in consumer.assignment()}
    finally:
        consumer.close()


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_every_reader_of_a_pattern_agrees_with_the_brokers(kafka: Kafka, protocol: str) -> None:
    prefix = kafka.name("pat") + "."
    names = [f"{prefix}{end}" for end in ENDS]
    for name in names:
        kafka.create_topic_named(name, 1)
    patterns = [each.format(p=prefix.replace(".", r"\.")) for each in PATTERNS]
    await asyncio.gather(*(agrees(kafka, protocol, pattern, names) for pattern in patterns))


async def agrees(kafka: Kafka, protocol: str, pattern: str, names: list[str]) -> None:
    assert fault(pattern) is None, pattern
    section = KafkaSection.model_validate(
        {
            "bootstrap_servers": kafka.bootstrap,
            "group_id": kafka.name("g"),
            "topics": [pattern],
            "group_protocol": protocol,
        }
    )
    read = topics_of(section)
    expected = {name for name in names if read.takes(name)}
    got = await asyncio.to_thread(subscribed, kafka, protocol, pattern, len(expected))
    assert got == expected, f"{protocol}: {pattern}"
    assert set(consumed([pattern], dict.fromkeys(names, 1), read.reading).partitions) == expected
    assert await GroupReader(section, logging.getLogger("patterns")).partitions() == len(expected)
