from __future__ import annotations

from typing import Any

from confluent_kafka import TIMESTAMP_CREATE_TIME, TIMESTAMP_NOT_AVAILABLE, KafkaError

from bridge.formats.offset_map import Demand, Head, decode
from bridge.kafka.consumer.batching import sort
from bridge.kafka.consumer.thread.partition_state import PartitionState, PartitionTable
from bridge.mapping.early_filters import EarlyFilter, HeaderFilter, LeadingTypeFilter
from bridge.model import Filtered, FilterReason, Record, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import FilteredEarly, Oversized


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


def table(*names: tuple[str, int]) -> PartitionTable:
    made = PartitionTable()
    for topic, partition in names:
        entry = PartitionState(TopicPartition(topic, partition))
        entry.tracker = OffsetTracker(entry.partition, 0)
        made.add(entry)
    return made


def sorted_(
    messages: list[Delivered],
    partitions: PartitionTable,
    early_filter: EarlyFilter | None = None,
    largest: int = 1000,
) -> Any:
    given: Any = messages
    return sort(given, partitions, lambda topic: early_filter if topic == "a" else None, largest)


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
    partitions.add(PartitionState(TopicPartition("a", 1)))
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


AUDIT = (Filtered(FilterReason.UNMAPPED, event_type="audit"),)
PING = (Filtered(FilterReason.UNMAPPED, event_type="ping"),)
BY_TYPE = HeaderFilter("type", {b"audit": AUDIT, b"ping": PING})


def typed(offset: int, *types: bytes | None, topic: str = "a", **more: Any) -> Delivered:
    return Delivered(topic, 0, offset, headers=[("trace", b"audit"), *(("type", each) for each in types)], **more)


def told(found: Any) -> list[Any]:
    return [
        (arrival.outcomes, arrival.records, arrival.last) if isinstance(arrival, FilteredEarly) else arrival.offset
        for batch in found.batches
        for arrival in batch.records
    ]


def test_of_neighbours_that_a_header_says_are_filtered_only_the_number_and_the_last_offset_are_kept() -> None:
    messages = [typed(3, b"audit"), typed(5, b"audit"), typed(6, b"order"), typed(7, b"audit"), typed(8, b"ping")]
    partitions = table(("a", 0))
    found = sorted_(messages, partitions, BY_TYPE)
    assert told(found) == [(AUDIT, 2, 5), 6, (AUDIT, 1, 7), (PING, 1, 8)]
    assert found.records == 5
    assert partitions.by_topic["a"][0].next_offset == 9
    assert sorted_([typed(9, b"order")], partitions, BY_TYPE).records == 1, "the next round counts from nothing"


def test_what_is_filtered_by_header_counts_for_how_large_records_are_and_so_for_how_many_are_taken_next() -> None:
    large = [typed(offset, b"audit", value=b"x" * 1000) for offset in range(3)]
    assert sorted_(large, table(("a", 0)), BY_TYPE).bytes == 3000


def test_the_last_header_of_its_name_decides_and_a_record_without_it_is_never_filtered_by_header() -> None:
    messages = [typed(0, b"order", b"audit"), typed(1, b"audit", b"order"), typed(2, None), typed(3)]
    assert told(sorted_(messages, table(("a", 0)), BY_TYPE)) == [(AUDIT, 1, 0), 1, 2, 3]


def test_a_tombstone_and_a_record_of_another_topic_are_not_filtered_by_header() -> None:
    messages = [typed(0, b"audit", value=None), typed(0, b"audit", topic="b")]
    assert told(sorted_(messages, table(("a", 0), ("b", 0)), BY_TYPE)) == [0, 0]


def test_what_an_earlier_assignment_may_have_completed_is_left_to_the_pipeline() -> None:
    before = OffsetTracker[str](TopicPartition("a", 0), 0)
    for offset in range(3):
        before.arrived(offset, "")
    before.completed(1)
    text = before.position(Demand(0, 0), Head(), 3000).metadata
    partitions = table()
    entry = PartitionState(TopicPartition("a", 0))
    entry.tracker = OffsetTracker(entry.partition, 0, restored=decode(text))
    partitions.add(entry)
    assert told(sorted_([typed(n, b"audit") for n in range(4)], partitions, BY_TYPE)) == [0, 1, (AUDIT, 2, 3)]


def test_a_record_over_the_limit_keeps_everything_but_its_value_and_the_others_are_untouched() -> None:
    headers = [("h", b"xy")]
    messages = [
        Delivered("a", 0, 7, value=b"v" * 10),
        Delivered("a", 0, 8, key=b"key", value=b"v" * 100, headers=headers, timestamp=(TIMESTAMP_CREATE_TIME, 77)),
        Delivered("a", 0, 9, value=b"v" * 10),
    ]
    found = sorted_(messages, table(("a", 0)), largest=50)
    (batch,) = found.batches
    before, large, after = batch.records
    assert large == Oversized(Record("a", 0, 8, 77, b"key", None, headers), 100, 50)
    assert [before.value, after.value] == [b"v" * 10] * 2
    assert found.bytes == batch.size == before.size + after.size + large.record.size
    assert found.records == 3


def test_key_and_headers_count_for_the_limit_as_the_value_does() -> None:
    message = Delivered("a", 0, 0, key=b"k" * 60, value=b"v", timestamp=(TIMESTAMP_NOT_AVAILABLE, 0))
    (batch,) = sorted_([message], table(("a", 0)), largest=50).batches
    assert batch.records == [Oversized(Record("a", 0, 0, None, b"k" * 60, None, ()), 1, 50)]


def test_a_record_over_the_limit_that_a_header_filters_is_filtered() -> None:
    header_filter = HeaderFilter("type", {b"audit": AUDIT})
    message = Delivered("a", 0, 0, value=b"v" * 100, headers=[("type", b"audit")])
    (batch,) = sorted_([message], table(("a", 0)), header_filter, largest=50).batches
    assert isinstance(batch.records[0], FilteredEarly)


def test_the_next_offset_is_behind_a_record_over_the_limit() -> None:
    partitions = table(("a", 0))
    sorted_([Delivered("a", 0, 4, value=b"v" * 100)], partitions, largest=50)
    (entry,) = partitions
    assert entry.next_offset == 5


def test_neighbours_whose_first_member_filters_them_are_one_entry_and_no_records() -> None:
    by_value = LeadingTypeFilter("type", in_headers=True)
    by_value.learn(b'{"type":"audit","id":0}', "audit", AUDIT)
    values = [b'{"type":"audit","id":1}', b'{"type":"audit","id":2}', b'{"type":"order","id":3}', None, b""]
    messages = [Delivered("a", 0, offset, value=value) for offset, value in enumerate(values)]
    found = sorted_(messages, table(("a", 0)), by_value)
    assert told(found) == [(AUDIT, 2, 1), 2, 3, 4]
    assert found.records == 5


def test_a_record_without_a_value_is_left_to_the_mapping_which_may_forget_its_user() -> None:
    everything = HeaderFilter("type", {b"audit": (Filtered(FilterReason.RULE),)})
    messages = [
        Delivered("a", 0, at, key=b"u-1", value=value, headers=[("type", b"audit")])
        for at, value in enumerate([None, b"", b"v"])
    ]
    (batch,) = sorted_(messages, table(("a", 0)), everything).batches
    assert [isinstance(each, Record) for each in batch.records] == [True, True, False]
