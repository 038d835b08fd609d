"""Another mapping works from one moment to the next: each record is mapped whole by one of them, whatever is open."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bridge.model import IDENTIFY, Outcome, Record, Request, TopicPartition
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, PlainMapper
from tests.unit.pipeline.world import World

P0, OTHERS = TopicPartition("orders", 0), TopicPartition("payments", 0)


class Version(PlainMapper):
    """Maps as `PlainMapper`, and writes its number behind each body."""

    def __init__(self, number: int, known: dict[str, bool] | None = None) -> None:
        super().__init__(known)
        self.number = number

    def outcome(self, record: Record, output: int, word: str) -> Outcome:
        made = super().outcome(record, output, word)
        if not isinstance(made, Request):
            return made
        return Request(made.kind, made.user_id, made.event_name, made.body + b"@%d" % self.number, made.route)


def world_with(**settings: Any) -> World:
    return World(DeliverySettings.model_construct(rate_limit=None, **settings))


def version_of(work: Work) -> int:
    return int(work.request.body.rpartition(b"@")[2] or 0) if b"@" in work.request.body else 0


def versions(sent: list[Work]) -> dict[int, set[int]]:
    """By offset, which mappings made what was sent of it."""
    found: dict[int, set[int]] = {}
    for work in sent:
        found.setdefault(work.record.offset, set()).add(version_of(work))
    return found


def test_what_is_mapped_is_tried_again_as_it_is_and_what_comes_next_is_mapped_by_the_new_one() -> None:
    world, sent = world_with(), list[Work]()

    def fails_at_first(work: Work) -> Any:
        sent.append(work)
        return 0.05, FAILED if work.attempts < 3 else ACCEPTED

    world.sink.api = fails_at_first
    world.feed(P0, "ann", "bob")
    world.dispatcher.map_by(Version(1))
    world.feed(P0, "ann", "cid")
    world.run(60)
    assert world.all_finished()
    assert versions(sent) == {0: {0}, 1: {0}, 2: {1}, 3: {1}}
    world.check_order()


def test_steps_and_elements_that_are_not_open_yet_are_of_the_mapping_that_began_the_record() -> None:
    world, sent = world_with(max_buffered=4), list[Work]()

    def heard(work: Work) -> Any:
        sent.append(work)
        return 0.05, ACCEPTED

    world.sink.api = heard
    world.feed(P0, "[" + "+".join(f"u{n}" for n in range(30)), "ann:identify>ann", "bob")
    assert len(world.owned[P0].open) == 1
    world.dispatcher.map_by(Version(1))
    world.run(30)
    assert world.all_finished()
    assert versions(sent) == {0: {0}, 1: {1}, 2: {1}}


@pytest.mark.parametrize("began_with", [True, False])
def test_whether_the_rest_follows_a_refused_identify_is_said_by_the_mapping_of_the_record(began_with: bool) -> None:  # noqa: FBT001
    world = world_with()
    world.sink.api = lambda work: (0.05, REJECTED if work.request.kind is IDENTIFY else ACCEPTED)
    world.sink.mapper.sends_the_rest = True  # what the sink allows; below is what is to be
    first = Version(1)
    first.sends_the_rest = began_with
    world.dispatcher.map_by(first)
    world.feed(P0, "ann:identify>ann")
    other = Version(2)
    other.sends_the_rest = not began_with
    world.dispatcher.map_by(other)
    world.feed(P0, "bob:identify>bob")
    world.run(5)
    assert world.all_finished()
    assert [user for kind, user in world.sink.kinds if kind == "track"] == (["ann"] if began_with else ["bob"])


def test_a_record_that_waits_for_a_schema_no_longer_waits_where_the_new_mapping_needs_none() -> None:
    world = world_with()
    world.registry.up = False
    world.feed(P0, "id:7|ann", "bob")
    world.run(5)
    assert [each.reference for each in world.dispatcher.schemas.awaited()] == ["id:7"]
    world.dispatcher.map_by(Version(1, {"id:7": True}))
    world.run(1)
    world.deliver(P0)
    world.run(1)
    assert world.all_finished()
    assert world.users_sent == ["ann", "bob"]
    assert not world.dispatcher.schemas.awaited()


def test_a_record_that_needs_another_schema_now_waits_for_that() -> None:
    world = world_with()
    world.registry.up = False
    world.feed(P0, "id:7|ann")
    for number in range(1, 4):
        world.dispatcher.map_by(Version(number))
        world.run(0.1)
        assert [each.reference for each in world.dispatcher.schemas.awaited()] == ["id:7"]
    world.registry.schemas["id:7"] = True
    world.registry.up = True
    world.dispatcher.map_by(PlainMapper({"id:7": True}))
    world.run(10)
    world.deliver(P0)
    world.run(5)
    assert world.all_finished()


@pytest.mark.parametrize("seed", range(25))
def test_at_any_moment_no_record_is_mapped_by_two_and_each_partition_changes_at_one_offset(seed: int) -> None:
    """Random records and failures, with another mapping between any two of them."""
    rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
    world, sent = World(DeliverySettings.model_construct(rate_limit=None, max_buffered=8), seed=seed), list[Work]()

    def sometimes(work: Work) -> Any:
        sent.append(work)
        return rng.choice([0.01, 0.2]), FAILED if rng.random() < 0.2 and work.attempts < 4 else ACCEPTED

    world.sink.api = sometimes
    words = ["ann", "bob", "-", "ann+bob", "ann:identify>ann", "[ann+bob+cid", "!"]
    for number in range(1, 20):
        for partition in (P0, OTHERS):
            world.feed(partition, *rng.choices(words, k=rng.randrange(6)))
        if rng.random() < 0.7:
            world.dispatcher.map_by(Version(number))
        world.run(rng.choice([0.0, 0.05, 0.5]))
    for _ in range(60):
        world.deliver(P0)
        world.deliver(OTHERS)
        world.run(5)
    assert world.all_finished()
    for partition in (P0, OTHERS):
        found = versions([work for work in sent if work.record.topic == partition.topic])
        assert all(len(each) == 1 for each in found.values()), found
        used = [min(found[offset]) for offset in sorted(found)]
        assert used == sorted(used)
    tally = world.dispatcher.tally
    assert tally.gap == 0
