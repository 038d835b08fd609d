"""Ranges of offsets, read to their end or not at all."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from bridge.config.sections import Kafka
from bridge.kafka.admin.history_reader import HistoryReader, HistoryUnreadableError, OversizedRecord
from bridge.model import Record, TopicPartition
from bridge.sandbox.broker import EmbeddedKafka

HERE = TopicPartition("history", 0)
QUIET = logging.getLogger("quiet")


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    """Ten records, of which the fourth is large."""
    with EmbeddedKafka({"history": 1}) as cluster:
        producer = Producer({"bootstrap.servers": cluster.bootstrap, "log_level": 0})
        for number in range(10):
            producer.produce("history", value=b"x" * (5_000 if number == 3 else 5), partition=0)
        assert producer.flush(10) == 0
        yield cluster


def section(kafka: EmbeddedKafka, **keys: object) -> Kafka:
    return Kafka.model_validate(
        {"bootstrap_servers": kafka.bootstrap, "group_id": "test", "topics": ["history"], **keys}
    )


def offsets(reader: HistoryReader, start: int, end: int) -> list[int]:
    return [
        each.record.offset if isinstance(each, OversizedRecord) else each.offset
        for batch in reader.read(HERE, start, end)
        for each in batch
    ]


def test_ranges_are_read_one_after_the_other_without_their_ends(kafka: EmbeddedKafka) -> None:
    with HistoryReader(section(kafka), QUIET) as reader:
        assert offsets(reader, 2, 5) == [2, 3, 4]
        assert offsets(reader, 0, 10) == list(range(10))
        assert offsets(reader, 4, 4) == []


def test_a_log_that_ends_below_the_range_is_no_end_of_the_range(kafka: EmbeddedKafka) -> None:
    """So it seems while one broker takes over from another: what is not told yet must not count as read."""
    found: list[int] = []
    with HistoryReader(section(kafka), QUIET, silence=1.0) as reader:
        batches = reader.read(HERE, 0, 15)
        while len(found) < 10:
            found += [each.offset for each in next(batches) if isinstance(each, Record)]
        with pytest.raises(HistoryUnreadableError, match="No record of history/0 came within 1 s"):
            next(batches)

    assert found == list(range(10))


def test_a_record_that_is_too_large_is_handed_out_without_its_value(kafka: EmbeddedKafka) -> None:
    with HistoryReader(section(kafka, max_record_bytes="1KB"), QUIET) as reader:
        found = [each for batch in reader.read(HERE, 0, 10) for each in batch]

    large = found[3]
    assert isinstance(large, OversizedRecord)
    assert (large.record.value, large.bytes) == (None, 5_000)
    assert len(found) == 10
