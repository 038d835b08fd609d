"""Puts sample records into topics and reads dead letters back, for the demo and the self-test."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from bridge.kafka.record_headers import headers_of
from bridge.sandbox.producer import open_producer
from bridge.sandbox.sample import SampleRecord


@dataclass(frozen=True, slots=True)
class StoredLetter:
    """A dead letter as it stands in its topic."""

    key: bytes | None
    value: bytes | None
    headers: dict[str, str]
    """Those the bridge added, without their common prefix."""


def produce(bootstrap: str, records: Iterable[SampleRecord]) -> int:
    """Write the records, keyed, and wait until the broker has them; returns how many."""
    producer = open_producer({"bootstrap.servers": bootstrap})
    failed: list[str] = []
    count = 0
    for record in records:
        producer.produce(
            record.topic,
            value=record.value,
            key=record.key,
            on_delivery=lambda error, _message: failed.append(str(error)) if error else None,
        )
        count += 1
        producer.poll(0)
    left = producer.flush(30.0)
    if left or failed:
        raise RuntimeError(f"{left + len(failed)} sample records could not be written: {failed[:1] or 'no answer'}")
    return count


def read_letters(bootstrap: str, topic: str, *, prefix: str, timeout: float = 10.0) -> Sequence[StoredLetter]:
    """Every letter of the topic, from the beginning to its present end, without joining any group."""
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "letters-are-only-read", "enable.auto.commit": False}
    )
    try:
        described = consumer.list_topics(topic, timeout=timeout).topics[topic]
        ends = {}
        for partition in described.partitions:
            place = TopicPartition(topic, partition, OFFSET_BEGINNING)
            low, high = consumer.get_watermark_offsets(place, timeout=timeout)
            if high > low:
                ends[partition] = high
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in ends])
        return _read(consumer, ends, prefix, time.monotonic() + timeout)
    finally:
        consumer.close()


def _read(consumer: Consumer, ends: dict[int, int], prefix: str, deadline: float) -> list[StoredLetter]:
    letters: list[StoredLetter] = []
    while ends and time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error() is not None:
            continue
        pairs = headers_of(message)
        headers = {
            name.removeprefix(prefix): (value or b"").decode("utf-8", "replace")
            for name, value in pairs
            if name.startswith(prefix)
        }
        letters.append(StoredLetter(message.key(), message.value(), headers))
        partition, offset = message.partition(), message.offset()
        if partition is not None and offset is not None and offset + 1 >= ends.get(partition, 0):
            ends.pop(partition, None)
    return letters
