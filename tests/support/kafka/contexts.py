"""What the parts of a poll thread work with, where a test has only some of it."""

from __future__ import annotations

import logging
from typing import Any

from bridge.config.keys.scalars import StartFrom, StartPoint
from bridge.config.sections import Kafka
from bridge.counts import SourceCounts
from bridge.kafka.consumer.thread.context import ConsumerContext
from bridge.kafka.consumer.thread.hand_over import FirstFailure
from bridge.kafka.consumer.thread.partition_state import PartitionTable, Pauses


def context(client: Any, hand_over: Any = None, **given: Any) -> ConsumerContext:
    """`client` stands for the consumer and the admin client; `given` are fields that are not as they usually are."""
    usual: dict[str, Any] = {
        "kafka": kafka(),
        "consumer": client,
        "incremental": True,
        "committed_only": True,
        "admin": client,
        "partitions": PartitionTable(),
        "pauses": Pauses(client, set()),
        "hand_over": hand_over,
        "counts": SourceCounts(),
        "failure": FirstFailure(),
        "logger": logging.getLogger("tests.kafka"),
    }
    return ConsumerContext(**{**usual, **given})


def kafka(start_from: StartFrom = StartPoint.EARLIEST, **given: Any) -> Kafka:
    """The `kafka` section of a configuration."""
    section = Kafka.model_validate(
        {"bootstrap_servers": "localhost:9092", "group_id": "group", "topics": ["orders"], **given}
    )
    return section.model_copy(update={"start_from": start_from})
