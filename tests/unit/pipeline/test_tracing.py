"""Who listens hears what becomes of each record, in order, and each record's one end."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.config.sections import KnownUsers, RetryPolicy
from bridge.model import Disposition, Failed, LetterReason, Record, Retry, TopicPartition, Verdict
from bridge.pipeline.ports import Oversized
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, FILTERED, REJECTED, UNWRITABLE
from tests.unit.pipeline.hearing import Hearing
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
DELIVERED, LETTERED, FILTERED_OUT = Disposition.DELIVERED, Disposition.DEAD_LETTERED, Disposition.FILTERED


def heard(world: World, users: str | None = None) -> Hearing:
    hearing = Hearing(users)
    world.dispatcher.listeners.add(hearing)
    return hearing


def world_with(**changes: Any) -> World:
    retry = RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=0.2, max_attempts=3)
    return World(DeliverySettings.model_construct(rate_limit=None, retry=retry, **changes))


@pytest.mark.parametrize("ordering", ["user", "none", "key", "partition"])
def test_an_event_came_in_was_sent_answered_and_is_done(ordering: str) -> None:
    world = world_with(ordering=ordering)
    hearing = heard(world)
    world.feed(P0, "ann")
    (life,) = hearing.lives
    assert (life.record.coordinates, life.end) == ("orders/0/0", None)

    world.run(1)

    assert life.story == [("began", "track", 0, 1), ("ended", "track", "Delivered")]
    assert life.end is DELIVERED


def test_each_attempt_is_heard_with_its_number_and_its_answer() -> None:
    world = world_with()
    hearing = heard(world)
    answers: list[Verdict] = [FAILED, Retry("timeout", "no answer", ambiguous=True), ACCEPTED]
    world.sink.api = lambda _: (0.05, answers.pop(0))
    world.feed(P0, "ann")
    world.run(30)

    assert hearing.lives[0].story == [
        ("began", "track", 0, 1), ("ended", "track", "Retry"), ("began", "track", 0, 2), ("ended", "track", "Retry"),
        ("began", "track", 0, 3), ("ended", "track", "Delivered"),
    ]  # fmt: skip
    assert hearing.ends == [DELIVERED]


def test_a_letter_carries_the_trace_that_the_listener_gave_it_and_is_heard_to_be_written() -> None:
    world = world_with()
    hearing = heard(world)
    world.sink.api = lambda _: (0.05, REJECTED)
    refusals = [UNWRITABLE, None]
    world.letters.topic = lambda _: (0.01, refusals.pop(0))
    world.feed(P0, "ann")
    world.run(30)

    (life,), (letter,) = hearing.lives, world.letters.written
    assert life.story[2:] == [("letter", 0), ("refused", 0, UNWRITABLE.message), ("written", 0)]
    assert (letter.trace, life.end) == ("trace of orders/0/0#0", LETTERED)


def test_a_record_that_cannot_be_mapped_is_followed_to_its_letter() -> None:
    world = world_with()
    hearing = heard(world)
    world.feed(P0, "!")
    world.run(1)

    assert hearing.lives[0].story == [("letter", 0), ("written", 0)]
    assert hearing.ends == [LETTERED]


def test_a_record_larger_than_what_is_mapped_is_followed_to_its_letter() -> None:
    world = world_with()
    hearing = heard(world)
    (tracker,) = world.assign(P0)
    world.dispatcher.accept(tracker, [Oversized(Record("orders", 0, 0, None, None, None, ()), 60, 50)])
    world.run(1)

    (failed,) = hearing.lives[0].outcomes
    assert isinstance(failed, Failed)
    assert failed.reason is LetterReason.TOO_LARGE
    assert hearing.ends == [LETTERED]


def test_each_record_of_a_row_that_is_filtered_is_heard_of_and_ends_at_once() -> None:
    world = world_with()
    hearing = heard(world)
    world.mapper.map = lambda _record, _now, rule=(FILTERED,): rule  # type: ignore[method-assign,misc]  # one object for all, as mapping does
    world.feed(P0, "-", "-", "-")

    assert [life.outcomes[0] for life in hearing.lives] == [FILTERED] * 3
    assert hearing.ends == [FILTERED_OUT] * 3


@pytest.mark.parametrize("value", ["-", "-+-", "ann:forget", "ann:forget+-"])
def test_whatever_is_filtered_ends_at_once(value: str) -> None:
    world = world_with()
    hearing = heard(world)
    world.feed(P0, value)
    assert hearing.ends == [FILTERED_OUT]
    assert hearing.lives[0].story == []


def test_several_events_of_a_record_are_one_life_that_ends_with_the_last() -> None:
    world = world_with()
    hearing = heard(world)
    world.sink.api = lambda work: (0.1 if work.who == "ann" else 0.5, ACCEPTED)
    world.feed(P0, "ann+-+bob")
    world.run(0.2)
    assert hearing.ends == [None]
    world.run(1)

    assert hearing.lives[0].story == [
        ("began", "track", 0, 1), ("began", "track", 2, 1), ("ended", "track", "Delivered"),
        ("ended", "track", "Delivered"),
    ]  # fmt: skip
    assert hearing.ends == [DELIVERED]


def test_steps_are_heard_one_after_the_other() -> None:
    world = world_with()
    hearing = heard(world)
    world.feed(P0, "ann:identify>ann")
    world.run(1)

    assert hearing.lives[0].story == [
        ("began", "identify", 0, 1), ("ended", "identify", "Delivered"),
        ("began", "track", 1, 1), ("ended", "track", "Delivered"),
    ]  # fmt: skip
    assert hearing.ends == [DELIVERED]


def test_an_identify_that_the_bridge_sends_by_itself_belongs_to_the_record_that_asked_for_it() -> None:
    users = KnownUsers.model_construct(size=10, ttl=1e6)
    world = world_with(unknown_users="identify", known_users=users)
    hearing = heard(world)
    world.feed(P0, "ann", "ann")
    world.run(1)

    first, second = hearing.lives
    assert [told[1] for told in first.story] == ["identify", "identify", "track", "track"]
    assert [told[1] for told in second.story] == ["track", "track"]


def test_elements_are_heard_as_they_are_opened_and_the_record_ends_once() -> None:
    world = world_with(max_buffered=6, max_in_flight=2)
    hearing = heard(world)
    world.feed(P0, "[ann+-+!+bob+cid+dan")
    world.run(30)

    (life,) = hearing.lives
    assert [told[1] for told in life.story if told[0] == "element"] == [0, 1, 2, 3, 4, 5]
    assert [told[2] for told in life.story if told[0] == "began"] == [0, 3, 4, 5]
    assert list(life.letters) == [2]
    assert life.end is LETTERED


@pytest.mark.parametrize("last", ["-", "ann:forget"])
def test_a_record_of_elements_ends_also_where_nothing_is_made_of_the_last(last: str) -> None:
    world = world_with()
    hearing = heard(world)
    world.feed(P0, f"[-+{last}")
    world.run(1)
    assert hearing.ends == [FILTERED_OUT]


def test_a_record_that_needs_a_schema_comes_in_once_when_it_can_be_mapped() -> None:
    world = world_with()
    hearing = heard(world)
    world.registry.schemas["id:7"] = True
    world.feed(P0, "id:7|ann", "bob")
    assert hearing.lives == []
    world.run(10)

    assert [life.record.offset for life in hearing.lives] == [0, 1]
    assert hearing.ends == [DELIVERED, DELIVERED]


@pytest.mark.parametrize("way", ["revoke", "lose"])
@pytest.mark.parametrize("value", ["ann", "ann+bob", "[ann+bob+cid", "ann:identify>ann"])
def test_a_record_that_is_not_done_when_its_partition_leaves_is_given_up(way: str, value: str) -> None:
    world = world_with(drain_timeout=1.0)
    hearing = heard(world)
    world.sink.api = lambda _: None
    world.feed(P0, value)
    world.feed(P1, "zoe")
    getattr(world, way)(P0)
    world.run(5)

    assert hearing.ends == ["given up", None]
    assert not hearing.lives[0].on_wire, "the answers to what was on its way are heard"


def test_what_was_done_before_a_restart_is_not_heard_of_again() -> None:
    world = world_with()
    world.sink.api = lambda work: None if work.who == "ann" else (0.01, ACCEPTED)
    world.feed(P0, "ann", "bob", "bob")
    world.run(2)
    world.commit()
    world.lose(P0)
    world.run(1)
    hearing = heard(world)
    world.sink.api = lambda _: (0.01, ACCEPTED)
    world.assign(P0)
    world.deliver(P0)
    world.run(2)

    assert [life.record.offset for life in hearing.lives] == [0]


def test_a_record_that_nobody_follows_is_asked_for_once_and_never_again() -> None:
    world = world_with()
    hearing = heard(world, users="bob")
    world.feed(P0, "ann", "bob")
    world.run(1)

    assert hearing.asked == 2
    assert [life.record.offset for life in hearing.lives] == [1]
    assert hearing.ends == [DELIVERED]


def test_several_hear_the_same_and_each_follows_what_it_wants() -> None:
    world = world_with()
    everybody, of_bob = heard(world), heard(world, users="bob")
    world.sink.api = lambda work: (0.05, REJECTED if work.who == "bob" else ACCEPTED)
    world.feed(P0, "ann", "bob", "-")
    world.run(1)

    assert everybody.ends == [DELIVERED, LETTERED, FILTERED_OUT]
    assert [(life.record.offset, life.story) for life in of_bob.lives] == [(1, everybody.lives[1].story)]


def test_several_hear_of_elements_of_letters_that_kafka_refuses_and_of_a_partition_that_leaves() -> None:
    world = world_with(drain_timeout=1.0)
    first, second = heard(world), heard(world)
    refusals = [UNWRITABLE, None]
    world.letters.topic = lambda _: (0.01, refusals.pop(0))
    world.feed(P0, "[ann+!")
    world.run(30)
    world.sink.api = lambda _: None
    world.feed(P0, "bob")
    (work,) = world.works(P0)
    assert work.life is not None
    assert work.life.trace == "trace of orders/0/1"
    world.lose(P0)
    world.run(1)

    assert {told[0] for told in first.lives[0].story} == {"element", "began", "ended", "letter", "refused", "written"}
    assert first.ends == [LETTERED, "given up"]
    assert [life.story for life in second.lives] == [life.story for life in first.lives]
    assert second.ends == first.ends


def test_who_leaves_hears_of_no_further_record_and_the_end_of_those_it_follows() -> None:
    world = world_with()
    first, second = heard(world), heard(world)
    world.feed(P0, "ann")
    world.dispatcher.listeners.remove(first)
    world.feed(P0, "bob")
    world.run(1)
    assert (first.ends, second.ends) == ([DELIVERED], [DELIVERED, DELIVERED])

    world.dispatcher.listeners.remove(second)
    assert world.dispatcher.listeners.came_in is None, "nobody is asked any more"
    world.feed(P0, "cid")
    world.run(1)
    assert len(second.lives) == 2


def test_where_nobody_listens_nothing_is_kept_with_an_event() -> None:
    world = world_with()
    world.sink.api = lambda _: None
    world.feed(P0, "ann", "ann+bob", "[ann")
    world.run(1)
    assert [work.life for work in world.works(P0)] == [None, None, None]
