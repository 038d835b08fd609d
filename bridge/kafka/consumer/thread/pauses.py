"""Which partitions the client is paused on, and the one place that tells it.

A pause throws away what the client prefetched of that partition, so it is used seldom.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from confluent_kafka import Consumer

    from bridge.kafka.consumer.thread.partition_state import PartitionState


class Pauses:
    """Keeps the client's pauses equal to the reasons for them."""

    def __init__(self, consumer: Consumer, topics: set[str]) -> None:
        self.stalled = False
        """No slot came free for long: everything is paused."""
        self.stopping = False
        """The process stops: nothing more is taken."""
        self.topics = topics
        """Topics nothing more is taken from, in this and every later assignment."""
        self._consumer = consumer

    def apply(self, entries: Iterable[PartitionState]) -> None:
        """Pause and resume what has to be."""
        to_pause: list[PartitionState] = []
        to_resume: list[PartitionState] = []
        for entry in entries:
            wanted = (
                self.stalled
                or self.stopping
                or entry.held is not None
                or entry.ordered_pause
                or entry.partition.topic in self.topics
            )
            if wanted != entry.paused:
                (to_pause if wanted else to_resume).append(entry)
                entry.paused = wanted
        if to_pause:
            self._consumer.pause([entry.client_partition() for entry in to_pause])
        if to_resume:
            self._consumer.resume([entry.client_partition() for entry in to_resume])

    def forget(self, entries: Iterable[PartitionState]) -> None:
        """A pause outlives revocation and assignment on one client: a new assignment begins by lifting it."""
        self._consumer.resume([entry.client_partition() for entry in entries])
