"""One event that fails for ever is poison; everything failing is an outage. What happens to the others decides."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bridge.config.sections import RetryPolicy
from bridge.holds import Reason
from bridge.model import TRACK, LetterReason, Retry, TopicPartition, Verdict
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import ACCEPTED, FAILED, REJECTED, THROTTLED, TIMED_OUT, unauthorized
from tests.unit.pipeline.world import World

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
QUICK = RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=1.0)


def failing(user: str, verdict: Verdict = FAILED) -> World:
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=QUICK))
    world.sink.api = lambda work: (0.05, verdict if work.who == user else ACCEPTED)
    return world


def flow(world: World, seconds: int, users: int = 50) -> None:
    for _ in range(seconds):
        world.feed(P1, *[f"user {i}" for i in range(users)])
        world.run(1)


@pytest.mark.parametrize("verdict", [FAILED, TIMED_OUT])
def test_one_user_failing_for_ever_becomes_poison_while_others_flow(verdict: Verdict) -> None:
    world = failing("bad", verdict)
    world.feed(P0, "bad")
    flow(world, 60)
    (letter,) = world.letters.written
    assert letter.reason is LetterReason.RETRIES_EXHAUSTED
    assert letter.attempts >= 12
    assert world.positions.committed[P0].offset == 1
    assert not world.dispatcher.governors[TRACK].outage.on


def test_one_user_failing_alone_is_no_outage_and_no_poison() -> None:
    world = failing("bad")
    world.feed(P0, *["bad"] * 50)
    world.run(600)
    assert world.event_log.named("blocked") == []
    assert world.letters.written == []
    world.feed(P0, "ann")
    world.run(0.1)
    assert world.sink.accepted == [(P0, 50, 0)], "nobody else is held up"


def test_fewer_than_twenty_other_users_prove_nothing() -> None:
    world = failing("bad")
    world.feed(P0, "bad")
    flow(world, 60, users=19)
    assert world.letters.written == []


@pytest.mark.parametrize("verdict", [FAILED, THROTTLED, TIMED_OUT])
def test_half_of_all_answers_failing_dead_letters_nothing(verdict: Verdict) -> None:
    rng = random.Random(7)  # noqa: S311 - repeatable on purpose
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=QUICK))
    world.sink.api = lambda _: (0.05, rng.choice([verdict, ACCEPTED]))
    for _ in range(30):
        world.feed(P0, *[f"user {i}" for i in range(40)])
        world.run(2)
    world.run(300)
    assert world.letters.written == []
    assert world.all_finished()


def test_an_outage_exhausts_nothing_however_long_it_lasts() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=QUICK))
    world.sink.api = lambda _: (0.05, FAILED)
    world.feed(P0, *[f"user {i}" for i in range(200)])
    world.run(3600)
    assert world.letters.written == []
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.run(10)
    assert world.all_finished()


def test_an_outage_sends_one_probe_at_a_time_over_rotating_lanes(world: World) -> None:
    world.sink.api = lambda _: (2.0, TIMED_OUT)
    world.feed(P0, *[f"user {i}" for i in range(200)])
    world.run(2.1)
    assert world.event_log.named("blocked") == [(Reason.OUTAGE, TIMED_OUT.detail)]
    world.run(300)
    probes = world.sink.sent[66:]  # two more went before the third answer made it an outage
    assert 5 < len(probes) < 60
    assert all(later[0] - earlier[0] >= 2.0 for earlier, later in pairwise(probes))
    assert len({user for _, _, user in probes}) == len(probes)


@pytest.mark.parametrize("verdict", [ACCEPTED, REJECTED])
def test_an_outage_ends_with_the_first_answer_that_gets_through(verdict: Verdict) -> None:
    retry = RetryPolicy.model_construct(initial_backoff=1000.0, max_backoff=1000.0)
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=retry))
    world.sink.api = lambda _: (0.05, FAILED)
    world.feed(P0, *[f"user {i}" for i in range(90)])
    world.run(1)
    assert world.dispatcher.parked > 60
    world.sink.api = lambda _: (0.05, verdict)
    world.run_until(lambda: not world.dispatcher.governors[TRACK].outage.on, 1000)
    world.run(1)
    assert world.dispatcher.tally.buffered == 0, "what was parked because of it goes at once"
    assert [entry[0] for entry in world.event_log.named("unblocked")] == [Reason.OUTAGE]


def test_a_run_of_connection_errors_is_an_outage_with_one_lane_alone(world: World) -> None:
    world.sink.api = lambda _: (0.05, Retry("connection", "refused"))
    world.feed(P0, "ann")
    world.run(120)
    assert world.dispatcher.governors[TRACK].outage.on


def test_a_429_is_never_an_outage_and_never_counts() -> None:
    world = failing("bad", THROTTLED)
    world.feed(P0, "bad")
    flow(world, 120)
    assert world.letters.written == []
    assert [entry[0] for entry in world.event_log.named("blocked")] == []


def test_after_a_lane_lost_a_record_its_next_ones_get_few_attempts_until_one_succeeds() -> None:
    world = failing("bad")
    world.feed(P0, *["bad"] * 4)
    flow(world, 200)
    attempts = [letter.attempts for letter in world.letters.written]
    assert attempts[0] >= 12
    assert max(attempts[1:]) < 12
    assert len(attempts) == 4
    world.sink.api = lambda _: (0.05, ACCEPTED)
    world.feed(P0, "bad")
    world.run(1)
    world.sink.api = lambda work: (0.05, FAILED if work.who == "bad" else ACCEPTED)
    world.feed(P0, "bad")
    flow(world, 60)
    assert world.letters.written[-1].attempts >= 12


# --- what the destination asks for --------------------------------------------------------------------


def test_retry_after_pauses_everybody_and_is_capped(world: World) -> None:
    answers = iter([Retry("rate_limited", "429", status=429, after=100_000.0)])
    world.sink.api = lambda _: (0.05, next(answers, ACCEPTED))
    world.feed(P0, "ann", *["bob"] * 3)
    world.run(1)
    sent = len(world.sink.sent)
    world.feed(P1, "cid")
    world.run(590)
    assert len(world.sink.sent) == sent
    world.run(20)
    assert world.all_finished()
    assert world.event_log.named("asked_to_wait") == [(600.0, "429")]


def test_a_503_with_retry_after_pauses_too(world: World) -> None:
    answers = iter([Retry("server_error", "503", status=503, after=30.0)])
    world.sink.api = lambda _: (0.05, next(answers, ACCEPTED))
    world.feed(P0, "ann")
    world.run(1)
    world.feed(P1, "bob")
    world.run(28)
    assert len(world.sink.sent) == 1
    world.run(60)
    assert world.all_finished()


def test_a_429_without_a_time_doubles_the_pause_up_to_the_ceiling() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=None, retry=RetryPolicy.model_construct(initial_backoff=1.0, max_backoff=8.0)
        )
    )
    world.sink.api = lambda _: (0.0, THROTTLED)
    world.feed(P0, "ann")
    world.run(60)
    times = [at for at, _, _ in world.sink.sent]
    assert [round(b - a) for a, b in pairwise(times)] == [1, 2, 4, 8, 8, 8, 8, 8, 8]


@pytest.mark.parametrize("after", [None, 0.0, 0.3, 5.0])
def test_the_longer_of_what_was_asked_for_and_the_own_backoff_is_waited_and_never_less(after: float | None) -> None:
    retry = RetryPolicy.model_construct(initial_backoff=1.0, max_backoff=8.0)
    world = World(DeliverySettings.model_construct(rate_limit=None, max_in_flight=1, retry=retry))
    world.sink.api = lambda _: (0.0, Retry("rate_limited", "429", status=429, after=after))
    world.feed(P0, *[f"user {n}" for n in range(50)])
    world.run(60)
    times = [at for at, _, _ in world.sink.sent]
    waits = [later - earlier for earlier, later in pairwise(times)]
    own = [1.0, 2.0, 4.0, *[8.0] * len(waits)]
    assert all(wait >= max(after or 0.0, least) for wait, least in zip(waits, own, strict=False))
    assert all(wait <= 1.03 * max(after or 0.0, least) + 1e-6 for wait, least in zip(waits, own, strict=False))
    assert len(set(waits)) > 3, "with some jitter on top"


@pytest.mark.parametrize("after", [0.0, 0.01])
def test_a_503_that_asks_for_no_wait_is_tried_no_sooner_than_one_that_asks_for_nothing(after: float) -> None:
    counts = []
    for asked in (None, after):
        world = World(
            DeliverySettings.model_construct(
                rate_limit=None, retry=RetryPolicy.model_construct(initial_backoff=1.0, max_backoff=8.0)
            )
        )
        world.sink.api = lambda _, asked=asked: (0.01, Retry("server_error", "503", status=503, after=asked))  # type: ignore[misc]
        world.feed(P0, "ann", "bob")
        world.run(120)
        counts.append(len(world.sink.sent))
    assert counts[1] <= counts[0]


def test_what_was_throttled_goes_first_when_the_pause_is_over(world: World) -> None:
    world.dispatcher.governors[TRACK].max_in_flight = 1
    answers = iter([THROTTLED])
    world.sink.api = lambda _: (0.05, next(answers, ACCEPTED))
    world.feed(P0, "ann", "bob", "cid")
    world.run(10)
    assert world.users_sent == ["ann", "ann", "bob", "cid"]


def test_a_retry_keeps_its_user_s_order(world: World) -> None:
    answers: Iterator[Verdict] = iter([FAILED, TIMED_OUT, THROTTLED, unauthorized(0)])
    world.sink.api = lambda _: (0.05, next(answers, ACCEPTED))
    world.feed(P0, *["ann"] * 5)
    world.run(120)
    assert [offset for _, offset, _ in world.sink.accepted] == [0, 1, 2, 3, 4]


def test_retries_that_wait_for_their_time_hold_no_permit() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=None, max_in_flight=2, retry=RetryPolicy.model_construct(initial_backoff=1000.0)
        )
    )
    world.sink.api = lambda work: (0.05, FAILED if work.who in ("x", "y") else ACCEPTED)
    world.feed(P0, "x", "y", *[f"user {i}" for i in range(50)])
    world.run(5)
    assert len(world.sink.accepted) == 50
    assert world.dispatcher.governors[TRACK].in_flight == 0


@pytest.mark.parametrize("seed", range(8))
def test_answers_to_what_was_in_flight_when_the_outage_began_do_not_put_off_the_first_probe(seed: int) -> None:
    """They come over many seconds, some after the time of the first probe, and are no probes."""
    retry = RetryPolicy.model_construct(initial_backoff=1.0, max_backoff=600.0)
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=retry), seed=seed)
    delays = iter([0.05] * 12 + [float(i) for i in range(1, 53)])
    world.sink.api = lambda _: (next(delays, 0.05), TIMED_OUT)
    world.feed(P0, *[f"user {i}" for i in range(100)])
    world.run(0.1)
    assert world.dispatcher.governors[TRACK].outage.on
    sent = len(world.sink.sent)
    world.run(70)
    assert world.sink.sent[sent][0] == pytest.approx(world.now - 70.1 + 52), "at once when the last of them is in"


def test_a_failure_that_does_not_count_ends_no_event_although_its_lane_lost_one_before() -> None:
    """Two events of one user, out of order: the first is lost, which shortens the budget the second has used half."""
    world = World(DeliverySettings.model_construct(ordering="none", rate_limit=None, retry=QUICK))
    world.sink.api = lambda work: (0.05, FAILED if work.who == "bad" else ACCEPTED)
    world.feed(P0, "bad", "bad")
    while min(work.counted for work in world.works(P0)) < 4:
        flow(world, 1)
    world.dispatcher.evidence.burn("bad")
    world.run(30)
    assert world.letters.written == [], "nobody else was sending: these failures say nothing of the event"


def test_an_event_that_is_another_s_by_now_does_not_shorten_the_budget_of_its_user() -> None:
    retry = RetryPolicy.model_construct(initial_backoff=0.1, max_backoff=1.0, max_attempts=2)
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=retry))
    world.sink.api = lambda work: None if work.who == "bad" else (0.05, ACCEPTED)
    world.sink.abort = lambda _: None  # type: ignore[method-assign]  # the answer is on its way already
    world.assign(P0, P1)
    world.feed(P0, "bad")
    (bad,) = world.sink.on_wire
    for last in (False, False, True):
        flow(world, 2)
        if last:
            world.lose(P0)
        world.sink.answer(bad, FAILED)
        flow(world, 2)
    assert bad.attempts == 3
    assert world.letters.written == []
    assert world.dispatcher.evidence.allowed("bad", 12) == 12


def test_a_429_for_a_partition_that_is_gone_pauses_everybody_all_the_same(world: World) -> None:
    world.sink.api = lambda _: None
    world.sink.abort = lambda _: None  # type: ignore[method-assign]  # the answer is on its way already
    world.assign(P0, P1)
    world.feed(P0, "ann")
    world.lose(P0)
    world.sink.answer_all(Retry("rate_limited", "429", status=429, after=30.0))
    world.feed(P1, "bob")
    world.run(29)
    assert world.users_sent == ["ann"]
    world.run(2)
    assert world.users_sent == ["ann", "bob"]


STALE = Retry("connection", "the connection was closed; it had carried others before", ambiguous=True, stale=True)


def test_connections_that_died_between_two_requests_are_no_outage_and_their_events_go_again_at_once() -> None:
    world = World(
        DeliverySettings.model_construct(
            rate_limit=None, retry=RetryPolicy.model_construct(initial_backoff=60.0, max_backoff=60.0)
        )
    )
    world.sink.api = lambda work: (0.05, STALE if work.attempts == 1 else ACCEPTED)
    world.feed(P0, *[f"user {i}" for i in range(200)])
    world.run(2)
    assert world.all_finished()
    assert world.event_log.named("blocked") == []
    assert world.dispatcher.tally.ambiguous == 200, "each may be a duplicate all the same"


def test_an_event_under_which_every_connection_dies_is_found_out_like_any_that_fails() -> None:
    world = failing("bad", STALE)
    world.feed(P0, "bad")
    flow(world, 60)
    (letter,) = world.letters.written
    assert letter.reason is LetterReason.RETRIES_EXHAUSTED


def test_a_destination_where_every_connection_dies_is_an_outage() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=QUICK))
    world.sink.api = lambda _: (0.05, STALE)
    world.feed(P0, *[f"user {i}" for i in range(50)])
    world.run(5)
    assert world.dispatcher.governors[TRACK].outage.on


def test_order_is_kept_over_connections_that_die() -> None:
    world = World(DeliverySettings.model_construct(rate_limit=None, retry=QUICK))
    world.sink.api = lambda work: (0.05, STALE if work.attempts == 1 and work.record.offset % 3 == 0 else ACCEPTED)
    world.feed(P0, *[f"user {i % 4}" for i in range(80)])
    world.run(60)
    assert world.all_finished()
    accepted = [offset for _, offset, _ in world.sink.accepted]
    for user in range(4):
        own = [offset for offset in accepted if offset % 4 == user]
        assert own == sorted(own)
