"""What is taken to the broker, and when: a crash repeats what was not."""

from __future__ import annotations

from bridge.formats import offset_map
from bridge.model import TopicPartition
from tests.unit.pipeline.fakes import ACCEPTED
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)


def test_what_completes_above_an_open_record_is_worth_a_commit_each_time(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, "stuck", "ann", "bob", "cid")
    world.run(0.1)
    for answered in (1, 2, 3):
        work = next(work for work in world.sink.on_wire if work.record.offset == answered)
        world.sink.answer(work, ACCEPTED)
        [(_, position)] = world.dispatcher.positions()
        assert position.offset == 0
        found = offset_map.decode(position.metadata)
        assert found is not None
        assert found.done == (range(1, answered + 1),)


def test_where_nothing_changed_nothing_is_committed(world: World) -> None:
    world.feed(P0, "ann", "bob")
    world.run(1)
    world.dispatcher.positions()
    assert world.dispatcher.positions() == []
