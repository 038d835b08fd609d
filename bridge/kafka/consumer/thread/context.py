"""What every part of the poll thread works with."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging

    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

    from bridge.config.sections import Kafka
    from bridge.counts import SourceCounts
    from bridge.kafka.consumer.thread.hand_over import FirstFailure, HandOver
    from bridge.kafka.consumer.thread.partition_state import PartitionTable, Pauses


@dataclass(frozen=True, slots=True)
class ConsumerContext:
    """One Kafka client and its surroundings. Each part takes what it uses, and nothing here is ever replaced."""

    kafka: Kafka
    """The configuration."""
    consumer: Consumer
    incremental: bool
    """Whether partitions come and go one by one; or all are taken and assigned again (an eager assignor)."""
    committed_only: bool
    """Whether records of open and aborted transactions are left out (`isolation.level`)."""
    admin: AdminClient
    partitions: PartitionTable
    pauses: Pauses
    hand_over: HandOver
    counts: SourceCounts
    failure: FirstFailure
    logger: logging.Logger
    clock: Callable[[], float] = time.monotonic
    """Monotonic seconds."""
