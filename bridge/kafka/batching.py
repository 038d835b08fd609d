"""From the client's messages to records, grouped by partition: the hottest lines of the poll thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from bridge.kafka.consumption import Batch
from bridge.model import Record

if TYPE_CHECKING:
    from confluent_kafka import Message

    from bridge.kafka.table import Assigned, Table
    from bridge.model import Header


class Round(NamedTuple):
    """What one poll brought."""

    batches: list[Batch]
    records: int
    bytes: int
    dropped: int
    """Records of partitions that are not read (any more): their next owner reads them."""
    errors: list[Any]
    """Messages that carry an error instead of a record."""


def sort(messages: Sequence[Message[Any, Any]], table: Table) -> Round:
    """Group the messages by the tracker of the present assignment, each group in the order of its offsets."""
    touched: list[Assigned] = []
    errors: list[Any] = []
    dropped = 0
    by_topic = table.by_topic
    new_tuple = tuple.__new__
    last_topic: str | None = None
    last_partition: int | None = None
    entry: Assigned | None = None
    topic_name = ""
    for message in messages:
        if message.error() is not None:
            errors.append(message)
            continue
        topic, partition = message.topic(), message.partition()
        if partition != last_partition or topic != last_topic:
            entry = by_topic.get(topic or "", {}).get(-1 if partition is None else partition)
            last_topic, last_partition = topic, partition
            if entry is not None and entry.tracker is None:
                entry = None
            if entry is not None:
                topic_name = entry.partition.topic  # one text for all records of the topic
                if not entry.records:
                    touched.append(entry)
        if entry is None:
            dropped += 1
            continue
        key, value, headers = message.key(), message.value(), message.headers()
        kind, timestamp = message.timestamp()
        size = (len(value) if value else 0) + (len(key) if key else 0)
        if headers:
            for name, content in cast("list[Header]", headers):
                size += len(name) + (len(content) if content else 0)
        entry.bytes += size
        entry.records.append(
            new_tuple(
                Record,
                (topic_name, partition, message.offset(), timestamp if kind else None, key, value, headers or ()),
            )
        )
        entry.last = message
    return _close(touched, dropped, errors)


def _close(touched: list[Assigned], dropped: int, errors: list[Any]) -> Round:
    batches = []
    records = size = 0
    for entry in touched:
        taken, entry.records = entry.records, []
        taken_bytes, entry.bytes = entry.bytes, 0
        entry.next_offset = taken[-1].offset + 1
        records += len(taken)
        size += taken_bytes
        last, entry.last = entry.last, None
        if entry.tracker is not None and last is not None:
            batches.append(Batch(entry.tracker, taken, last.leader_epoch(), taken_bytes))
    return Round(batches, records, size, dropped, errors)
