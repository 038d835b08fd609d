"""Whether what was planned is still in Kafka when it is written."""

from __future__ import annotations

from bridge.backfill.manifest import Manifest, PlannedRange
from bridge.backfill.planning.presence import present
from bridge.model import LogRange, TopicPartition

HERE = TopicPartition("shop.orders", 0)


def planned(**changes: int) -> PlannedRange:
    return PlannedRange("shop.orders", 0, 10, 50, "all of it", **changes)


def test_a_range_that_is_in_the_log_is_as_it_was() -> None:
    found = present([planned()], {HERE: LogRange(5, 60)})

    assert (found.ranges, found.gone, found.sentences, found.truncated) == ((planned(),), 0, (), ())


def test_what_left_the_log_is_counted_and_passed_over() -> None:
    found = present([planned(next=20)], {HERE: LogRange(30, 60)})

    assert found.gone == 10
    assert found.ranges == (planned(next=30, gone=10),)
    assert "the log begins at 30 by now, so 10 planned offsets from 20 on are gone" in found.sentences[0]


def test_a_range_that_is_gone_altogether_is_done() -> None:
    found = present([planned()], {HERE: LogRange(90, 99)})

    assert found.ranges[0].is_done
    assert found.gone == 40


def test_what_is_written_may_be_gone() -> None:
    assert present([planned(next=50)], {}).gone == 0


def test_a_log_that_ends_below_the_range_is_another_one() -> None:
    assert "the log ends at 40, and the range at 50" in present([planned()], {HERE: LogRange(0, 40)}).truncated[0]


def test_a_manifest_counts_how_far_it_is(manifest: Manifest) -> None:
    assert (manifest.offsets, manifest.offsets_written) == (30, 0)
