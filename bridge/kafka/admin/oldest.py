"""When the records at certain offsets were written: how old is what waits where nothing is being read?"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaException

from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.partitions import to_client
from bridge.model import TopicPartition

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Kafka

PATIENCE: Final = 5.0
"""Seconds all of them may take together."""
_POLL: Final = 0.25


def written_at(
    kafka: Kafka, offsets: Mapping[TopicPartition, int], logger: logging.Logger, patience: float = PATIENCE
) -> dict[TopicPartition, float]:
    """The timestamp (Unix seconds) of the first record at or after each offset; without those that did not answer.

    One record of each partition is read, by a consumer that joins no group and commits nothing.
    """
    consumer = client.open_consumer(_configuration(kafka), ClientLog(logger), on_commit=_never)
    try:
        consumer.assign([to_client(partition, offset) for partition, offset in offsets.items()])
        found: dict[TopicPartition, float] = {}
        answered: set[TopicPartition] = set()
        deadline = time.monotonic() + patience
        while len(answered) < len(offsets) and time.monotonic() < deadline:
            message = consumer.poll(_POLL)
            if message is None:
                continue
            partition = TopicPartition(message.topic() or "", message.partition() or 0)
            if partition not in offsets or partition in answered:
                continue
            answered.add(partition)
            consumer.pause([to_client(partition)])
            if message.error() is None:
                kind, timestamp = message.timestamp()
                if kind:
                    found[partition] = timestamp / 1000
    except KafkaException:
        return {}
    else:
        return found
    finally:
        consumer.close()


def _configuration(kafka: Kafka) -> dict[str, Any]:
    configuration = {**client.consumer_configuration(kafka), "enable.auto.commit": False, "queued.min.messages": 1}
    configuration.pop("group.instance.id", None)
    return configuration


def _never(_error: object, _partitions: object) -> None:
    """Nothing is committed here."""
