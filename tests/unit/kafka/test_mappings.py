from __future__ import annotations

from bridge.formats import offset_map
from bridge.formats.offset_map import Demand, Head
from bridge.kafka.admin.committed import FRESH, Committed, other_mappings
from bridge.model import TopicPartition

NOW = 1_800_000_000.0


def committed(mapping: int | None, *, age: float = 1.0) -> Committed:
    text = offset_map.encode(
        7, [], leader_epoch=1, topic_id="t", demand=Demand(0, int(NOW - age)), head=Head(), max_length=1000
    )
    return Committed(7, text, mapping)


def test_partitions_committed_by_another_mapping_are_told_by_that_mapping() -> None:
    here, there = TopicPartition("orders", 0), TopicPartition("orders", 1)
    found = other_mappings({here: committed(17), there: committed(18), TopicPartition("a", 3): committed(18)}, 17, NOW)
    assert found == {18: (TopicPartition("a", 3), there)}


def test_what_a_replaced_process_committed_is_no_other_mapping() -> None:
    assert other_mappings({TopicPartition("orders", 0): committed(18, age=FRESH + 2)}, 17, NOW) == {}


def test_a_commit_that_says_neither_mapping_nor_time_says_nothing() -> None:
    silent = {TopicPartition("orders", 0): committed(None), TopicPartition("orders", 1): Committed(7, "", 18)}
    assert other_mappings(silent, 17, NOW) == {}
