"""What waits behind users whose events fail: how much, whose turn it is, and what is judged of them."""

from __future__ import annotations

import pytest

from bridge.config.sections import RetryPolicy
from bridge.model import TRACK, LetterReason, Retry, TopicPartition
from bridge.pipeline.queues.failing import ALL_USERS, ONE_USER, SIP
from bridge.pipeline.queues.ready_queue import AGAIN
from bridge.pipeline.retry import OTHERS_NEEDED, POISONED_AFTER, Evidence, Mark
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import NO_REQUEST
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, THROTTLED
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
QUICK = RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=1.0)


def failing(max_buffered: int = 10, verdict: Retry = FAILED, retry: RetryPolicy = QUICK) -> World:
    world = World(DeliverySettings.model_construct(rate_limit=None, max_buffered=max_buffered, retry=retry))
    world.sink.api = lambda work: (0.05, verdict if (work.who or "").startswith("bad") else ACCEPTED)
    return world


def read(world: World, partition: TopicPartition, most: int = 1000) -> int:
    """As much as there is room for, one round after the other."""
    taken = 0
    while (count := world.deliver(partition, most=5)) and taken < most:
        taken += count
        world.run(0.2)
    return taken


def test_what_waits_behind_a_failing_event_takes_no_room_from_the_others() -> None:
    world = failing()
    world.feed(P0, "bad")
    world.run(0.1)
    world.write(P0, *["bad"] * 30)
    assert read(world, P0) == 30
    assert world.dispatcher.room()[0] == 10
    assert world.dispatcher.tally.behind == 31
    world.feed(P1, "ann")
    world.run(0.1)
    assert (P1, 0, 0) in world.sink.accepted


def test_a_user_over_its_bound_pauses_its_partition_until_there_is_room_and_the_others_go_on() -> None:
    world = failing(retry=RetryPolicy.model_construct(initial_backoff=500.0, max_backoff=500.0))
    world.assign(P0, P1)
    world.feed(P0, "bad")
    world.run(0.1)
    world.write(P0, *["bad"] * 200)
    read(world, P0)
    assert ONE_USER * 10 < world.dispatcher.tally.behind <= ONE_USER * 10 + 5
    assert world.positions.paused == {world.owned[P0]}
    world.write(P1, *[f"user {n}" for n in range(50)])
    assert read(world, P1) == 50
    assert len(world.sink.accepted) == 50
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(520)
    assert world.positions.paused == set()
    for _ in range(100):
        world.deliver(P0)
        world.run(1)
    assert world.all_finished()
    assert world.dispatcher.tally.behind == 0


def test_all_failing_users_together_are_bounded_too() -> None:
    world = failing(retry=RetryPolicy.model_construct(initial_backoff=500.0, max_backoff=500.0))
    users = [f"bad {n % 20}" if n % 4 else f"user {n}" for n in range(800)]
    world.assign(P0, P1)
    world.write(P0, *users)
    read(world, P0)
    assert ALL_USERS * 10 < world.dispatcher.tally.behind <= ALL_USERS * 10 + 10
    assert world.positions.paused == {world.owned[P0]}


def test_bytes_behind_failing_users_leave_the_others_a_part_of_the_room() -> None:
    settings = DeliverySettings.model_construct(rate_limit=None, max_buffered=1000, max_buffered_bytes=400, retry=QUICK)
    world = World(settings)
    world.sink.api = lambda work: (0.05, FAILED if work.who == "bad" else ACCEPTED)
    world.assign(P0, P1)
    world.write(P0, *["bad"] * 400)
    read(world, P0)
    assert world.dispatcher.tally.behind_bytes < 300 + SIP * 3
    assert world.positions.paused == {world.owned[P0]}


@pytest.mark.parametrize("leaves", ["revoke", "lose"])
def test_a_partition_that_leaves_takes_what_waited_behind_its_failing_events_along(leaves: str) -> None:
    world = failing()
    world.assign(P0, P1)
    world.feed(P0, "bad", "bad+bad 2", "bad 2")
    world.run(0.1)
    world.write(P0, *["bad"] * 20)
    read(world, P0)
    world.feed(P1, "bad")
    getattr(world, leaves)(P0)
    world.run(1)
    assert (world.dispatcher.tally.behind, world.dispatcher.failing.count()) == (1, (1, 3))
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(3)
    assert (world.dispatcher.tally.behind, world.dispatcher.failing.lengths) == (0, {})


def test_without_an_order_each_failing_event_is_counted_by_itself() -> None:
    world = World(DeliverySettings.model_construct(ordering="none", rate_limit=None, max_buffered=10, retry=QUICK))
    world.sink.api = lambda work: (0.05, FAILED if work.who == "bad" else ACCEPTED)
    world.feed(P0, *["bad"] * 10)
    world.run(0.5)
    assert (world.dispatcher.tally.behind, world.dispatcher.room()[0]) == (10, 10)
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(5)
    assert (world.dispatcher.tally.behind, world.dispatcher.failing.lengths) == (0, {})


def test_a_user_that_recovers_with_much_behind_it_leaves_room_for_the_others_at_once() -> None:
    world = failing(max_buffered=10)
    world.feed(P0, "bad")
    world.run(0.1)
    world.write(P0, *["bad"] * 35)
    read(world, P0)
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run_until(lambda: len(world.sink.accepted) > 1)
    assert world.dispatcher.room()[0] == 10


# --- turns --------------------------------------------------------------------------------------------


def test_of_five_turns_one_is_for_what_failed_before_while_anything_else_is_ready() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=None, max_in_flight=1, retry=RetryPolicy.model_construct(max_backoff=0.01)
        )
    )
    world.sink.api = lambda work: (0.05, FAILED if (work.who or "").startswith("bad") else ACCEPTED)
    world.feed(P0, *[f"bad {n}" for n in range(8)], *[f"user {n}" for n in range(400)])
    world.run(5)
    retries = sum(user.startswith("bad") for user in world.users_sent[8:])
    assert len(world.users_sent) > 80
    assert retries <= len(world.users_sent) / AGAIN + 1


def test_slow_failures_leave_places_on_the_wire_for_whoever_comes() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=None, max_in_flight=8, retry=RetryPolicy.model_construct(max_backoff=0.01)
        )
    )
    world.sink.api = lambda work: (10.0, FAILED) if (work.who or "").startswith("bad") else (0.05, ACCEPTED)
    world.feed(P0, *[f"bad {n}" for n in range(5)])
    world.run(100)
    world.feed(P0, *[f"user {n}" for n in range(50)])
    world.run(3)
    assert len(world.sink.accepted) == 50


def test_an_outage_is_probed_with_users_that_have_not_failed_and_ends_at_the_first_success() -> None:
    """Ten of the first users fail for a reason of their own; all others would be accepted."""
    world = World(DeliverySettings.model_construct(rate_limit=None, max_in_flight=16))
    world.sink.api = lambda work: (0.05, FAILED if (work.who or "").startswith("bad") else ACCEPTED)
    world.feed(P0, *[f"bad {n}" for n in range(10)])
    world.run(0.06)
    assert world.dispatcher.governors[TRACK].outage.on
    world.feed(P0, *[f"user {n}" for n in range(100)])
    world.run(1.2)
    assert len(world.sink.accepted) == 100


def test_probes_find_the_one_user_in_ten_whose_events_do_not_fail_wherever_it_stands() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=None, retry=RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=1.0)
        )
    )
    world.sink.api = lambda work: (0.05, FAILED if (work.who or "").startswith("bad") else ACCEPTED)
    world.feed(P0, *[f"bad {n}" for n in range(900)], *[f"user {n}" for n in range(100)])
    world.run(60)
    assert len(world.sink.accepted) == 100


# --- 429 for one --------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [None, 0.0, 5.0])
def test_a_429_for_one_user_only_slows_nobody_else_once_that_is_known(after: float | None) -> None:
    world = failing(2000, Retry("rate_limited", "429", status=429, after=after))
    world.feed(P0, "bad")
    for n in range(60):
        world.feed(P1, *[f"user {n} {i}" for i in range(20)])
        world.run(1)
    assert len(world.event_log.named("asked_to_wait")) < 6
    assert len(world.sink.accepted) == 60 * 20
    assert world.letters.written == []


def test_a_429_for_everybody_pauses_everybody_every_time() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, max_in_flight=4))
    world.sink.api = lambda _: (0.05, THROTTLED)
    world.feed(P0, *[f"user {n}" for n in range(100)])
    world.run(60)
    assert len(world.sink.sent) < 40


# --- evidence -----------------------------------------------------------------------------------------


def judged(*, first_failures: int = 0, repeats: int = 0, recoveries: int = 0, successes: int = 100) -> bool:
    found = Evidence()
    since = found.failed(None, FAILED, alone=False)
    before = Mark(0, 0, 0, 0, 0)
    for n in range(successes):
        found.succeeded(f"user {n}")
    for _ in range(first_failures):
        found.failed(None, FAILED, alone=False)
    for _ in range(repeats):
        found.failed(before, FAILED, alone=False)
    for _ in range(recoveries):
        found.recovered()
    return found.speaks_against("bad", since)


def test_users_that_keep_failing_are_no_sign_of_an_outage() -> None:
    assert judged(repeats=1000), "all of them failed before"
    assert judged(first_failures=100, repeats=100), "half of all fail, and those that failed fail again"
    assert not judged(first_failures=100, repeats=100, recoveries=50), "they fail now and are accepted then"
    assert not judged(first_failures=100), "nobody knows yet whether they fail again"
    assert not judged(repeats=1000, successes=OTHERS_NEEDED - 1)


def test_a_user_that_lost_three_in_a_row_gets_one_attempt_each_as_long_as_others_are_accepted() -> None:
    found = Evidence()
    for _ in range(POISONED_AFTER):
        assert not found.poisoned("bad")
        found.burn("bad")
    assert found.poisoned("bad")
    assert found.allowed("bad", 12) == 1
    assert not found.spend(), "nobody was accepted since"
    found.succeeded("ann")
    assert [found.spend() for _ in range(3)] == [True, True, False]
    for n in range(1000):
        found.succeeded(f"user {n}")
    found.doubt()
    assert not found.spend(), "an outage began"
    found.succeeded("bad")
    assert not found.poisoned("bad")


def test_a_poisoned_user_s_events_end_as_fast_as_they_come() -> None:
    world = failing(2000)
    for n in range(200):
        world.feed(P0, *["bad"] * 10)
        world.feed(P1, *[f"user {n} {i}" for i in range(10)], *[f"user {i}" for i in range(15)])
        world.run(1)
    assert len(world.letters.written) > 1500
    assert {letter.reason for letter in world.letters.written} == {LetterReason.RETRIES_EXHAUSTED}
    assert world.dispatcher.tally.behind < 300


# --- what is said of them -----------------------------------------------------------------------------


def test_an_event_is_told_of_once_when_it_failed_for_the_third_time() -> None:
    answer = Retry("server_error", "the API answered 500", status=500, request_id="r-1")
    world = failing(2000, answer)
    world.feed(P0, "bad", "bad", "ann")
    world.run_until(lambda: len(world.event_log.named("retrying")) == 1)
    [(told,)] = world.event_log.named("retrying")
    assert (told.partition, told.offset, told.attempts, told.behind) == (P0, 0, 3, 1)
    assert (told.counted, told.allowed, told.answer) == (0, 12, answer)
    assert 0.0 <= told.next_in <= 1.0
    world.run(60)
    assert len(world.event_log.named("retrying")) == 1


def test_what_fails_is_listed_with_its_last_answer_and_forgotten_when_it_is_accepted() -> None:
    world = failing(2000)
    world.feed(P0, "bad 1", "bad 2", "bad 1", "bad 3+bad 4", "ann")
    for n in range(10):
        world.feed(P1, *[f"user {n} {i}" for i in range(30)])
        world.run(1)
    listed = world.dispatcher.retried(3)
    assert len(listed) == 3
    assert len(world.dispatcher.retried(100)) == 4
    assert all(each.answer == FAILED and each.counted > 0 for each in listed)
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(3)
    assert world.dispatcher.retried(100) == []


def test_a_record_that_failed_and_can_no_longer_be_mapped_is_listed_without_a_route() -> None:
    world = failing()
    world.feed(P0, "bad")
    (work,) = world.works(P0)
    assert world.dispatcher.answers.retried(work).route == "test"
    work.request = NO_REQUEST
    assert world.dispatcher.answers.retried(work).route is None


def test_without_an_order_what_fails_is_listed_too() -> None:
    world = World(DeliverySettings.model_construct(ordering="none", rate_limit=None, retry=QUICK))
    world.sink.api = lambda work: (0.05, FAILED if work.who == "bad" else ACCEPTED)
    world.feed(P0, "bad", "bad", "ann")
    world.run(1)
    assert [each.offset for each in world.dispatcher.retried(10)] == [0, 1]
