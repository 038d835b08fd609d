"""Order: what is kept behind each other, what runs side by side, and whose turn it is."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.sections import Ordering
from bridge.counts import Tally
from bridge.model import TRACK, Record, Request, TopicPartition
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.key_queues import KeyQueues
from bridge.pipeline.queues.ready_queue import ReadyQueue
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, EventState, PartitionWork, QueueKey, Work
from tests.unit.pipeline.fakes import ACCEPTED, ROUTE, FakePositions, VirtualTime
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
Q0 = TopicPartition("payments", 0)


def partition(topic: str, number: int = 0) -> PartitionWork:
    tracker: OffsetTracker[Entry] = OffsetTracker(TopicPartition(topic, number), 0)
    return PartitionWork(tracker, TopicLetters(topic, 0), 0.0)


def lanes_of_none() -> KeyQueues:
    return KeyQueues(Failing(DeliverySettings.model_construct(), Tally(), FakePositions(VirtualTime()), lambda _: None))


def work(of: PartitionWork, offset: int, key: QueueKey = None) -> Work:
    record = Record(*of.tracker.partition, offset, None, None, b"", ())
    return Work(of, record, 0, 0, Request(TRACK, "ann", "Tested", b"", ROUTE), key)


# --- lanes --------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.sampled_from(["push a", "push b", "push c", "advance"]), st.integers(0, 2)), max_size=80))
def test_a_lane_is_first_in_first_out_and_only_its_head_may_go(steps: list[tuple[str, int]]) -> None:
    lanes, owner = lanes_of_none(), partition("orders")
    model: dict[str, list[Work]] = {"a": [], "b": [], "c": []}
    for offset, (step, which) in enumerate(steps):
        name = step[-1] if step.startswith("push") else "abc"[which]
        queue = model[name]
        if step.startswith("push"):
            pushed = work(owner, offset, name)
            assert lanes.push(pushed) == (not queue)
            queue.append(pushed)
        elif queue:
            assert lanes.advance(queue.pop(0)) is (queue[0] if queue else None)
        assert set(lanes) == {each[0] for each in model.values() if each}
    assert len(lanes) == sum(1 for queue in model.values() if queue)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60), st.lists(st.sampled_from("abc")))
def test_a_purge_keeps_the_order_of_the_rest_and_re_arms_every_lane_that_lost_its_head(
    pushed: list[tuple[str, bool]], later: list[str]
) -> None:
    lanes, stays, leaves = lanes_of_none(), partition("orders", 0), partition("orders", 1)
    model: dict[str, list[Work]] = {"a": [], "b": [], "c": []}
    for offset, (name, going) in enumerate(pushed):
        each = work(leaves if going else stays, offset, name)
        lanes.push(each)
        model[name].append(each)
    gone, rearmed = lanes.purge(lambda each: each.partition is leaves)
    kept = {name: [each for each in queue if each.partition is stays] for name, queue in model.items()}
    assert set(gone) == {each for queue in model.values() for each in queue} - {e for q in kept.values() for e in q}
    assert all(each.state is EventState.GONE for each in gone)
    assert set(rearmed) == {kept[name][0] for name in kept if kept[name] and kept[name][0] is not model[name][0]}
    for name in later:
        each = work(stays, 100, name)
        assert lanes.push(each) == (not kept[name])
        kept[name].append(each)
    for queue in kept.values():
        for head, following in zip_longest(queue, queue[1:]):
            assert lanes.advance(head) is following
    assert len(lanes) == 0


def test_without_a_key_nothing_is_kept_in_order() -> None:
    lanes, owner = lanes_of_none(), partition("orders")
    first, second = work(owner, 0), work(owner, 1)
    assert lanes.push(first)
    assert lanes.push(second)
    assert lanes.advance(first) is None
    assert len(lanes) == 0


# --- turns --------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from("abcd"), max_size=60))
def test_topics_take_turns_and_each_is_first_in_first_out(topics: list[str]) -> None:
    turns, owners = ReadyQueue(64), {name: partition(name) for name in "abcd"}
    waiting = Counter(topics)
    for offset, name in enumerate(topics):
        turns.push(work(owners[name], offset))
    assert bool(turns) == bool(topics)
    last: dict[str, int] = {}
    while waiting.total():
        round_of = [name for name in "abcd" if waiting[name]]
        popped = [turns.pop() for _ in round_of]
        assert sorted(each.record.topic for each in popped if each) == round_of, "one of each that has something"
        for each in popped:
            assert each is not None
            assert each.record.offset > last.get(each.record.topic, -1)
            last[each.record.topic] = each.record.offset
            waiting[each.record.topic] -= 1
    assert turns.pop() is None
    assert all(owner.ready == 0 for owner in owners.values())


def test_what_left_its_lane_is_passed_over() -> None:
    turns, owner = ReadyQueue(64), partition("orders")
    first, second = work(owner, 0), work(owner, 1)
    turns.push(first)
    turns.push(second)
    first.state = EventState.GONE
    assert turns.pop() is second
    assert turns.pop() is None


def test_what_got_its_turn_back_goes_before_the_others_of_its_topic() -> None:
    turns, owner = ReadyQueue(64), partition("orders")
    first, second, third = (work(owner, offset) for offset in range(3))
    for each in (first, second):
        turns.push(each)
    turns.push_first(third)
    assert [turns.pop(), turns.pop(), turns.pop()] == [third, first, second]


def test_a_purge_takes_out_what_leaves_and_leaves_the_rest_in_order() -> None:
    turns, stays, leaves = ReadyQueue(64), partition("orders", 0), partition("orders", 1)
    works = [work(leaves if offset % 2 else stays, offset) for offset in range(6)]
    for each in works:
        turns.push(each)
    assert turns.purge(lambda each: each.partition is leaves) == works[1::2]
    assert (stays.ready, leaves.ready) == (3, 0)
    assert [turns.pop() for _ in range(3)] == works[::2]
    assert turns.pop() is None


# --- through the dispatcher ---------------------------------------------------------------------------


def test_two_events_of_one_user_are_never_in_flight_together_over_all_partitions_and_topics(world: World) -> None:
    world.sink.api = lambda _: (0.5, ACCEPTED)
    world.assign(P0, P1, Q0)
    for each in (P0, P1, Q0):
        world.feed(each, *["ann"] * 5, "bob")
    world.run(30)
    world.check_order()
    assert len(world.sink.accepted) == 18


def test_different_users_of_one_partition_run_side_by_side(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, *[f"user {i}" for i in range(100)])
    assert len(world.sink.on_wire) == 64


@pytest.mark.parametrize(
    ("ordering", "together"),
    [
        ("user", {("ann", 0), ("bob", 0)}),
        ("key", {("ann", 0), ("ann", 1), ("bob", 0)}),
        ("partition", {("ann", 0)}),
        ("none", {("ann", 0), ("ann", 1), ("bob", 0)}),
    ],
)
def test_the_ordering_says_what_waits_for_what(ordering: Ordering, together: set[tuple[str, int]]) -> None:
    """In P0: ann with key k1, ann with key k2, bob with key k3."""
    world = World(DeliverySettings.model_construct(ordering=ordering, rate_limit=None))
    world.sink.api = lambda _: None
    world.assign(P0)
    for value, key in (("ann", b"k1"), ("ann", b"k2"), ("bob", b"k3")):
        world.feed(P0, value, key=key)
    offsets = {"ann": [0, 1], "bob": [2]}
    sent = {(user, offsets[user].index(event[1])) for _, event, user in world.sink.sent}
    assert sent == together


def test_records_without_a_key_are_ordered_by_their_partition() -> None:
    world = World(DeliverySettings.model_construct(ordering="key", rate_limit=None))
    world.sink.api = lambda _: None
    world.feed(P0, "ann", "bob")
    world.feed(P1, "cid")
    assert world.users_sent == ["ann", "cid"]


def test_a_backlog_of_one_topic_does_not_starve_another() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=10.0))
    world.assign(P0, Q0)
    world.feed(P0, *[f"user {i}" for i in range(500)])
    world.feed(Q0, *[f"other {i}" for i in range(20)])
    world.dispatcher.set_rate(10.0, world.now)
    world.dispatcher.pump()
    world.run(3.95)
    topics = Counter(event[0].topic for _, event, _ in world.sink.sent)
    assert abs(topics["orders"] - topics["payments"]) <= 1
    assert topics.total() >= 39


def test_a_user_with_most_of_the_events_does_not_hold_up_the_others(world: World) -> None:
    world.sink.api = lambda _: (0.1, ACCEPTED)
    world.feed(P0, *["hot"] * 900, *[f"user {i}" for i in range(100)])
    world.run(1)
    assert {user for user in world.users_sent if user != "hot"} == {f"user {i}" for i in range(100)}
