from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.holds import GATES, PARTITION_HOLDS, Reason
from bridge.model import TopicPartition
from bridge.ops.metrics.partitions import scaling_backlog
from bridge.ops.snapshot import ClosedGate, OldestOpen, PartitionHold, TopicHold

if TYPE_CHECKING:
    from bridge.ops.snapshot import PartitionView, Snapshot

LAG = 60


def test_what_waits_only_for_somebody_to_send_it_counts(busy: Snapshot, partition: PartitionView) -> None:
    other = replace(partition, partition=TopicPartition("shop.accounts", 0), end=105)

    assert scaling_backlog(busy) == LAG
    assert scaling_backlog(replace(busy, partitions=(partition, other))) == LAG + 5


@pytest.mark.parametrize("gate", GATES)
def test_no_replica_is_called_for_what_would_stop_it_as_well(gate: Reason, busy: Snapshot) -> None:
    assert scaling_backlog(replace(busy, blocks=(ClosedGate(gate, busy.at - 1),))) == 0


@pytest.mark.parametrize("why", PARTITION_HOLDS)
def test_a_held_partition_calls_for_no_replica_and_another_still_does(
    why: Reason, busy: Snapshot, partition: PartitionView
) -> None:
    held = replace(partition, hold=PartitionHold(why, busy.at - 5, "Only this one."))
    if why is Reason.TRANSACTION_HANGING:
        held = replace(held, open_records=0, oldest=None)  # what came before it is sent, and counts
    other = replace(partition, partition=TopicPartition("shop.orders", 4))

    assert scaling_backlog(replace(busy, partitions=(held,))) == 0
    assert scaling_backlog(replace(busy, partitions=(held, other))) == LAG


def test_a_held_topic_calls_for_no_replica(busy: Snapshot) -> None:
    assert scaling_backlog(replace(busy, held_topics=(TopicHold("shop.orders", busy.at - 7, "100 in a row."),))) == 0


def test_a_record_whose_retry_is_not_due_calls_for_no_replica(busy: Snapshot, partition: PartitionView) -> None:
    parked = OldestOpen(100, since=busy.at - 60, attempts=3, retry_at=busy.at + 8)

    assert scaling_backlog(replace(busy, partitions=(replace(partition, in_flight=0, oldest=parked),))) == 0


def test_a_partition_being_given_up_calls_for_no_replica(busy: Snapshot, partition: PartitionView) -> None:
    assert scaling_backlog(replace(busy, partitions=(replace(partition, draining=True),))) == 0


def test_an_unknown_lag_adds_nothing(busy: Snapshot, partition: PartitionView) -> None:
    assert scaling_backlog(replace(busy, partitions=(replace(partition, end=None), partition))) == LAG


def test_a_process_without_partitions_has_no_backlog(quiet: Snapshot) -> None:
    assert scaling_backlog(quiet) == 0
