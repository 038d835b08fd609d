"""Histories with a name: what the field's bridges got wrong, and what a seed once found here."""

from __future__ import annotations

from bridge.model import TopicPartition
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED, REJECTED, TOO_LARGE
from tests.unit.pipeline.world import World

ORDERS, MORE_ORDERS, PAYMENTS = TopicPartition("orders", 0), TopicPartition("orders", 1), TopicPartition("payments", 0)


# --- found by a seed, mended since ------------------------------------------------------------------


def test_records_of_a_held_topic_take_no_room_from_the_others() -> None:
    """Seed 1873: rejections filled the whole buffer with letters that may not be written, and nothing more came in."""
    world = World(DeliverySettings(rate_limit=None, hold_after_letters=3, max_buffered=10))
    world.sink.api = lambda work: (0.05, REJECTED if work.record.topic == "orders" else ACCEPTED)
    world.assign(ORDERS, PAYMENTS)
    world.write(ORDERS, *["ann"] * 50)
    world.deliver(ORDERS)
    world.run(10)
    assert world.dispatcher.room()[0] == 10
    world.write(PAYMENTS, *["bob"] * 20)
    for _ in range(10):
        world.deliver(PAYMENTS)
        world.run(1)
    assert world.positions.committed[PAYMENTS].offset == 20
    assert world.positions.committed[ORDERS].offset == 3


def test_records_of_a_held_partition_take_no_room_from_the_others_until_it_leaves() -> None:
    world = World(DeliverySettings(rate_limit=None, hold_after_letters=0, max_buffered=4))
    world.letters.topic = lambda _: (0.01, TOO_LARGE)
    world.feed(ORDERS, "!", "!+!", "!+ann", "bob")
    world.run(5)
    assert world.dispatcher.room()[0] == 4
    world.revoke(ORDERS)
    world.run(1)
    assert world.dispatcher.room()[0] == 4
    assert world.dispatcher.tally.taking_room == (0, 0)
