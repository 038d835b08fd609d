from __future__ import annotations

from typing import Any

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, KafkaError

from bridge.kafka.batching import sort
from bridge.kafka.table import Assigned, Table
from bridge.model import Record, TopicPartition
from bridge.pipeline.offsets import OffsetTracker


class Delivered:
    """A message as the client hands it out; its own class can be made by the client only."""

    def __init__(self, topic: str, partition: int, offset: int, **more: Any) -> None:
        self._is = {"topic": topic, "partition": partition, "offset": offset, "value": b"v", **more}

    def topic(self) -> Any:
        return "".join(self._is["topic"])

    def partition(self) -> Any:
        return self._is["partition"]

    def offset(self) -> Any:
        return self._is["offset"]

    def key(self) -> Any:
        return self._is.get("key")

    def value(self) -> Any:
        return self._is["value"]

    def headers(self) -> Any:
        return self._is.get("headers")

    def timestamp(self) -> Any:
        return self._is.get("timestamp", (TIMESTAMP_CREATE_TIME, 5))

    def leader_epoch(self) -> Any:
        return self._is.get("epoch")

    def error(self) -> Any:
        return self._is.get("error")


def table(*names: tuple[str, int]) -> Table:
    made = Table()
    for topic, partition in names:
        entry = Assigned(TopicPartition(topic, partition))
        entry.tracker = OffsetTracker(entry.partition, 0)
        made.add(entry)
    return made


def sorted_(messages: list[Delivered], partitions: Table) -> Any:
    given: Any = messages
    return sort(given, partitions)


def test_records_are_grouped_by_the_tracker_of_their_partition_in_order() -> None:
    partitions = table(("a", 0), ("a", 1), ("b", 0))
    messages = [Delivered("a", 0, 1), Delivered("b", 0, 7), Delivered("a", 1, 4), Delivered("a", 0, 2)]
    found = sorted_(messages, partitions)
    assert [(str(batch.tracker.partition), [r.offset for r in batch.records]) for batch in found.batches] == [
        ("a/0", [1, 2]),
        ("b/0", [7]),
        ("a/1", [4]),
    ]
    assert (found.records, found.bytes) == (4, 4)


def test_a_record_is_what_the_client_delivered_and_its_size_counts_everything() -> None:
    headers = [("h", b"xy"), ("n", None)]
    message = Delivered("a", 0, 9, key=b"key", value=b"value", headers=headers, timestamp=(TIMESTAMP_CREATE_TIME, 77))
    (batch,) = sorted_([message], table(("a", 0))).batches
    assert batch.records == [Record("a", 0, 9, 77, b"key", b"value", headers)]
    assert isinstance(batch.records[0], Record)
    assert batch.size == batch.records[0].size == 12


def test_absent_headers_and_timestamps_are_told_from_empty_ones() -> None:
    message = Delivered("a", 0, 0, value=None, timestamp=(TIMESTAMP_NOT_AVAILABLE, 0))
    (batch,) = sorted_([message], table(("a", 0))).batches
    assert batch.records == [Record("a", 0, 0, None, None, None, ())]
    assert batch.size == 0


def test_records_of_partitions_that_are_gone_or_held_are_dropped_and_counted() -> None:
    partitions = table(("a", 0))
    partitions.add(Assigned(TopicPartition("a", 1)))
    found = sorted_([Delivered("a", 1, 0), Delivered("gone", 0, 0), Delivered("a", 0, 0)], partitions)
    assert found.dropped == 2
    assert found.records == 1


def test_errors_come_apart_from_records() -> None:
    failed = Delivered("a", 0, 0, error=KafkaError(KafkaError._MAX_POLL_EXCEEDED))
    found = sorted_([failed, Delivered("a", 0, 1)], table(("a", 0)))
    assert found.errors == [failed]
    assert found.records == 1


def test_the_batch_carries_the_epoch_of_its_last_record_and_the_next_round_begins_empty() -> None:
    partitions = table(("a", 0))
    (batch,) = sorted_([Delivered("a", 0, 1, epoch=3), Delivered("a", 0, 2, epoch=4)], partitions).batches
    assert batch.leader_epoch == 4
    (following,) = sorted_([Delivered("a", 0, 3)], partitions).batches
    assert [record.offset for record in following.records] == [3]


def test_all_records_of_a_topic_share_one_text() -> None:
    (batch,) = sorted_([Delivered("topic", 0, 1), Delivered("topic", 0, 2)], table(("topic", 0))).batches
    assert batch.records[0].topic is batch.records[1].topic
