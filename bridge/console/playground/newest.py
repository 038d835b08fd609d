"""The newest record of a topic, read without joining a group."""

from __future__ import annotations

import logging

from bridge.config.sections import Kafka
from bridge.errors import Unreachable
from bridge.kafka.admin import sampler
from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError
from bridge.model import Record, TopicPartition

_PATIENCE = 5.0


def newest(kafka: Kafka, topic: str, logger: logging.Logger) -> Record | None:
    """By its timestamp, of all partitions; None where there is none. Blocks. Raises `Unreachable`, `Misuse`."""
    inspection = Inspection(kafka, logger, patience=_PATIENCE)
    try:
        count = inspection.connect().topics.get(topic, 0)
    except NotConnectedError as error:
        raise Unreachable(f"Cannot connect to any broker in {kafka.bootstrap_servers}: {error}.") from error
    logs = inspection.logs([TopicPartition(topic, number) for number in range(count)])
    wanted = sampler.shares(logs, max(1, len(logs)), sampler.End.NEWEST)
    found = list(sampler.read(kafka, wanted, logger)) if wanted else []
    return max(found, key=lambda record: record.timestamp_ms or 0, default=None)
