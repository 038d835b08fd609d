"""What records of many records leave to others: room in the buffer, attempts, gaps, and what an earlier owner knew."""

from __future__ import annotations

import random

import pytest

from bridge.formats import offset_map
from bridge.model import Position, Record, TopicPartition, Verdict
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, EPOCH, FAILED, REJECTED, TOO_LARGE, event_of
from tests.unit.pipeline.test_elements import P0, P1, Q0, batch, settings
from tests.unit.pipeline.world import World

ORDERS = [TopicPartition("orders", number) for number in range(4)]


def record(offset: int, value: str) -> Record:
    return Record(*P0, offset, 1_700_000_000_000, None, value.encode(), ())


def metadata(head: offset_map.Head) -> str:
    return offset_map.encode(
        0, [1], leader_epoch=None, topic_id="id", demand=offset_map.Demand(0, 0), head=head, max_length=3000
    )


def test_what_is_left_unopened_of_a_held_topic_takes_no_bytes_of_others() -> None:
    world = World(settings(max_buffered=40, max_buffered_bytes=10_000, max_in_flight=20, hold_after_letters=5))
    world.sink.api = lambda work: (0.05, REJECTED if event_of(work)[0].topic == "orders" else ACCEPTED)
    world.assign(*ORDERS, Q0)
    for partition in ORDERS:
        world.write(partition, batch(*(f"u{number:04}" for number in range(700))))
        world.deliver(partition)
    world.run(30)
    assert world.dispatcher.topics["orders"].held

    assert world.dispatcher.room() == (40, 10_000)
    world.revoke(*ORDERS)
    world.run(15)
    tally = world.dispatcher.tally
    assert (tally.stuck, tally.stuck_bytes, tally.elements_aside, tally.elements) == (0, 0, 0, 0)
    assert world.dispatcher.room() == (40, 10_000)


def test_what_is_left_unopened_of_a_held_partition_takes_no_bytes_of_others() -> None:
    world = World(settings(max_buffered_bytes=1000))
    world.letters.topic = lambda _: (0.01, TOO_LARGE)
    world.feed(P0, "!", batch(*(f"u{number:04}" for number in range(700))))
    world.run(30)

    assert world.dispatcher.room() == (20, 1000)
    world.feed(Q0, "ann")
    world.run(1)
    assert (Q0, 0, 0) in world.sink.accepted


def test_a_topic_that_is_held_while_an_element_is_opened_opens_no_further_one() -> None:
    world = World(settings(hold_after_letters=3))
    world.feed(P0, batch(*["!"] * 100))
    world.run(10)

    assert world.dispatcher.topics["orders"].held
    assert world.dispatcher.tally.elements == 1, "beside the letters that were written, the one that was not"


def test_others_elements_are_opened_side_by_side_beside_a_held_topic() -> None:
    world = World(settings(max_buffered=40, max_in_flight=20, hold_after_letters=1))
    world.sink.api = lambda work: (0.05, REJECTED if event_of(work)[0] == P0 else ACCEPTED)
    world.feed(P0, batch(*(f"u{number}" for number in range(500))))
    world.run(5)
    assert world.dispatcher.topics["orders"].held

    world.feed(Q0, batch(*(f"v{number}" for number in range(200))))
    most = 0
    for _ in range(20):
        world.run(0.03)
        most = max(most, len(world.sink.on_wire))

    assert most == 20


def test_plain_records_behind_failing_users_are_no_room_for_elements() -> None:
    world = World(settings(max_buffered=40))
    world.sink.api = lambda work: (0.05, FAILED if work.request.user_id == "bad" else ACCEPTED)
    world.assign(P0, P1, Q0)
    world.write(Q0, *["bad"] * 100)
    for _ in range(60):
        world.deliver(Q0)
        world.run(0.5)
    assert world.dispatcher.tally.behind > 20

    world.write(P0, batch(*(f"u{number}" for number in range(2000))))
    world.deliver(P0)
    for number in range(100):
        world.write(P1, f"p{number}")
        world.deliver(P1)
        world.run(0.05)
        tally = world.dispatcher.tally
        assert tally.elements - tally.elements_aside <= 20
    assert len([event for event in world.sink.accepted if event[0] == P1]) > 80


def test_a_user_who_recovers_does_not_have_a_partition_read_on_of_which_a_record_is_being_opened() -> None:
    world = World(settings(max_buffered=40))
    recovered = False
    world.sink.api = lambda work: (
        0.05,
        FAILED if work.request.user_id == "bad" and not recovered else ACCEPTED,
    )
    (tracker,) = world.assign(P0)
    world.assign(Q0)
    world.write(P0, batch(*["bad"] * 400, *(f"x{number}" for number in range(300))))
    world.write(P0, *(f"z{number}" for number in range(1000)))
    world.deliver(P0, 1)
    for turn in range(400):
        recovered = turn >= 200
        world.feed(Q0, f"q{turn}")
        world.deliver(P0)
        world.run(0.1)
        partition = world.dispatcher.assignments.get(tracker)
        assert partition is not None
        assert partition not in world.dispatcher.opening or tracker in world.positions.paused
    world.run_until(lambda: world.deliver(P0) > 0)


@pytest.mark.parametrize("takes", [0.01, 0.3])
def test_gaps_count_wherever_records_wait_before_them(takes: float) -> None:
    for seed in range(60):
        rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
        world = World(settings(), commit_every=None)
        world.registry.schemas = {"id:1": True, "id:2": True}
        world.registry.takes = takes
        (tracker,) = world.assign(P0)
        values = ["ann", batch(*["ann"] * 15), "id:1|ann", "id:2|" + batch(*["bob"] * 15)]
        end = 0
        for _ in range(rng.randrange(1, 5)):
            world.dispatcher.accept(tracker, [record(end, rng.choice(values))])
            world.dispatcher.passed(tracker, end + 1, end + 4, None)
            end += 4
            world.time.run(rng.choice([0, 0, 0.02]))
        world.time.run(60)
        assert tracker.lowest_open == end, f"seed {seed}"


def test_a_gap_behind_a_schema_behind_many_records_in_one_counts() -> None:
    world = World(settings(), commit_every=None)
    world.registry.schemas["id:7"] = True
    (tracker,) = world.assign(P0)
    world.dispatcher.accept(tracker, [record(0, batch(*["ann"] * 30)), record(1, "id:7|bob")])
    world.dispatcher.passed(tracker, 2, 5, None)
    world.time.run(20)

    assert tracker.lowest_open == 5


def test_many_records_behind_a_schema_are_opened_as_soon_as_it_is_known() -> None:
    world = World()
    world.registry.schemas["id:7"] = True
    world.assign(P0)
    world.run(0.6)
    began = world.now
    world.write(P0, "id:7|" + batch("ann", "bob"))
    world.deliver(P0)
    world.run_until(lambda: bool(world.sink.sent))

    assert world.now == pytest.approx(began + world.registry.takes)


def test_what_an_earlier_assignment_tried_counts_for_the_first_element_alone() -> None:
    world = World(settings(max_buffered=2, max_in_flight=1), commit_every=None)
    counted: list[tuple[int, int]] = []

    def api(work: Work) -> tuple[float, Verdict]:
        counted.append((work.output, work.counted))
        return 0.01, ACCEPTED

    world.sink.api = api
    world.write(P0, batch(*(f"u{number}" for number in range(6))))
    head = offset_map.Head(int(EPOCH * 1000), 11, 6, (range(2),))
    world.positions.committed[P0] = Position(0, metadata(head), None)
    world.assign(P0)
    world.deliver(P0)
    world.time.run(5)

    assert counted == [(2, 11), (3, 0), (4, 0), (5, 0)]


def test_done_elements_stay_done_in_the_committed_map_before_there_is_room_to_come_to_them() -> None:
    world = World(settings(), commit_every=None)
    world.sink.api = lambda _: None
    world.feed(Q0, *(f"q{number}" for number in range(12)))
    world.write(P0, batch(*(f"u{number}" for number in range(100))))
    done = (range(2), range(5, 8), range(12, 95))
    head = offset_map.Head(int(EPOCH * 1000), 0, 100, done)
    world.positions.committed[P0] = Position(0, metadata(head), None)
    world.assign(P0)
    world.dispatcher.accept(world.owned[P0], world.logs[P0].records)
    world.time.run(1)

    (position,) = [each for tracker, each in world.dispatcher.positions() if tracker.partition == P0]
    found = offset_map.decode(position.metadata)
    assert found is not None
    assert found.head.done == done


@pytest.mark.slow
def test_records_of_many_count_as_what_they_are_decoded_until_all_of_them_are_open() -> None:
    world = World(settings(max_buffered=200, max_buffered_bytes=100_000))
    world.sink.api = lambda _: None
    partitions = [TopicPartition("many", number) for number in range(10)]
    trackers = world.assign(*partitions)
    for partition, tracker in zip(partitions, trackers, strict=True):
        world.write(partition, batch(*(f"u{number:03}" for number in range(600))), "ann")
        world.dispatcher.accept(tracker, world.logs[partition].records)  # all of one poll: nothing asked in between

    decoded = [tracker for tracker in trackers if tracker.open]
    assert len(decoded) == 3, "36 KB each: of the others nothing was decoded"
    assert world.dispatcher.room()[1] <= 0
    world.sink.api = lambda _: (0.01, ACCEPTED)
    world.sink.answer_all(ACCEPTED)
    world.run(60)
    assert world.all_finished()
    world.check_order()
    assert world.dispatcher.room() == (200, 100_000)


def test_records_of_many_that_waited_for_one_schema_are_decoded_no_more_at_once_than_there_are_bytes_for() -> None:
    world = World(settings(max_buffered=200, max_buffered_bytes=100_000))
    world.registry.schemas["id:7"] = True
    world.registry.takes = 0.3
    world.sink.api = lambda _: None
    partitions = [TopicPartition("many", number) for number in range(10)]
    trackers = world.assign(*partitions)
    for partition, tracker in zip(partitions, trackers, strict=True):
        world.write(partition, "id:7|" + batch(*(f"u{number:03}" for number in range(600))), "ann")
        world.dispatcher.accept(tracker, world.logs[partition].records)
        world.dispatcher.passed(tracker, 2, 5, None)
    assert len(world.dispatcher.schemas.awaited()) == 10
    world.run(0.4)

    assert world.positions.rereads == [], "all of it was kept"
    assert not world.dispatcher.schemas.awaited()
    decoded = [tracker for tracker in trackers if tracker.open]
    assert len(decoded) == 3, "36 KB each: of the others nothing was decoded"
    assert world.dispatcher.room()[1] <= 0
    world.sink.api = lambda _: (0.01, ACCEPTED)
    world.sink.answer_all(ACCEPTED)
    world.run(60)
    assert world.all_finished()
    world.check_order()
    assert [tracker.lowest_open for tracker in trackers] == [5] * 10
    assert world.positions.paused == set()
    assert world.dispatcher.room() == (200, 100_000)


def test_one_large_record_of_many_leaves_half_of_the_bytes_to_others() -> None:
    world = World(settings(max_buffered_bytes=10_000))
    world.sink.api = lambda _: None
    world.feed(P0, batch(*(f"u{number:03}" for number in range(1000))))
    world.run(1)

    assert world.dispatcher.room()[1] == 5_000


def test_a_record_of_many_counts_as_it_is_once_all_of_them_are_open() -> None:
    world = World(settings(max_buffered=40))
    world.sink.api = lambda _: None
    world.feed(P0, value := batch(*(f"u{number}" for number in range(10))))
    world.run(1)

    assert world.dispatcher.tally.buffered_bytes == len(value)
