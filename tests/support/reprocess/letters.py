"""Dead letters for tests: as values, as records, and in the topic of any broker."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import Producer

from bridge.formats.letter_headers import build
from bridge.model import DeadLetter, FailedStep, Header, LetterReason, Record, Route

GROUP = "bridge"
WRITTEN_MS = 1_767_400_000_000


@dataclass(frozen=True)
class Written:
    """A letter as it is produced."""

    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]
    partition: int

    def record(self, offset: int, topic: str = "letters") -> Record:
        """As a reader gets it."""
        return Record(topic, self.partition, offset, WRITTEN_MS + offset, self.key, self.value, self.headers)


def value_of(user: str, number: int = 0, kind: str = "order.completed", **data: object) -> bytes:
    """The value of a record that the tests' mappings know."""
    return json.dumps({"type": kind, "data": {"user": user, "n": number, **data}}).encode()


def letter(
    offset: int = 0,
    *,
    topic: str = "orders",
    partition: int = 0,
    reason: LetterReason = LetterReason.REJECTED,
    value: bytes | None = None,
    user: str = "u-1",
    key: bytes | None = b"k",
    headers: Sequence[Header] = (),
    group: str = GROUP,
    output: int = 0,
    route: Route | None = None,
    status: int | None = 400,
    message: str = "the API said no",
    request: bytes | None = None,
    timestamp_ms: int = 1_767_323_045_000,
    partitions: int = 4,
    element: int | None = None,
    kind: str = "track",
    step: FailedStep | None = None,
    trace: str | None = None,
) -> Written:
    """One of the bridge's own."""
    content = value_of(user, offset) if value is None else value
    record = Record(topic, partition, offset, timestamp_ms + offset, key, content, headers)
    made = DeadLetter(
        *(record, reason, message, output, route, status, "invalid_event", request, 1),
        element=element,
        kind=kind,
        step=step,
        trace=trace,
    )
    return Written(key, content, build(made, group), partition % partitions)


def spring(offset: int, *, topic: str = "orders", partition: int = 0, value: bytes | None = None) -> Written:
    """One of Spring's: numbers are big-endian binary."""
    headers: list[Header] = [
        ("mine", b"kept"),
        ("kafka_dlt-original-topic", topic.encode()),
        ("kafka_dlt-original-partition", struct.pack(">i", partition)),
        ("kafka_dlt-original-offset", struct.pack(">q", offset)),
        ("kafka_dlt-original-timestamp", struct.pack(">q", 1_767_323_045_000)),
        ("kafka_dlt-original-consumer-group", b"billing"),
        ("kafka_dlt-exception-fqcn", b"java.lang.IllegalStateException"),
        ("kafka_dlt-exception-message", b"no such account"),
    ]
    return Written(b"k", value_of("u-spring", offset) if value is None else value, headers, 0)


def connect(offset: int, *, topic: str = "orders", partition: int = 0, value: bytes | None = None) -> Written:
    """One of Kafka Connect's: everything is text."""
    headers: list[Header] = [
        ("__connect.errors.topic", topic.encode()),
        ("__connect.errors.partition", str(partition).encode()),
        ("__connect.errors.offset", str(offset).encode()),
        ("__connect.errors.connector.name", b"sink"),
        ("__connect.errors.exception.class.name", b"org.apache.kafka.connect.errors.DataException"),
        ("__connect.errors.exception.message", b"cannot convert"),
    ]
    return Written(b"k", value_of("u-connect", offset) if value is None else value, headers, 0)


def foreign() -> Written:
    """One that nobody labelled."""
    return Written(b"k", b"anything", [("trace", b"1")], 0)


def produce(bootstrap: str, topic: str, letters: Iterable[Written]) -> None:
    """Write them, and return when the broker has them."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "log_level": 0})
    for each in letters:
        while True:
            try:
                producer.produce(topic, each.value, each.key, partition=each.partition, headers=list(each.headers))
            except BufferError:
                producer.poll(0.05)
            else:
                break
        producer.poll(0)
    assert producer.flush(60) == 0
