"""Records that hold many records: opened as there is room, in order, and complete when all of their elements are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import TopicPartition
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import OpenElements
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, TOO_LARGE
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
Q0 = TopicPartition("payments", 0)


def settings(**changes: Any) -> DeliverySettings:
    return DeliverySettings.model_construct(**({"rate_limit": None, "max_buffered": 20, "max_in_flight": 4} | changes))


def batch(*users: str) -> str:
    return "[" + "+".join(users)


def committed(world: World, partition: TopicPartition = P0) -> int:
    world.commit()
    return world.positions.committed[partition].offset


def test_a_hundred_elements_of_which_one_cannot_be_mapped_are_99_requests_and_one_letter() -> None:
    world = World(settings())
    world.feed(P0, batch(*(f"u{number}" if number != 42 else "!" for number in range(100))))

    world.run(30)

    assert [output for _, _, output in world.sink.accepted] == [number for number in range(100) if number != 42]
    assert list(world.letters.events) == [(P0, 0, 42)]
    assert committed(world) == 1
    assert (world.dispatcher.tally.delivered, world.dispatcher.tally.dead_lettered) == (0, 1), "it is one record"


def test_ten_thousand_elements_never_take_more_than_half_of_the_buffer() -> None:
    world = World(settings(max_buffered=200))
    seen: list[int] = []

    def api(_work: object) -> Any:
        seen.append(world.dispatcher.tally.elements)
        return 0.001, ACCEPTED

    world.sink.api = api
    world.feed(P0, batch(*(f"u{number % 50}" for number in range(10_000))))

    world.run(60)

    assert len(world.sink.accepted) == 10_000
    assert max(seen) == 100
    world.check_order()
    assert committed(world) == 1


def test_all_elements_may_be_of_one_user_and_keep_their_order() -> None:
    world = World(settings())
    world.feed(P0, batch(*["ann"] * 500), "ann", batch("ann", "ann"))

    world.run(60)

    assert [event[1:] for event in world.sink.accepted] == [(0, n) for n in range(500)] + [(1, 0), (2, 0), (2, 1)]


def test_other_partitions_go_on_while_a_record_of_many_is_opened() -> None:
    world = World(settings())
    world.sink.api = lambda _: (1.0, ACCEPTED)
    world.feed(P0, batch(*(f"u{number}" for number in range(400))))
    world.feed(P1, "v1", "v2", "v3")

    world.run_until(lambda: {(P1, n, 0) for n in range(3)} <= set(world.sink.accepted), within=10)

    assert world.dispatcher.tally.elements > 0


def test_what_comes_behind_it_in_its_partition_waits_and_nothing_more_is_read_until_it_is_open() -> None:
    world = World(settings())
    tracker = world.assign(P0)[0]
    world.write(P0, batch(*["ann"] * 100), "bob", batch("bob", "cid"), "-", "dan")
    world.deliver(P0)

    world.run(0.2)
    assert tracker in world.positions.paused
    assert all(event[1] == 0 for event in world.sink.accepted)
    records, _ = world.dispatcher.room()
    assert records == 20 - 10 - 1 - 4, "open elements, their record, and what waits behind it count"

    world.run(60)
    assert tracker not in world.positions.paused
    assert world.all_finished()
    assert committed(world) == 5
    world.check_order()


def test_what_was_on_its_way_when_its_partition_stopped_waits_too_and_so_does_the_gap_behind_it() -> None:
    world = World(settings())
    (tracker,) = world.assign(P0)
    world.write(P0, batch(*["ann"] * 40), "ann", "bob")
    world.deliver(P0, 1)
    for record in world.logs[P0].records[1:]:
        world.dispatcher.accept(tracker, [record])
    world.dispatcher.passed(tracker, 3, 7, None)

    world.run(30)

    world.check_order()
    assert len(world.sink.accepted) == 42
    assert committed(world) == 7


def test_a_small_one_pauses_nothing() -> None:
    world = World(settings())
    world.feed(P0, batch("ann", "bob", "cid"), "dan")

    assert not world.positions.paused
    world.run(5)
    assert committed(world) == 2


@pytest.mark.parametrize(
    ("users", "counted"),
    [(["-"] * 3, "filtered"), (["-", "ann", "-"], "delivered"), (["ann", "!", "-"], "dead_lettered")],
)
def test_the_record_counts_as_the_worst_of_its_elements_also_where_the_last_makes_nothing(
    users: list[str], counted: str
) -> None:
    world = World(settings(max_buffered=2))
    world.feed(P0, batch(*users))

    world.run(10)

    assert getattr(world.dispatcher.tally, counted) == 1
    assert committed(world) == 1


def test_a_partition_that_leaves_in_the_middle_stays_at_the_record_and_its_next_owner_opens_it_again() -> None:
    world = World(settings())
    world.feed(P0, "ann", batch(*(f"u{number}" for number in range(100))), "bob")
    world.run_until(lambda: len(world.sink.accepted) > 10)
    world.revoke(P0)
    world.run(5)

    assert world.positions.committed[P0].offset == 1
    assert world.dispatcher.tally.elements == 0
    world.assign(P0)
    world.deliver(P0)
    world.run(60)
    assert world.all_finished()
    assert committed(world) == 3


def test_a_lost_partition_takes_all_of_it_along() -> None:
    world = World(settings())
    world.feed(P0, batch(*(f"u{number}" for number in range(100))), "bob")
    world.run(0.06)
    world.lose(P0)
    world.run(5)

    assert world.dispatcher.tally.elements == 0
    assert world.dispatcher.room() == (20, DeliverySettings.model_construct().max_buffered_bytes)


def test_a_topic_that_is_held_in_the_middle_leaves_the_rest_unopened_and_takes_no_room_of_others() -> None:
    world = World(settings(hold_after_letters=5))
    world.feed(P0, batch(*["!"] * 50), "ann")
    world.run(5)

    assert len(world.letters.events) == 5
    assert P0.topic in world.positions.paused_topics
    assert committed(world) == 0
    world.feed(Q0, *(f"v{number}" for number in range(15)))
    world.run(10)
    assert world.dispatcher.tally.delivered == 15


def test_a_letter_that_can_never_be_written_holds_the_partition_and_others_go_on() -> None:
    world = World(settings())
    world.letters.topic = lambda letter: (0.01, TOO_LARGE if letter.output == 1 else None)
    world.feed(P0, batch("!", "!", *["ann"] * 50))
    world.feed(Q0, "bob")
    world.run(10)

    assert (Q0, 0, 0) in world.sink.accepted
    assert committed(world) == 0
    assert world.dispatcher.tally.elements < 20


def test_a_user_whose_events_fail_does_not_keep_the_elements_of_others_from_being_sent() -> None:
    world = World(settings(max_buffered=50, max_in_flight=20))
    world.sink.api = lambda work: (0.05, FAILED if work.request.user_id == "bad" else ACCEPTED)
    users = ["bad" if number % 3 == 0 else f"u{number}" for number in range(90)]
    world.feed(P0, batch(*users))
    world.feed(Q0, *(f"v{number}" for number in range(40)))

    world.run(30)

    assert {event[2] for event in world.sink.accepted if event[0] == P0} == {n for n in range(90) if n % 3}


def test_every_element_that_is_refused_has_its_own_letter() -> None:
    world = World(settings())
    world.sink.api = lambda work: (0.05, REJECTED if work.output == 7 else ACCEPTED)
    world.feed(P0, batch(*(f"u{number}" for number in range(30))))
    world.run(10)

    assert [letter.element for letter in world.letters.written] == [7]
    assert [letter.output for letter in world.letters.written] == [7]


def test_a_schema_is_waited_for_behind_it_and_it_behind_a_schema_and_all_of_it_in_order() -> None:
    world = World(settings())
    values = [batch(*["ann"] * 30), "id:1|" + batch(*["ann"] * 30), "ann", "id:2|ann", batch("ann", "ann"), "id:1|ann"]
    world.registry.schemas = {"id:1": True, "id:2": True}
    world.assign(P0)
    world.write(P0, *values)
    for _ in range(60):
        world.deliver(P0)
        world.run(1)

    assert world.all_finished()
    world.check_order()
    assert [event[1:] for event in world.sink.accepted] == sorted(event[1:] for event in world.sink.accepted)
    assert committed(world) == len(values)


USERS = st.sampled_from(["ann", "bob", "cid", "-", "!"])
RECORDS = st.one_of(USERS, st.lists(USERS, min_size=1, max_size=40).map(lambda users: batch(*users)))
VALUES = st.one_of(RECORDS, RECORDS.map(lambda value: f"id:1|{value}"), RECORDS.map(lambda value: f"id:2|{value}"))


@given(
    st.lists(st.tuples(st.sampled_from([P0, P1]), VALUES), max_size=12),
    st.integers(1, 30),
    st.lists(st.sampled_from(["run", "revoke", "lose"]), max_size=4),
)
def test_whatever_comes_all_elements_are_finished_in_order_and_the_bound_is_kept(
    program: list[tuple[TopicPartition, str]], room: int, happenings: list[str]
) -> None:
    world = World(settings(max_buffered=room, hold_after_letters=0))
    most = 0

    def api(_work: object) -> Any:
        nonlocal most
        most = max(most, world.dispatcher.tally.elements)
        return 0.02, ACCEPTED

    world.sink.api = api
    world.registry.schemas = {"id:1": True, "id:2": True}
    world.assign(P0, P1)
    for partition, value in program:
        world.write(partition, value)
    for happening in [*happenings, "run"]:
        for partition in (P0, P1):
            world.deliver(partition)
        world.run(0.1)
        if happening != "run":
            getattr(world, happening)(P0)
            world.run(11)
            world.assign(P0)
    for _ in range(200):
        if world.all_finished():
            break
        for partition in (P0, P1):
            world.deliver(partition)
        world.run(0.5)

    assert world.all_finished()
    if not happenings:
        world.check_order()
    assert most <= max(1, room // 2) + 2, "and one of each partition, so that it gets on"
    assert world.dispatcher.tally.elements == 0
    entries = [entry for each in world.dispatcher.assignments for entry in each.tracker.open.values()]
    assert not any(isinstance(entry, OpenElements) for entry in entries)


# --- restarts in the middle ---------------------------------------------------------------------------


def sent_of(world: World, partition: TopicPartition = P0) -> list[int]:
    return [output for _, (place, _, output), _ in world.sink.sent if place == partition]


def test_an_orderly_restart_in_the_middle_repeats_no_element() -> None:
    world = World(settings())
    world.feed(P0, batch(*(f"u{number}" if number % 7 else "-" for number in range(200))), "ann")
    world.run_until(lambda: len(world.sink.accepted) > 60)
    world.revoke(P0)
    world.run(5)
    before = sent_of(world)

    world.assign(P0)
    world.deliver(P0)
    world.run(60)

    after = sent_of(world)[len(before) :]
    assert world.all_finished()
    assert set(before) & set(after[:-1]) == set(), "the last is of the record behind it"
    assert committed(world) == 2


def test_after_a_crash_only_elements_are_repeated_that_were_not_committed() -> None:
    world = World(settings(), commit_every=0.2)
    world.feed(P0, batch(*(f"u{number}" for number in range(200))))
    world.run_until(lambda: len(world.sink.accepted) > 60)
    world.commit()
    done = len(world.sink.accepted)
    world.lose(P0)
    world.run(2)
    before = len(sent_of(world))

    world.assign(P0)
    world.deliver(P0)
    world.run(60)

    assert world.all_finished()
    assert min(sent_of(world)[before:]) >= done - 4
    world.check_order()


def test_elements_that_wait_for_a_retry_are_sent_again_and_those_around_them_are_not() -> None:
    world = World(settings(max_in_flight=20))
    world.sink.api = lambda work: (0.05, FAILED if work.output in (3, 8) else ACCEPTED)
    world.feed(P0, batch(*(f"u{number}" for number in range(40))))
    world.run(5)
    world.revoke(P0)
    world.run(11)
    before = len(sent_of(world))
    world.sink.api = lambda _: (0.05, ACCEPTED)

    world.assign(P0)
    world.deliver(P0)
    world.run(60)

    assert sorted(set(sent_of(world)[before:])) == [3, 8]
    assert world.all_finished()


def test_a_record_that_has_another_number_of_elements_now_is_opened_whole() -> None:
    world = World(settings())
    world.feed(P0, batch(*(f"u{number}" for number in range(100))))
    world.run_until(lambda: len(world.sink.accepted) > 30)
    world.revoke(P0)
    world.run(5)
    log = world.logs[P0]
    log.records[0] = log.records[0]._replace(value=batch(*(f"u{number}" for number in range(50))).encode())
    before = len(sent_of(world))

    world.assign(P0)
    world.deliver(P0)
    world.run(60)

    assert sorted(sent_of(world)[before:]) == list(range(50))


def test_a_record_that_is_taken_apart_in_another_way_now_is_opened_whole_though_it_has_as_many_elements() -> None:
    world = World(settings())
    world.feed(P0, batch(*(f"u{number}" for number in range(100))))
    world.run_until(lambda: len(world.sink.accepted) > 30)
    world.revoke(P0)
    world.run(5)
    before = len(sent_of(world))
    world.mapper.way = 2

    world.assign(P0)
    world.commit()  # by whoever knows the other way, before the record is there
    world.deliver(P0)
    world.run(60)

    assert sorted(sent_of(world)[before:]) == list(range(100))
    assert committed(world) == 1
