"""The embedded broker, and the few things a test asks of it directly."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from bridge.formats import commit_mark
from bridge.sandbox.broker import EmbeddedKafka
from tests.support.service.settings import GROUP, LETTERS

PARTITIONS = 4
"""Of every topic."""


@dataclass(frozen=True)
class Letter:
    """A dead letter as it stands in its topic."""

    key: bytes
    value: bytes
    headers: dict[str, bytes]

    def header(self, name: str) -> str:
        """One of those the bridge adds."""
        return self.headers["bridge.dead-letter." + name].decode()


class Broker:
    """The embedded broker, and what a test asks of it directly."""

    def __init__(self, embedded: EmbeddedKafka) -> None:
        self.embedded = embedded
        self.bootstrap = embedded.bootstrap
        self._producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 2, "log_level": 0})

    def produce(
        self,
        values: Iterable[bytes | None],
        *,
        topic: str = "orders",
        partition: int = -1,
        headers: Mapping[str, bytes] | None = None,
        key: bytes | None = None,
    ) -> None:
        """Write these and return when the broker has them. Keyed by their number, so that they spread, or all alike."""
        carried: Any = list((headers or {}).items())
        for number, value in enumerate(values):
            self._producer.produce(topic, value, key or str(number).encode(), partition=partition, headers=carried)
        assert self._producer.flush(30) == 0

    def committed(self, topic: str = "orders") -> dict[int, tuple[int, str]]:
        """By partition: offset (negative: none) and metadata."""
        consumer = self._consumer(GROUP)
        try:
            asked = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
            return {
                each.partition: (each.offset, commit_mark.unmarked(each.metadata))
                for each in consumer.committed(asked, timeout=10)
            }
        finally:
            consumer.close()

    def position(self, topic: str = "orders") -> int:
        """The sum of the group's positions: how many records are done, where nothing was removed."""
        return sum(max(0, offset) for offset, _ in self.committed(topic).values())

    def letters(self) -> list[Letter]:
        """Everything in the dead-letter topic."""
        consumer = self._consumer("reader")
        try:
            ends = {}
            for partition in range(PARTITIONS):
                _, ends[partition] = consumer.get_watermark_offsets(TopicPartition(LETTERS, partition), timeout=10)
            consumer.assign([TopicPartition(LETTERS, partition, 0) for partition in ends])
            found: list[Message] = []
            deadline = time.monotonic() + 30
            while len(found) < sum(ends.values()):
                assert time.monotonic() < deadline, "the dead letters could not be read"
                found += [message for message in consumer.consume(1000, 0.1) if message.error() is None]
            return [_letter(message) for message in found]
        finally:
            consumer.close()

    def _consumer(self, group: str) -> Consumer:
        return Consumer(
            {"bootstrap.servers": self.bootstrap, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )


def _letter(message: Message) -> Letter:
    headers = cast("list[tuple[str, bytes]]", message.headers() or [])
    return Letter(message.key() or b"", message.value() or b"", dict(headers))
