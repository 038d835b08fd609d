"""From the client's messages to records, grouped by partition: the hottest lines of the poll thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from bridge.kafka.consumer.thread.consumption import Batch
from bridge.kafka.record_headers import headers_of_all
from bridge.model import Record
from bridge.pipeline.ports import FilteredEarly, Oversized

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from confluent_kafka import Message

    from bridge.kafka.consumer.thread.partition_state import PartitionState, PartitionTable
    from bridge.mapping.early_filters import EarlyFilter
    from bridge.model import Header

    EarlyFilterOf = Callable[[str], EarlyFilter | None]
    """By the topic's name."""


class Round(NamedTuple):
    """What one poll brought."""

    batches: list[Batch]
    records: int
    bytes: int
    dropped: int
    """Records of partitions that are not read (any more): their next owner reads them."""
    errors: list[Any]
    """Messages that carry an error instead of a record."""


def no_early_filter(_topic: str) -> EarlyFilter | None:
    """Makes a record of everything."""
    return None


def sort(  # noqa: C901 - the hottest loop of this thread: any part of it elsewhere is a call for each record
    messages: Sequence[Message[Any, Any]], partitions: PartitionTable, early_filter_of: EarlyFilterOf, largest: int
) -> Round:
    """Group the messages by the tracker of the present assignment, each group in the order of its offsets.

    Of a record with more than `largest` bytes the value is let go of here.

    Of what a header, or a value's first member, says is filtered no record is made: that costs more than all the rest
    of such a record. Where an earlier assignment may have completed it already, it is left to the pipeline to tell the
    two apart.
    """
    touched: list[PartitionState] = []
    errors: list[Any] = []
    dropped = 0
    by_topic = partitions.by_topic
    new_tuple = tuple.__new__
    last_topic: str | None = None
    last_partition: int | None = None
    entry: PartitionState | None = None
    early_filter: EarlyFilter | None = None
    topic_name = ""
    for message, headers in zip(messages, headers_of_all(messages), strict=True):
        if message.error() is not None:
            errors.append(message)
            continue
        topic, partition = message.topic(), message.partition()
        if partition != last_partition or topic != last_topic:
            if topic != last_topic:
                early_filter = early_filter_of(topic or "")
            entry = _being_read(by_topic, topic, partition)
            last_topic, last_partition = topic, partition
            if entry is not None:
                topic_name = entry.partition.topic  # one text for all records of the topic
                if not entry.records:
                    touched.append(entry)
        if entry is None:
            dropped += 1
            continue
        value = message.value()
        offset: int = message.offset()  # type: ignore[assignment]  # a record has one; a cast would be a call for each
        entry.last = message
        if early_filter is not None and value and _is_filtered(entry, early_filter, headers, value, offset):
            entry.bytes += len(value)  # or few would be judged small that are taken as records next
            continue
        key = message.key()
        kind, timestamp = message.timestamp()
        size = (len(value) if value else 0) + (len(key) if key else 0)
        if headers:
            for name, content in headers:
                size += len(name) + (len(content) if content else 0)
        if size > largest:
            size -= _leave_out(entry, message, headers or (), largest)
        else:
            entry.records.append(
                new_tuple(
                    Record,
                    (topic_name, partition, offset, timestamp if kind else None, key, value, headers or ()),
                )
            )
        entry.bytes += size
    return _close(touched, dropped, errors)


def _being_read(
    by_topic: Mapping[str, Mapping[int, PartitionState]], topic: str | None, partition: int | None
) -> PartitionState | None:
    entry = by_topic.get(topic or "", {}).get(-1 if partition is None else partition)
    return None if entry is None or entry.tracker is None else entry


def _is_filtered(entry: PartitionState, early_filter: EarlyFilter, headers: Any, value: bytes, offset: int) -> bool:
    """Whether the record is filtered as it is, and counted as such."""
    tracker = entry.tracker
    if tracker is None or offset < tracker.restored_until:
        return False
    outcomes = early_filter.outcomes_of(headers, value)
    if outcomes is None:
        return False
    before = entry.records[-1] if entry.records else None
    if isinstance(before, FilteredEarly) and before.outcomes is outcomes:
        before.last = offset
        before.records += 1
        entry.joined += 1
    else:
        entry.records.append(FilteredEarly(outcomes, offset))
    return True


def _leave_out(entry: PartitionState, message: Message[Any, Any], headers: Sequence[Header], largest: int) -> int:
    """Keep all of a record but its value; returns the value's bytes. Nothing else of this process ever sees them."""
    kind, timestamp = message.timestamp()
    topic, partition = entry.partition
    record = Record(topic, partition, message.offset() or 0, timestamp if kind else None, message.key(), None, headers)
    value_bytes = len(message.value() or b"")
    entry.records.append(Oversized(record, value_bytes, largest))
    return value_bytes


def _close(touched: list[PartitionState], dropped: int, errors: list[Any]) -> Round:
    batches = []
    records = size = 0
    for entry in touched:
        taken, entry.records = entry.records, []
        taken_bytes, entry.bytes = entry.bytes, 0
        entry.next_offset = (taken[-1].last if isinstance(taken[-1], FilteredEarly) else taken[-1].offset) + 1
        records += len(taken) + entry.joined
        entry.joined = 0
        size += taken_bytes
        last, entry.last = entry.last, None
        if entry.tracker is not None and last is not None:
            batches.append(Batch(entry.tracker, taken, last.leader_epoch(), taken_bytes))
    return Round(batches, records, size, dropped, errors)
