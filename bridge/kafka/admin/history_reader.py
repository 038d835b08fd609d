"""Reads ranges of offsets, one after the other, as fast as there is room: no group is joined, nothing is committed.

Committed records only, by partitions that are assigned by hand. What a range does not hold (a transaction's marks,
aborted records, what compaction removed) is passed over.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from confluent_kafka import OFFSET_INVALID, KafkaError, KafkaException

from bridge.errors import Signal, Unreachable
from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.partitions import to_client
from bridge.kafka.record_headers import headers_of_all
from bridge.model import Record, TopicPartition
from bridge.text.amounts import span

if TYPE_CHECKING:
    import logging
    from types import TracebackType

    from confluent_kafka import Message

    from bridge.config.sections import Kafka

_BATCH: Final = 2_000
_POLL: Final = 0.25
SILENCE: Final = 60.0
"""Seconds without an answer after which the brokers are taken to be gone: what was written is kept."""
_FETCHING: Final = {
    # One partition is read at a time, and it is all that is read.
    "fetch.message.max.bytes": 4 << 20,
    "fetch.max.bytes": 8 << 20,
    "queued.min.messages": 20_000,
    "queued.max.messages.kbytes": 16_384,
}
_READ_COMMITTED: Final = {"isolation.level": "read_committed", "enable.auto.commit": False}


class HistoryUnreadableError(Unreachable):
    """The records could not be read to the end; the message is one sentence."""


class OffsetGoneError(Signal):
    """The next offset is not in the log."""


class OversizedRecord(NamedTuple):
    """A record of more than `kafka.max_record_bytes`, without its value."""

    record: Record
    bytes: int


class HistoryReader:
    """One consumer that reads one range at a time."""

    def __init__(
        self,
        kafka: Kafka,
        logger: logging.Logger,
        clock: Callable[[], float] = time.monotonic,
        *,
        silence: float = SILENCE,
    ) -> None:
        """Raises as `client.open_consumer` does."""
        configuration = {**client.consumer_configuration(kafka), **_FETCHING, **_READ_COMMITTED}
        configuration.pop("group.instance.id", None)
        self._log = ClientLog(logger)
        self._largest = kafka.max_record_bytes
        self._clock = clock
        self._silence = silence
        self._consumer = client.open_consumer(configuration, self._log, on_commit=_never)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._consumer.close()

    def read(self, partition: TopicPartition, start: int, end: int) -> Iterator[list[Record | OversizedRecord]]:
        """The committed records from `start` on, below `end`, in batches.

        Raises `HistoryUnreadableError`, and `OffsetGoneError` where the log begins above `start`, or ends below it.
        """
        if start >= end:
            return
        self._consumer.assign([to_client(partition, start)])
        heard = self._clock()
        at, is_over = start, False
        while not is_over:
            messages = self._consumer.consume(_BATCH, _POLL)
            if messages:
                heard = self._clock()
            elif self._clock() - heard > self._silence:
                raise HistoryUnreadableError(self._unheard(partition))
            records, is_over = self._taken(partition, messages, end)
            if records:
                last = records[-1]
                at = (last.record if isinstance(last, OversizedRecord) else last).offset + 1
                yield records
            is_over = is_over or at >= end or self._position(partition) >= end
        self._consumer.unassign()

    def _taken(
        self, partition: TopicPartition, messages: list[Message[Any, Any]], end: int
    ) -> tuple[list[Record | OversizedRecord], bool]:
        topic, number = partition
        records: list[Record | OversizedRecord] = []
        for message, headers in zip(messages, headers_of_all(messages), strict=True):
            error = message.error()
            if error is not None:
                # The end that brokers tell of may be below that of a moment ago, while one takes over from another.
                if self._is_end(partition, error) and (message.offset() or 0) >= end:
                    return records, True
                continue
            offset = message.offset()
            if offset is None or message.partition() != number or message.topic() != topic:
                continue
            if offset >= end:
                return records, True
            kind, timestamp = message.timestamp()
            stamp = timestamp if kind else None
            record = Record(topic, number, offset, stamp, message.key(), message.value(), headers or ())
            size = record.size
            if size > self._largest:
                records.append(OversizedRecord(record._replace(value=None), size))
            else:
                records.append(record)
        return records, False

    def _is_end(self, partition: TopicPartition, error: KafkaError) -> bool:
        """Whether it says that nothing is behind what was read. Raises for what cannot be gone on from."""
        code = error.code()
        if code == KafkaError._PARTITION_EOF:  # noqa: SLF001  # the library's public name for a local code
            return True
        if code in (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE):  # noqa: SLF001  # as above
            raise OffsetGoneError
        if error.retriable() or code in (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):  # noqa: SLF001  # as above
            return False  # the client tries again; how long it may, `silence` says
        raise HistoryUnreadableError(f"{partition} cannot be read: {error.str()}.")

    def _position(self, partition: TopicPartition) -> int:
        """The last offsets of a range may hold no record: the client passes over them without a message."""
        try:
            found = self._consumer.position([to_client(partition)])[0].offset
        except KafkaException:
            return OFFSET_INVALID
        return found

    def _unheard(self, partition: TopicPartition) -> str:
        cause = f": {self._log.last_error.str()}" if self._log.last_error is not None else ""
        return f"No record of {partition} came within {span(self._silence)}{cause}."


def _never(_error: object, _partitions: object) -> None:
    """Nothing is committed here."""
