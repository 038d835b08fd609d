"""A bad key or a wrong address concerns every record: it must not burn them one by one."""

from __future__ import annotations

import pytest

from bridge.holds import Reason
from bridge.model import LetterReason, TopicPartition, Unauthorized, Verdict
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, THROTTLED, TIMED_OUT, unauthorized
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
USERS = [f"user {i}" for i in range(200)]


def with_good_keys(world: World, *good: int, seconds: float = 0.05) -> None:
    """What an API says that knows these keys; a request carries the key that was in force when it was sent."""

    def api(_: Work) -> tuple[float, Verdict]:
        key = world.credentials.generation
        return seconds, ACCEPTED if key in good else unauthorized(key)

    world.sink.api = api


def test_sixty_four_in_flight_when_the_key_dies_cost_hold_after_letters(world: World) -> None:
    with_good_keys(world)
    world.feed(P0, *USERS)
    world.run(5)
    assert len(world.letters.written) == 5
    assert {letter.reason for letter in world.letters.written} == {LetterReason.UNAUTHORIZED}
    assert len(world.sink.sent) == 64
    assert world.event_log.named("blocked") == [(Reason.UNAUTHORIZED, "Invalid API key")]


def test_attempts_that_the_key_made_fail_and_that_are_repeated_are_counted_as_retries(world: World) -> None:
    with_good_keys(world)
    world.feed(P0, *USERS)
    world.run(100)
    refused = len(world.sink.sent)
    assert refused == world.dispatcher.tally.retries["unauthorized"] + len(world.letters.written)


def test_held_one_real_event_probes_at_each_recheck_and_costs_nothing(world: World) -> None:
    with_good_keys(world)
    world.feed(P0, *USERS)
    world.run(100)
    assert len(world.letters.written) == 5
    assert 64 + 8 <= len(world.sink.sent) <= 64 + 10


def test_probes_take_turns_between_the_lanes(world: World) -> None:
    with_good_keys(world)
    world.feed(P0, *USERS)
    world.run(95)
    probes = world.users_sent[64:]
    assert len(set(probes)) == len(probes)


@pytest.mark.parametrize("verdict", [FAILED, TIMED_OUT, THROTTLED])
def test_a_probe_without_a_verdict_on_the_key_waits_for_the_next_recheck(world: World, verdict: Verdict) -> None:
    world.sink.api = lambda _: (0.05, unauthorized())
    world.feed(P0, *USERS)
    world.run(5)
    world.sink.api = lambda _: (0.05, verdict)
    sent = len(world.sink.sent)
    world.run(50)
    assert world.is_held()
    assert len(world.sink.sent) - sent <= 5


@pytest.mark.parametrize("verdict", [ACCEPTED, REJECTED])
def test_a_hold_ends_on_any_answer_that_proves_the_key(world: World, verdict: Verdict) -> None:
    world.sink.api = lambda _: (0.05, unauthorized())
    world.feed(P0, *USERS[:100])
    world.run(5)
    world.sink.api = lambda _: (0.05, verdict)
    world.run(30)
    assert not world.is_held()
    assert [name for name, *_ in world.event_log.entries if name in ("blocked", "unblocked")] == [
        "blocked",
        "unblocked",
    ]
    assert world.dispatcher.tally.buffered == 0


def test_a_hold_ends_on_a_changed_key_although_nothing_is_there_to_probe_it(world: World) -> None:
    with_good_keys(world)
    world.assign(P0)
    world.run(5)  # nothing else is on the alarm any more
    world.feed(P0, *USERS[:5])
    world.run(60)
    assert world.is_held()
    assert world.dispatcher.tally.buffered == 0
    world.credentials.file = 2
    world.run(10)
    assert not world.is_held()
    assert len(world.event_log.named("unblocked")) == 1


def test_the_key_file_is_read_again_at_each_recheck_while_held(world: World) -> None:
    with_good_keys(world)
    world.feed(P0, *USERS[:5])
    world.run(1)
    reads = world.credentials.reads
    world.run(100)
    assert 9 <= world.credentials.reads - reads <= 11


def test_a_changed_key_is_unproven_one_in_flight_until_an_answer_proves_it(world: World) -> None:
    with_good_keys(world, 2, seconds=1.0)
    world.feed(P0, *USERS)
    world.run(5)
    world.credentials.file = 2
    world.run_until(lambda: not world.is_held())
    world.run(0.9)
    assert len(world.sink.on_wire) == 1
    world.run(0.2)
    assert len(world.sink.on_wire) > 1
    world.run(60)
    assert world.all_finished()
    assert len(world.letters.written) == 5


def test_a_changed_key_that_is_bad_too_goes_on_with_the_hold_and_costs_no_letter(world: World) -> None:
    with_good_keys(world)
    world.feed(P0, *USERS)
    world.run(5)
    for generation in range(2, 12):
        world.credentials.file = generation
        world.run(25)
    assert len(world.letters.written) == 5
    assert world.is_held()


def test_an_answer_to_a_key_that_is_no_longer_the_file_s_is_a_retry(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, *USERS)
    world.credentials.file = 2
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.sink.answer_all(unauthorized(1))
    world.run(60)
    assert world.letters.written == []
    assert world.all_finished()


def test_late_answers_to_the_old_key_do_not_end_the_hold_on_the_new_one(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, *USERS)
    old = list(world.sink.on_wire)
    world.credentials.file = 2
    for work in old[:-3]:
        world.sink.answer(work, unauthorized(1))
    with_good_keys(world)
    world.sink.answer(old[-3], unauthorized(1))
    world.sink.answer(old[-2], ACCEPTED)  # was sent with the old key, when that was good
    world.run(5)
    assert world.is_held()
    held = len(world.sink.sent)
    world.sink.answer(old[-1], unauthorized(1))
    assert world.is_held()
    world.run(5)
    assert len(world.sink.sent) <= held + 1
    assert len(world.letters.written) <= 5


def test_a_key_that_was_changed_while_held_is_noticed_by_the_next_answer_too(world: World) -> None:
    world.sink.api = lambda _: (0.05, unauthorized(1))
    world.feed(P0, *USERS)
    world.run(9.99)
    assert world.is_held()
    world.credentials.file = 2
    world.credentials.refresh()  # somebody else, such as a request being built, read the file first
    with_good_keys(world, 2)
    world.run(20)
    assert not world.is_held()
    assert len(world.event_log.named("unblocked")) == len(world.event_log.named("blocked")) == 1


def test_other_answers_between_do_not_make_a_row(world: World) -> None:
    world.sink.api = lambda work: (0.05, unauthorized() if work.record.offset % 2 else ACCEPTED)
    world.feed(P0, *USERS)
    world.run(60)
    assert not world.is_held()
    assert len(world.letters.written) == 100


def test_after_the_first_bad_answer_the_next_request_waits_for_it(world: World) -> None:
    world.sink.api = lambda _: None
    world.feed(P0, *USERS)
    first, *others = list(world.sink.on_wire)
    world.sink.answer(first, unauthorized())
    assert len(world.sink.on_wire) == 63
    for work in others[:-1]:
        world.sink.answer(work, FAILED)
    assert len(world.sink.on_wire) == 1


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_wrong_address_is_held_like_a_wrong_key(world: World, status: int) -> None:
    world.sink.api = lambda _: (0.05, Unauthorized("no such path", status, 1))
    world.feed(P0, *USERS)
    world.run(5)
    assert len(world.letters.written) == 5


def test_hold_after_zero_makes_every_one_a_letter() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, hold_after_unauthorized=0, hold_after_letters=0))
    with_good_keys(world)
    world.feed(P0, *USERS)
    world.run(60)
    assert len(world.letters.written) == len(USERS)


def test_answers_for_partitions_that_are_gone_count_as_evidence_too(world: World) -> None:
    world.sink.api = lambda _: None
    world.sink.abort = lambda _: None  # type: ignore[method-assign]  # the answers are on their way already
    world.assign(P0, P1)
    world.feed(P0, *USERS)
    world.lose(P0)
    for work in list(world.sink.on_wire):
        world.sink.answer(work, unauthorized())
    assert world.is_held()
    world.feed(P1, "ann")
    world.run(0.1)
    assert world.users_sent[64:] == []
    assert world.letters.written == []
