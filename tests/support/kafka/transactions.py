"""A transactional producer, for what only one can write: markers, aborted records, transactions that stay open."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from confluent_kafka import TopicPartition as ClientPartition

from tests.support.kafka.client import ANSWER_WITHIN

if TYPE_CHECKING:
    from tests.support.kafka.client import Kafka


class Transactions:
    """One producer and one partition. Every method returns when the brokers have it all."""

    def __init__(self, kafka: Kafka, topic: str, partition: int = 0) -> None:
        self._topic, self._partition = topic, partition
        self._producer = Producer(
            {
                "bootstrap.servers": kafka.bootstrap,
                "transactional.id": kafka.name("writer"),
                "transaction.timeout.ms": 600_000,
                "log_level": 0,
            }
        )
        self._producer.init_transactions(ANSWER_WITHIN)

    def commit(self, values: Iterable[str]) -> None:
        """Records that count, and a marker."""
        self.begin(values)
        self.end()

    def abort(self, values: Iterable[str]) -> None:
        """Records that nobody may see, and a marker."""
        self.begin(values)
        self._producer.abort_transaction(ANSWER_WITHIN)

    def begin(self, values: Iterable[str], *, seconds_ago: float = 0.0) -> None:
        """Records of a transaction that stays open; they say that they were written so long ago."""
        self._producer.begin_transaction()
        at = round((time.time() - seconds_ago) * 1000)
        for value in values:
            self._producer.produce(self._topic, value, f"user-{value}", partition=self._partition, timestamp=at)
        assert self._producer.flush(ANSWER_WITHIN) == 0

    def end(self) -> None:
        """Commit what is open."""
        self._producer.commit_transaction(ANSWER_WITHIN)


def delete_before(kafka: Kafka, topic: str, offset: int, partition: int = 0) -> None:
    """Move the start of the log, as retention does."""
    wanted = ClientPartition(topic, partition, offset)
    deleted = kafka.admin.delete_records([wanted])
    for future in deleted.values():
        assert future.result(ANSWER_WITHIN).low_watermark >= offset
