"""One embedded Kafka for all tests of this folder, and what they ask of it directly."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as ClientPartition

from bridge.sandbox.broker import EmbeddedKafka


class Embedded:
    """The cluster with names nobody else uses."""

    def __init__(self, cluster: EmbeddedKafka) -> None:
        self.cluster = cluster
        self.bootstrap = cluster.bootstrap
        self._quiet = {"bootstrap.servers": cluster.bootstrap, "log_level": 0}

    @staticmethod
    def name(prefix: str) -> str:
        return f"{prefix}-{uuid4().hex[:8]}"

    def topic(self, partitions: int = 3) -> str:
        name = self.name("topic")
        self.cluster.create_topic(name, partitions)
        return name

    def produce(self, topic: str, count: int, *, partitions: int = 3, first: int = 0) -> None:
        """Records 0, 1, 2, … spread over the partitions in turn."""
        producer = Producer({**self._quiet, "linger.ms": 1})
        for number in range(first, first + count):
            producer.produce(topic, value=b"%d" % number, key=b"k%d" % number, partition=number % partitions)
        assert producer.flush(10) == 0

    def commit(self, group: str, topic: str, positions: dict[int, int]) -> None:
        """As an operator does while the group is empty."""
        consumer = Consumer({**self._quiet, "group.id": group})
        offsets = [ClientPartition(topic, partition, offset) for partition, offset in positions.items()]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()

    def committed(self, group: str, topic: str, partitions: int = 3) -> dict[int, tuple[int, str | None]]:
        """Offset and metadata by partition, where there is a position."""
        consumer = Consumer({**self._quiet, "group.id": group})
        found = consumer.committed([ClientPartition(topic, number) for number in range(partitions)], timeout=10)
        consumer.close()
        return {each.partition: (each.offset, each.metadata) for each in found if each.offset >= 0}


@pytest.fixture(scope="module")
def embedded() -> Iterator[Embedded]:
    with EmbeddedKafka() as cluster:
        yield Embedded(cluster)
