"""A partition that stopped at a record whose schema is not known yet, and what was read of it behind that record."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from bridge.model import Record, TopicPartition
from bridge.pipeline.ports import Arrival, FilteredEarly, Oversized


class NothingIn(NamedTuple):
    """Offsets without a record, in their place among what was read: see `OffsetTracker.nothing_in`."""

    start: int
    stop: int
    leader_epoch: int | None


class SchemaWait:
    """What is kept while it waits, in order. What is not kept is read from Kafka again."""

    __slots__ = ("kept_until", "needs", "offset", "parts", "records", "since", "size", "timestamp_ms", "unread")

    def __init__(self) -> None:
        self.needs: str | None = None
        """The schema it waits for; None: that was looked up, and what is kept is taken in."""
        self.since = 0.0
        """Monotonic time from which on it waits for this one."""
        self.kept_until = 0.0
        """Monotonic time after which nothing is kept any more."""
        self.offset = -1
        """Of the record that names the schema."""
        self.timestamp_ms: int | None = None
        self.parts: deque[Sequence[Arrival] | NothingIn] = deque()
        self.records = self.size = 0
        """What `parts` hold: records and their bytes."""
        self.unread = False
        """Nothing is kept: the partition is paused, and is read again from its first record that did not arrive."""

    def nothing_in(self, gap: NothingIn) -> None:
        """Nor is there a record at these offsets behind it. What is read again is told of again."""
        if not self.unread:
            self.parts.append(gap)


class AwaitedSchema(NamedTuple):
    """A partition that waits for a schema, as an operator sees it."""

    partition: TopicPartition
    reference: str
    since: float
    """Monotonic seconds."""
    offset: int
    timestamp_ms: int | None
    """Of the record at this offset; None where the broker gave none."""


def weight(records: Sequence[Arrival]) -> int:
    """Bytes that these hold."""
    size = 0
    for record in records:
        if type(record) is Record:
            size += record.size
        elif isinstance(record, Oversized):
            size += record.record.size
    return size


def place(arrival: Arrival) -> tuple[int, int | None]:
    """Offset and timestamp of a record that is waited at."""
    if isinstance(arrival, FilteredEarly):
        return arrival.last, None
    record = arrival.record if isinstance(arrival, Oversized) else arrival
    return record.offset, record.timestamp_ms
