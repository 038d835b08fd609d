from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from bridge.holds import GATES, PARTITION_HOLDS, REASONS, Reason, shown
from bridge.model import Retried, Retry, TopicPartition
from bridge.ops.hold_reasons import explain
from bridge.ops.snapshot import ClosedGate, OldestOpen, PartitionHold, TopicHold

if TYPE_CHECKING:
    from bridge.ops.snapshot import PartitionView, Snapshot


def closed(snapshot: Snapshot, *gates: Reason) -> Snapshot:
    return replace(snapshot, blocks=tuple(ClosedGate(gate, snapshot.at - 30, f"{gate} it is") for gate in gates))


def test_a_partition_that_nothing_holds_is_sending(busy: Snapshot, partition: PartitionView) -> None:
    found = explain(partition, busy)

    assert (found.why, found.since) == (Reason.SENDING, busy.at - 60)


def test_a_partition_with_nothing_to_do_is_idle_whatever_is_closed(busy: Snapshot, partition: PartitionView) -> None:
    done = replace(partition, position=160, open_records=0, in_flight=0, oldest=None)

    assert explain(done, closed(busy, *GATES)).why is Reason.IDLE


def test_a_lag_behind_nothing_open_is_not_idle(busy: Snapshot, partition: PartitionView) -> None:
    behind = replace(partition, open_records=0, in_flight=0, oldest=None)

    assert explain(behind, busy).why is Reason.SENDING
    assert explain(behind, closed(busy, Reason.OUTAGE)).why is Reason.OUTAGE


@pytest.mark.parametrize("gate", GATES)
def test_every_closed_gate_is_given_as_the_reason_with_its_own_sentence_and_time(
    gate: Reason, busy: Snapshot, partition: PartitionView
) -> None:
    found = explain(partition, closed(busy, gate))

    assert (found.why, found.detail, found.since) == (shown(gate), f"{gate} it is", busy.at - 30)


def test_a_gate_without_a_sentence_is_told_by_its_general_meaning(busy: Snapshot, partition: PartitionView) -> None:
    found = explain(partition, replace(busy, blocks=(ClosedGate(Reason.OUTAGE, busy.at),)))

    assert found.detail == REASONS[Reason.OUTAGE].meaning


def test_of_several_gates_the_one_is_named_that_would_still_hold(busy: Snapshot, partition: PartitionView) -> None:
    assert explain(partition, closed(busy, Reason.RATE_LIMITED, Reason.RETRY_AFTER)).why is Reason.RETRY_AFTER
    assert explain(partition, closed(busy, Reason.RETRY_AFTER, Reason.OUTAGE)).why is Reason.OUTAGE
    assert explain(partition, closed(busy, Reason.OUTAGE, Reason.UNAUTHORIZED)).why is Reason.UNAUTHORIZED


@pytest.mark.parametrize("why", [Reason.OUT_OF_RANGE, Reason.NO_START, Reason.DEAD_LETTERS_UNWRITABLE])
def test_what_holds_the_partition_alone_comes_before_what_holds_everything(
    why: Reason, busy: Snapshot, partition: PartitionView
) -> None:
    held = replace(partition, hold=PartitionHold(why, busy.at - 5, "Only this one."))

    found = explain(held, closed(busy, Reason.UNAUTHORIZED))

    assert (found.why, found.detail, found.since) == (why, "Only this one.", busy.at - 5)
    assert why in PARTITION_HOLDS


def test_a_held_topic_holds_all_its_partitions_and_no_other(busy: Snapshot, partition: PartitionView) -> None:
    held = replace(busy, held_topics=(TopicHold("shop.orders", busy.at - 7, "100 in a row."),))
    other = replace(partition, partition=partition.partition._replace(topic="shop.accounts"))

    assert explain(partition, held).why is Reason.DEAD_LETTER_HOLD
    assert explain(other, held).why is Reason.SENDING


def test_a_partition_being_revoked_is_draining(busy: Snapshot, partition: PartitionView) -> None:
    assert explain(replace(partition, draining=True), closed(busy, Reason.RATE_LIMITED)).why is Reason.DRAINING


def test_a_partition_whose_only_work_is_parked_waits_for_its_retry_even_under_the_rate(
    busy: Snapshot, partition: PartitionView
) -> None:
    oldest = OldestOpen(100, since=busy.at - 60, attempts=3, retry_at=busy.at + 8)
    parked = replace(partition, in_flight=0, oldest=oldest)

    found = explain(parked, closed(busy, Reason.RATE_LIMITED))

    assert (found.why, found.until) == (Reason.RETRY_AFTER, busy.at + 8)
    assert "offset 100" in found.detail.lower()
    assert "3 attempts" in found.detail


def test_a_parked_record_beside_others_on_the_wire_does_not_make_the_partition_wait(
    busy: Snapshot, partition: PartitionView
) -> None:
    oldest = OldestOpen(100, since=busy.at - 60, attempts=3, retry_at=busy.at + 8)

    assert explain(replace(partition, oldest=oldest), busy).why is Reason.SENDING


def test_every_reason_has_a_meaning_and_those_that_last_say_what_to_do() -> None:
    assert REASONS.keys() == set(Reason)
    assert all(reason.meaning.endswith(".") for reason in REASONS.values())
    assert all(reason.action for reason in REASONS.values() if reason.needs_operator)
    assert all(shown(shown(reason)) is shown(reason) for reason in Reason)


def test_a_committed_offset_that_cannot_be_read_is_not_a_missing_start(
    busy: Snapshot, partition: PartitionView
) -> None:
    held = replace(partition, hold=PartitionHold(Reason.POSITION_UNKNOWN, busy.at - 5, "Asked again."))

    found = explain(held, busy)

    assert found.why is Reason.POSITION_UNKNOWN
    assert not REASONS[found.why].needs_operator
    assert "start_from" not in REASONS[found.why].action


def test_a_recreated_topic_keeps_the_name_it_had_on_the_pages(busy: Snapshot, partition: PartitionView) -> None:
    held = replace(partition, hold=PartitionHold(Reason.RECREATED, busy.at - 5, "Another topic."))

    assert explain(held, busy).why is Reason.OUT_OF_RANGE


def test_an_open_transaction_is_the_reason_only_where_nothing_before_it_waits(
    busy: Snapshot, partition: PartitionView
) -> None:
    held = replace(partition, hold=PartitionHold(Reason.TRANSACTION_HANGING, busy.at - 90, "Open since then."))

    assert explain(held, busy).why is Reason.SENDING
    found = explain(replace(held, open_records=0, oldest=None), busy)
    assert (found.why, found.detail, found.since) == (Reason.TRANSACTION_HANGING, "Open since then.", busy.at - 90)


RETRIED = Retried(
    TopicPartition("shop.orders", 3),
    100,
    0,
    "order.completed",
    14,
    9,
    12,
    8.0,
    Retry("server_error", "the API answered 500 (x-request-id r-1)", 500, request_id="r-1"),
)


def test_a_retry_says_how_many_of_its_attempts_count_and_what_the_api_answered(
    busy: Snapshot, partition: PartitionView
) -> None:
    oldest = OldestOpen(100, since=busy.at - 60, attempts=14, retry_at=busy.at + 8, retried=RETRIED)

    waiting = explain(replace(partition, in_flight=0, oldest=oldest), busy)
    on_the_wire = explain(replace(partition, oldest=oldest), busy)

    for found in (waiting, on_the_wire):
        assert "9 of 12 that count" in found.detail
        assert "last: the API answered 500 (x-request-id r-1)." in found.detail


def test_a_partition_that_pauses_for_failing_users_says_so_unless_something_holds_everything(
    busy: Snapshot, partition: PartitionView
) -> None:
    crowded = replace(partition, crowded=True)
    assert explain(crowded, busy).why is Reason.FAILING_USERS
    assert explain(crowded, closed(busy, Reason.RATE_LIMITED)).why is Reason.FAILING_USERS
    assert explain(crowded, closed(busy, Reason.OUTAGE)).why is Reason.OUTAGE
