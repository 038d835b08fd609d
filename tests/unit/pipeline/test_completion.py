"""What completes an offset, and what each answer does."""

from __future__ import annotations

import pytest

from bridge.config.sections import RetryPolicy
from bridge.formats import offset_map
from bridge.model import LetterReason, Position, Record, TopicPartition, Verdict
from bridge.pipeline.ports import FilteredEarly
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, FILTERED, REJECTED, ROUTE, THROTTLED, TIMED_OUT
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)


def position(world: World, partition: TopicPartition = P0) -> int:
    world.run(0.3)
    return world.positions.committed[partition].offset


def test_an_offset_completes_with_its_acceptance_and_not_before(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "ann")
    assert position(world) == 0
    world.sink.answer_all(ACCEPTED)
    assert position(world) == 1


def test_a_filtered_record_completes_at_once_and_causes_no_request(world: World) -> None:
    world.feed(P0, "-", "-+-")
    assert position(world) == 2
    assert world.sink.sent == []
    assert world.dispatcher.tally.filtered == 2


def test_filtered_by_header_records_move_the_position_and_are_counted_as_if_each_had_been_mapped(world: World) -> None:
    world.feed(P0, "-")
    tally, filtered_by_header = world.dispatcher.tally, FilteredEarly((FILTERED,), 4)
    filtered_by_header.records = 2  # offset 3 never was
    before = (tally.consumed, tally.filtered, tally.filtered_records[FILTERED], tally.routes[ROUTE].filtered)
    world.dispatcher.accept(world.owned[P0], [Record("orders", 0, 1, None, None, b"-", ()), filtered_by_header])
    after = (tally.consumed, tally.filtered, tally.filtered_records[FILTERED], tally.routes[ROUTE].filtered)
    assert [now - then for now, then in zip(after, before, strict=True)] == [3, 3, 3, 3]
    assert position(world) == 5
    assert world.sink.sent == []


def test_a_record_that_cannot_be_mapped_completes_with_its_acknowledged_letter_and_not_before(world: World) -> None:
    world.letters.topic = lambda _: None
    world.feed(P0, "!")
    (work,) = world.letters.pending
    assert position(world) == 0
    assert world.dispatcher.tally.dead_lettered == 0
    world.letters.receipt(work, None)
    assert position(world) == 1
    assert [letter.reason for letter in world.letters.written] == [LetterReason.UNMAPPABLE]
    assert world.sink.sent == []


def test_a_rejected_event_is_a_letter_with_all_that_is_known_of_it(world: World) -> None:
    world.sink.api = lambda _: (0.05, REJECTED)
    world.feed(P0, "ann")
    world.run(1)
    (letter,) = world.letters.written
    assert (letter.reason, letter.status, letter.message) == (LetterReason.REJECTED, 400, "Invalid input")
    assert (letter.attempts, letter.output, letter.request) == (1, 0, b"orders/0/0#0")
    assert letter.first_attempt_ms == letter.last_attempt_ms == int((world.now - 1 + world.time.wall_offset) * 1000)


@pytest.mark.parametrize("verdict", [FAILED, TIMED_OUT, THROTTLED])
def test_what_may_succeed_later_stays_open_and_is_sent_again(world: World, verdict: Verdict) -> None:
    answers = iter([verdict, verdict])
    default = world.sink.api
    world.sink.api = lambda work: (0.05, answer) if (answer := next(answers, None)) else default(work)
    world.feed(P0, "ann")
    world.run(0.1)
    assert position(world) == 0
    world.run(120)
    assert position(world) == 1
    assert len(world.sink.sent) == 3
    assert world.dispatcher.tally.ambiguous == (2 if verdict is TIMED_OUT else 0)


def test_several_events_of_one_record_complete_it_when_all_are_done_each_with_its_own_letter(world: World) -> None:
    world.sink.api = lambda work: None if work.who == "slow" else (0.05, REJECTED)
    world.feed(P0, "slow+!+bob+-")
    world.run(1)
    assert {(letter.output, letter.reason) for letter in world.letters.written} == {
        (1, LetterReason.UNMAPPABLE),
        (2, LetterReason.REJECTED),
    }
    assert position(world) == 0
    assert world.dispatcher.tally.dead_lettered == 0
    world.sink.answer_all(ACCEPTED)
    assert position(world) == 1
    assert (world.dispatcher.tally.dead_lettered, world.dispatcher.tally.delivered) == (1, 0)


def test_completed_records_above_the_position_are_not_sent_again_after_a_crash(world: World) -> None:
    world.sink.api = lambda work: None if work.who == "slow" else (0.05, ACCEPTED)
    world.feed(P0, "slow", "ann", "bob")
    world.run(2)
    assert world.positions.committed[P0].offset == 0
    after = World()
    after.positions.committed.update(world.positions.committed)
    after.logs.update(world.logs)
    after.sink.accepted_ever |= world.sink.accepted_ever
    after.assign(P0)
    after.deliver(P0)
    after.run(1)
    assert after.users_sent == ["slow"]
    assert after.dispatcher.tally.already_done == 2


def head_of(committed: Position) -> offset_map.Head:
    found = offset_map.decode(committed.metadata)
    assert found is not None
    return found.head


def test_a_partition_that_is_idle_has_a_position_too(world: World) -> None:
    world.assign(P0)
    assert position(world) == 0


def test_the_map_of_a_stuck_position_is_refreshed_once_a_second(world: World) -> None:
    world.sink.api = lambda work: None if work.who == "slow" else (0.01, ACCEPTED)
    world.feed(P0, "slow")
    world.run(0.5)
    for _ in range(10):
        world.feed(P0, "ann")
        world.run(1.3)
        found = offset_map.decode(world.positions.committed[P0].metadata)
        assert found is not None
        assert found.done[-1].stop >= world.logs[P0].end - 1


def test_intake_is_bounded_in_records_and_in_bytes() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, max_buffered=10, max_buffered_bytes=1000))
    world.sink.api = lambda _: None
    world.feed(P0, *["ann"] * 20)
    assert world.dispatcher.room() == (0, 1000 - 10 * 3)
    world.sink.answer_all(ACCEPTED)
    assert world.dispatcher.room() == (1, 1000 - 9 * 3)


def test_what_arrives_for_a_partition_that_was_given_up_is_dropped_unread(world: World) -> None:
    (tracker,) = world.assign(P0)
    world.write(P0, "ann")
    world.revoke(P0)
    world.dispatcher.accept(tracker, world.logs[P0].records)
    world.run(1)
    assert world.sink.sent == []
    assert world.dispatcher.tally.consumed == 0


def test_a_defect_names_the_record_it_happened_at(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "ann")
    (work,) = world.sink.on_wire
    work.partition.tracker.open.clear()
    with pytest.raises(KeyError) as caught:
        world.sink.answer(work, ACCEPTED)
    assert "orders/0/0" in caught.value.__notes__[0]


def test_nothing_is_retried_more_often_than_the_backoff_s_ceiling_allows() -> None:
    retry = RetryPolicy.model_construct(initial_backoff=1.0, max_backoff=8.0)
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=retry))
    world.sink.api = lambda _: (0.0, FAILED)
    world.feed(P0, "ann")
    world.run(800)
    assert 100 < len(world.sink.sent) < 400, "on average one in 4 s"
    assert {event for _, event, _ in world.sink.sent} == {(P0, 0, 0)}


def test_the_first_attempt_and_the_counted_failures_of_the_lowest_record_survive_a_rebalance(world: World) -> None:
    world.sink.api = lambda work: (0.05, FAILED if work.who == "bad" else ACCEPTED)
    others = [f"user {i}" for i in range(40)]
    world.feed(P0, "bad")
    first_attempt = int(world.time.wall() * 1000)
    for _ in range(4):
        world.feed(P1, *others)
        world.run(30)
    head = head_of(world.positions.committed[P0])
    assert head.attempts > 0
    for _ in range(2):
        world.revoke(P0)
        world.assign(P0)
        world.run(0.5)  # the positions go out before the first record comes
        world.deliver(P0)
        world.run(0.5)
        assert head_of(world.positions.committed[P0]).attempts >= head.attempts
        assert abs(head_of(world.positions.committed[P0]).first_attempt_ms - first_attempt) <= 1


def test_records_are_taken_until_a_time_and_the_rest_when_it_is_handed_over_again(world: World) -> None:
    world.write(P0, *["ann"] * 5)
    records = world.logs[P0].records
    [tracker] = world.assign(P0)
    now = world.dispatcher._monotonic()
    assert world.dispatcher.accept(tracker, records, now) == 1, "one at least"
    assert tracker.next_offset == 1
    assert world.dispatcher.accept(tracker, records[1:], now + 1.0) == 4
    world.run(2)
    assert position(world) == 5


def test_a_position_in_the_middle_of_a_hand_over_is_below_what_has_not_arrived(world: World) -> None:
    world.write(P0, *["-"] * 5)
    records = world.logs[P0].records
    [tracker] = world.assign(P0)
    world.dispatcher.accept(tracker, records, world.dispatcher._monotonic())
    assert position(world) == 1
    world.dispatcher.accept(tracker, records[1:])
    assert position(world) == 5


def test_the_rest_of_a_hand_over_counts_as_through_where_its_partition_has_left_in_between(world: World) -> None:
    world.write(P0, *["ann"] * 5)
    records = world.logs[P0].records
    [tracker] = world.assign(P0)
    world.dispatcher.accept(tracker, records, world.dispatcher._monotonic())
    world.dispatcher.lost([tracker])
    consumed = world.dispatcher.tally.consumed
    assert world.dispatcher.accept(tracker, records[1:]) == 4
    assert world.dispatcher.tally.consumed == consumed
    assert tracker.next_offset == 1
