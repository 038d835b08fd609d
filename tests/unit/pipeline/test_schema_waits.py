"""A schema that is not known yet: its partition stops at the record, in order; the others flow."""

from __future__ import annotations

from typing import Any

from bridge.model import Record, TopicPartition
from bridge.pipeline.dispatch.schema_waits import KEPT_FOR
from bridge.pipeline.ports import Arrival, FilteredEarly, Oversized
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import FILTERED
from tests.unit.pipeline.world import World

ORDERS, MORE, OTHERS = TopicPartition("orders", 0), TopicPartition("orders", 1), TopicPartition("others", 0)


def settled(**changes: Any) -> DeliverySettings:
    return DeliverySettings.model_construct(rate_limit=None, **changes)


def test_a_partition_stops_at_the_record_whose_schema_is_unknown_and_continues_in_order() -> None:
    world = World()
    world.registry.schemas["id:7"] = True
    world.feed(ORDERS, "ann", "id:7|ann", "ann", "bob")
    assert world.users_sent == ["ann"]
    assert [each.offset for each in world.dispatcher.schemas.awaited()] == [1]
    world.run(1.0)
    assert world.all_finished()
    world.check_order()
    assert world.registry.wanted == ["id:7"]
    assert world.positions.rereads == [], "what is answered soon costs no pause"


def test_the_others_flow_while_a_registry_is_away_however_long() -> None:
    world = World()
    world.registry.up = False
    world.registry.schemas["id:7"] = True
    world.feed(ORDERS, "id:7|ann", "ann")
    for _ in range(300):
        world.feed(OTHERS, "bob")
        world.run(1.0)
    assert world.users_sent == ["bob"] * 300
    assert world.logs[ORDERS].records[0].offset == world.owned[ORDERS].lowest_open == 0
    assert not world.letters.events, "an outage of the registry is no failure of a record"
    world.registry.up = True
    world.run(3.0)
    world.deliver(ORDERS)
    world.run(1.0)
    assert world.all_finished()
    assert world.registry.wanted == ["id:7"]


def test_a_long_wait_holds_no_record_in_memory_and_takes_no_room() -> None:
    world = World(settled(max_buffered=10))
    whole = world.dispatcher.room()
    world.registry.up = False
    world.feed(ORDERS, "id:7|ann", "ann", "bob")
    assert world.dispatcher.room()[0] == whole[0] - 3
    world.run(KEPT_FOR + 0.1)
    assert world.dispatcher.room() == whole
    assert world.owned[ORDERS] in world.positions.paused
    world.dispatcher.accept(world.owned[ORDERS], [record(ORDERS, 3, "late")])
    assert world.dispatcher.room() == whole, "what was on its way already is read again as well"
    world.registry.up = True
    world.registry.schemas["id:7"] = True
    world.run(3.0)
    assert world.positions.rereads == [(ORDERS, 0)]
    assert world.owned[ORDERS] not in world.positions.paused
    world.deliver(ORDERS)
    world.run(1.0)
    assert world.all_finished()
    world.check_order()


def test_what_is_kept_never_takes_more_than_half_the_room() -> None:
    world = World(settled(max_buffered=20, max_buffered_bytes=1000))
    world.registry.up = False
    world.feed(ORDERS, "id:7|ann", *["ann"] * 7)
    world.feed(MORE, "id:7|bob", *["bob"] * 7)
    assert world.dispatcher.room()[0] >= 10
    assert [tracker.partition for tracker in world.positions.paused] == [MORE]
    world.assign(OTHERS)
    world.write(OTHERS, "id:7|" + "c" * 700)
    world.deliver(OTHERS)
    assert world.dispatcher.room()[1] >= 500
    world.registry.up = True
    world.registry.schemas["id:7"] = True
    world.run(3.0)
    for partition in (ORDERS, MORE, OTHERS):
        world.deliver(partition)
    world.run(1.0)
    assert world.all_finished()
    world.check_order()


def test_partitions_that_wait_for_one_schema_look_it_up_once_and_all_continue() -> None:
    world = World()
    world.registry.schemas["id:7"] = True
    for partition in (ORDERS, MORE, OTHERS):
        world.feed(partition, "id:7|ann", "bob")
    world.run(1.0)
    assert world.registry.wanted == ["id:7"]
    assert world.all_finished()
    world.feed(ORDERS, *["id:7|ann"] * 100)
    world.run(1.0)
    assert world.registry.wanted == ["id:7"], "no request in steady state"


def test_a_partition_that_waited_for_one_schema_may_wait_for_the_next() -> None:
    world = World()
    world.registry.schemas.update({"id:7": True, "id:9": True})
    world.feed(ORDERS, "id:7|ann", "ann", "id:9|ann", "bob")
    world.deliver(ORDERS)
    world.run(0.015)
    assert [(each.reference, each.offset) for each in world.dispatcher.schemas.awaited()] == [("id:9", 2)]
    world.run(1.0)
    assert world.all_finished()
    world.check_order()
    assert world.registry.wanted == ["id:7", "id:9"]


def test_what_arrives_while_a_partition_waits_comes_behind_whatever_it_is() -> None:
    world = World()
    world.registry.schemas["id:7"] = True
    (tracker,) = world.assign(ORDERS)
    by_header = FilteredEarly((FILTERED,), 3)
    by_header.records = 2
    first: list[Arrival] = [record(ORDERS, 0, "id:7|ann"), record(ORDERS, 1, "ann"), by_header]
    world.dispatcher.accept(tracker, first)
    world.dispatcher.accept(tracker, [Oversized(record(ORDERS, 4, ""), 100, 10), record(ORDERS, 5, "bob")])
    world.dispatcher.passed(tracker, 6, 9, None)
    assert tracker.next_offset == 0
    assert world.dispatcher.tally.consumed == 0
    world.run(1.0)
    assert world.dispatcher.tally.consumed == 6
    assert world.dispatcher.tally.filtered == 2
    assert tracker.lowest_open == 9, "an end without a record is reached behind what was read before it"


def test_a_schema_that_there_is_none_of_is_a_dead_letter_as_any_other() -> None:
    world = World(settled(hold_after_letters=2))
    world.registry.schemas["id:7"] = False
    world.feed(ORDERS, "id:7|ann", "bob")
    world.run(1.0)
    assert world.users_sent == ["bob"]
    assert list(world.letters.events) == [(ORDERS, 0, 0)]
    world.feed(ORDERS, *["id:7|ann"] * 3)
    world.run(1.0)
    assert world.dispatcher.topics["orders"].held, "the breaker guards the topic as always"
    assert world.registry.wanted == ["id:7"]


def test_a_partition_that_leaves_while_it_waits_leaves_at_once_and_its_next_owner_has_it_all() -> None:
    world = World()
    world.registry.up = False
    world.feed(ORDERS, "ann", "id:7|ann", "bob")
    world.feed(MORE, "id:7|ann")
    world.run(0.3)
    world.revoke(ORDERS)
    assert [position.offset for _, position in world.drained[-1][1]] == [1]
    assert world.drained[-1][0] == world.now
    assert world.registry.forgotten == [], "another one still waits for it"
    world.lose(MORE)
    assert world.registry.forgotten == ["id:7"]
    assert world.dispatcher.room() == World().dispatcher.room()
    world.registry.up = True
    world.registry.schemas["id:7"] = True
    world.assign(ORDERS, MORE)
    world.deliver(ORDERS)
    world.deliver(MORE)
    world.run(2.0)
    assert world.all_finished()
    assert world.users_sent == ["ann", "ann", "bob", "ann"]


def test_an_answer_that_comes_after_its_partition_left_does_nothing() -> None:
    world = World()
    world.registry.schemas["id:7"] = True
    world.registry.takes = 5.0
    world.feed(ORDERS, "id:7|ann")
    world.run(1.0)
    world.lose(ORDERS)
    world.run(10.0)
    assert world.users_sent == []
    assert world.dispatcher.schemas.awaited() == []


def test_a_stop_does_not_wait_for_a_schema() -> None:
    world = World()
    world.registry.up = False
    world.feed(ORDERS, "id:7|ann", "bob")
    world.dispatcher.stop()
    world.revoke(ORDERS)
    assert world.drained[-1][0] == world.now
    world.run(10.0)
    assert world.users_sent == []


def test_a_partition_given_up_between_going_back_and_reading_again_comes_to_no_harm() -> None:
    world = World()
    world.registry.up = False
    world.registry.schemas["id:7"] = True
    world.positions.seek_takes = 2.0
    world.feed(ORDERS, "id:7|ann", "bob")
    world.run(1.0)
    world.registry.up = True
    world.run_until(lambda: bool(world.positions.rereads))
    world.dispatcher.accept(world.owned[ORDERS], [record(ORDERS, 2, "too early")])
    world.revoke(ORDERS)
    world.run(3.0)
    world.assign(ORDERS)
    world.deliver(ORDERS)
    world.run(1.0)
    assert world.users_sent == ["ann", "bob"]


def test_what_was_looked_up_and_is_not_known_is_asked_for_again_only_after_a_while() -> None:
    world = World()
    world.registry.schemas["id:7"] = True
    world.feed(ORDERS, "ann")
    world.registry.known = {}  # another mapping than the mapper's: what it learns is lost
    world.feed(ORDERS, "id:7|ann")
    for _ in range(100):
        world.run(0.1)
        world.deliver(ORDERS)
    assert 5 < len(world.registry.wanted) < 15


def test_what_was_forgotten_while_there_was_no_room_is_asked_for_at_once() -> None:
    """A decision that there is no schema holds for a minute; a full buffer may last longer."""
    world = World()
    world.registry.up = False
    world.registry.schemas["id:7"] = False
    world.feed(ORDERS, "id:7|ann", "bob")
    world.run(1.0)
    world.registry.up = True
    world.run_until(lambda: bool(world.positions.rereads))
    world.run(120.0)
    world.registry.known.clear()
    world.deliver(ORDERS)
    world.run(0.4)
    assert list(world.letters.events) == [(ORDERS, 0, 0)]
    assert len(world.positions.rereads) == 1, "what is answered at once is taken from what was kept"


def test_a_record_larger_than_what_may_be_kept_gets_its_turn() -> None:
    world = World(settled(max_buffered_bytes=100))
    world.registry.schemas["id:7"] = True
    world.feed(ORDERS, "id:7|" + "a" * 90, "bob")
    world.run(1.0)
    world.deliver(ORDERS)
    world.run(1.0)
    assert world.all_finished()


def record(partition: TopicPartition, offset: int, value: str) -> Record:
    return Record(*partition, offset, 1_700_000_000_000, None, value.encode(), ())
