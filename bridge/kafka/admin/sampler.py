"""Reads some records without anybody noticing: no group is joined, nothing is committed."""

from __future__ import annotations

import enum
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from confluent_kafka import KafkaError, KafkaException

from bridge.errors import Unreachable
from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.partitions import from_client, to_client
from bridge.kafka.record_headers import headers_of
from bridge.model import LogRange, Record, TopicPartition
from bridge.text.amounts import span

if TYPE_CHECKING:
    import logging

    from confluent_kafka import Consumer, Message

    from bridge.config.sections import Kafka

_BATCH: Final = 500
_POLL: Final = 0.25
SILENCE: Final = 15.0
"""Seconds without any record after which the brokers are taken to be gone."""
PATIENCE: Final = 5.0
"""Seconds that one record of each partition may take, all together."""


class End(enum.Enum):
    """Which end of a log to read at."""

    OLDEST = "oldest"
    NEWEST = "newest"


class UnreadableTopicError(Unreachable):
    """The records could not be read (to the end); the message is one sentence."""


def shares(logs: Mapping[TopicPartition, LogRange], limit: int, end: End) -> dict[TopicPartition, range]:
    """Which offsets to read so that `limit` of them come from all partitions alike; what one lacks others give."""
    shared: dict[TopicPartition, range] = {}
    left = limit
    by_length = sorted(logs.items(), key=lambda item: item[1].end - item[1].first)
    for place, (partition, log) in enumerate(by_length):
        fair = -(-left // (len(by_length) - place))
        count = min(fair, log.end - log.first)
        left -= count
        if count > 0:
            first = log.first if end is End.OLDEST else log.end - count
            shared[partition] = range(first, first + count)
    return dict(sorted(shared.items()))


def read(
    kafka: Kafka,
    wanted: Mapping[TopicPartition, range],
    logger: logging.Logger,
    clock: Callable[[], float] = time.monotonic,
    *,
    silence: float = SILENCE,
    uncommitted: bool = False,
) -> Iterator[Record]:
    """The records at these offsets, partition by partition in order; fewer where compaction or transactions left gaps.

    With `uncommitted` also those of transactions that are open or were aborted, which no bridge is given.

    Raises `UnreadableTopicError` where the brokers refuse or are silent for `silence` seconds, `ClientRefusedError`
    for a bad property.
    """
    open_ends = {partition: offsets.stop for partition, offsets in wanted.items()}
    if not open_ends:
        return
    log = ClientLog(logger)
    consumer = _opened(kafka, log, {"isolation.level": "read_uncommitted"} if uncommitted else None)
    try:
        consumer.assign([to_client(partition, offsets.start) for partition, offsets in wanted.items()])
        heard = clock()
        while open_ends:
            messages = consumer.consume(_BATCH, _POLL)
            if messages:
                heard = clock()
            elif clock() - heard > silence:
                raise UnreadableTopicError(_silence(log, open_ends, silence))
            for message in messages:
                yield from _taken(message, open_ends)
            _close_passed(consumer, open_ends)
    finally:
        consumer.close()


def written_at(
    kafka: Kafka, offsets: Mapping[TopicPartition, int], logger: logging.Logger
) -> dict[TopicPartition, float]:
    """The timestamp (Unix seconds) of the first record at or after each offset: how old is what waits there?

    One record of each partition is read. Those that do not answer in time are left out.
    """
    consumer = _opened(kafka, ClientLog(logger), {"queued.min.messages": 1})
    found: dict[TopicPartition, float] = {}
    answered: set[TopicPartition] = set()
    try:
        consumer.assign([to_client(partition, offset) for partition, offset in offsets.items()])
        deadline = time.monotonic() + PATIENCE
        while len(answered) < len(offsets) and time.monotonic() < deadline:
            message = consumer.poll(_POLL)
            if message is None or (partition := _partition_of(message)) not in offsets or partition in answered:
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


def _opened(kafka: Kafka, log: ClientLog, more: Mapping[str, Any] | None = None) -> Consumer:
    """The service's own, so that what is read here is what it would read, without anything that writes."""
    configuration = {**client.consumer_configuration(kafka), "enable.auto.commit": False, **(more or {})}
    configuration.pop("group.instance.id", None)
    return client.open_consumer(configuration, log, on_commit=_never)


def _partition_of(message: Message[Any, Any]) -> TopicPartition:
    return TopicPartition(message.topic() or "", message.partition() or 0)


def _taken(message: Message[Any, Any], open_ends: dict[TopicPartition, int]) -> Iterator[Record]:
    partition = _partition_of(message)
    error = message.error()
    if error is not None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  # the library's public name for a local code
            open_ends.pop(partition, None)
            return
        raise UnreadableTopicError(f"{partition if message.topic() else 'The brokers'} cannot be read: {error.str()}")
    end, offset = open_ends.get(partition), message.offset()
    if end is None or offset is None:
        return
    if offset + 1 >= end:
        del open_ends[partition]
    if offset < end:
        kind, timestamp = message.timestamp()
        yield Record(
            partition.topic,
            partition.partition,
            offset,
            timestamp if kind else None,
            message.key(),
            message.value(),
            headers_of(message),
        )


def _close_passed(consumer: Consumer, open_ends: dict[TopicPartition, int]) -> None:
    """The last offsets of a span may hold no record: a transaction's marker, or what compaction removed."""
    if not open_ends:
        return
    for each in consumer.position(list(map(to_client, open_ends))):
        partition = from_client(each)
        if each.offset >= open_ends[partition]:
            del open_ends[partition]


def _silence(log: ClientLog, open_ends: Mapping[TopicPartition, int], seconds: float) -> str:
    cause = f": {log.last_error.str()}" if log.last_error is not None else ""
    first = next(iter(open_ends))
    return f"No record of {first} came within {span(seconds)}{cause}."


def _never(_error: object, _partitions: object) -> None:
    """Nothing is committed here."""
