"""The small state machines of the governor, transition by transition."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.sections import RetryPolicy
from bridge.holds import Reason
from bridge.model import DeadLetter, LetterReason, Record
from bridge.pipeline.budget.governor import Governor, Outage
from bridge.pipeline.budget.key_guard import KeyGuard, KeyRuling
from bridge.pipeline.budget.membership import Membership
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.retry import Evidence, backoff
from bridge.pipeline.settings import DeliverySettings
from tests.unit.pipeline.fakes import FAILED, unauthorized

RETRY = RetryPolicy.model_construct()
LETTER = DeadLetter(Record("orders", 0, 7, None, None, b"{", ()), LetterReason.UNDECODABLE, "no JSON")


def rng() -> random.Random:
    return random.Random(1)  # noqa: S311 - repeatable on purpose


# --- backoff ------------------------------------------------------------------------------------------


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_a_backoff_is_fully_jittered_below_a_doubling_ceiling(failures: int, seed: int) -> None:
    drawn = backoff(failures, RETRY, random.Random(seed))  # noqa: S311 - repeatable on purpose
    assert 0.0 <= drawn <= min(60.0, 2.0 ** min(max(failures, 1) - 1, 30))


def test_backoffs_of_the_same_failure_differ() -> None:
    source = rng()
    drawn = [backoff(5, RETRY, source) for _ in range(400)]
    assert min(drawn) < 1.6
    assert max(drawn) > 14.4


# --- evidence -----------------------------------------------------------------------------------------


def evidence(successes: int, failures: int, lanes: int = 100) -> tuple[Evidence, bool]:
    found = Evidence()
    mark = found.failed(None, FAILED, alone=False)
    for _ in range(failures):
        found.failed(None, FAILED, alone=False)
    for n in range(successes):
        found.succeeded(f"user {n % lanes}")
    return found, found.speaks_against("bad", mark)


@pytest.mark.parametrize(
    ("successes", "failures", "lanes", "speaks"),
    [
        (20, 0, 100, True),
        (19, 0, 100, False),
        (100, 0, 19, False),
        (100, 0, 20, True),
        (90, 10, 100, False),
        (91, 9, 100, True),
        (100_000, 5, 100, True),
        (0, 0, 100, False),
    ],
)
def test_a_failure_speaks_against_an_event_when_twenty_others_got_through_and_few_failed(
    successes: int, failures: int, lanes: int, *, speaks: bool
) -> None:
    assert evidence(successes, failures, lanes)[1] is speaks


def test_the_event_s_own_lane_is_none_of_the_others() -> None:
    found = Evidence()
    mark = found.failed(None, FAILED, alone=False)
    for n in range(20):
        found.succeeded("bad" if n == 0 else f"user {n}")
    assert not found.speaks_against("bad", mark)
    found.succeeded("user 20")
    assert found.speaks_against("bad", mark)


def test_a_lane_that_lost_an_event_gets_few_attempts_until_one_succeeds() -> None:
    found = Evidence()
    assert found.allowed("bad", 12) == 12
    found.burn("bad")
    assert found.allowed("bad", 12) == 3
    assert found.allowed("bad", 2) == 2
    assert found.allowed("ann", 12) == 12
    found.succeeded("bad")
    assert found.allowed("bad", 12) == 12


def test_the_memory_of_burnt_lanes_is_bounded() -> None:
    found = Evidence()
    for n in range(20_000):
        found.burn(n)
    assert found.allowed(19_999, 12) == 3
    assert found.allowed(0, 12) == 12


# --- outage -------------------------------------------------------------------------------------------


def test_ten_failures_in_a_row_of_two_lanes_are_an_outage() -> None:
    outage = Outage(RETRY, rng())
    begins = [outage.failed(f"user {n % 2}", "503", transport=False, now=0.0) for n in range(12)]
    assert begins == [False] * 9 + [True] + [False] * 2
    assert outage.on
    assert 0.0 <= outage.probe_at <= 1.0


def test_one_lane_is_no_outage_however_often_it_fails() -> None:
    outage = Outage(RETRY, rng())
    assert not any(outage.failed("bad", "503", transport=False, now=0.0) for _ in range(1000))


def test_a_success_in_between_ends_the_row() -> None:
    outage = Outage(RETRY, rng())
    for n in range(100):
        assert not outage.failed(f"user {n}", "503", transport=False, now=0.0)
        if n % 9 == 8:
            assert not outage.succeeded(), "there was no outage to end"


def test_three_failed_connections_in_a_row_are_an_outage_with_one_lane() -> None:
    outage = Outage(RETRY, rng())
    assert not outage.failed("ann", "refused", transport=True, now=0.0)
    assert not outage.failed("ann", "refused", transport=True, now=0.0)
    assert not outage.failed("ann", "503", transport=False, now=0.0), "an answer: it is there"
    assert not outage.failed("ann", "refused", transport=True, now=0.0)
    assert not outage.failed("ann", "refused", transport=True, now=0.0)
    assert outage.failed("ann", "refused", transport=True, now=0.0)


def test_probes_become_rarer_up_to_the_ceiling_and_a_new_outage_begins_quickly() -> None:
    source = rng()
    outage = Outage(RETRY, source)
    for n in range(10):
        outage.failed(f"user {n}", "503", transport=False, now=0.0)
    waits = []
    for _ in range(60):
        now = outage.probe_at
        outage.probing()
        outage.failed("ann", "503", transport=False, now=now)
        waits.append(outage.probe_at - now)
    assert max(waits) <= 60.0
    assert sum(waits[30:]) / 30 > 15
    assert outage.succeeded()
    assert not outage.on
    for n in range(10):
        outage.failed(f"user {n}", "503", transport=False, now=5000.0)
    assert outage.probe_at <= 5001.0


# --- the key ------------------------------------------------------------------------------------------


def state(guard: KeyGuard) -> str:
    if guard.held:
        return "held"
    return "one at a time" if guard.one_at_a_time else "proven"


def test_the_key_s_states_follow_each_other() -> None:
    guard = KeyGuard(hold_after=3, recheck=10.0)
    assert state(guard) == "proven"
    assert [guard.unauthorized(unauthorized(1), 1, 0.0) for _ in range(2)] == [KeyRuling.LETTER] * 2
    assert state(guard) == "one at a time"
    assert guard.unauthorized(unauthorized(1), 1, 0.0) is KeyRuling.LETTER
    assert state(guard) == "held"
    assert guard.unauthorized(unauthorized(1), 1, 0.0) is KeyRuling.BACK
    assert guard.rechecked(2, 10.0)
    assert state(guard) == "one at a time"
    assert guard.unauthorized(unauthorized(2), 2, 11.0) is KeyRuling.BACK
    assert state(guard) == "held"
    assert guard.proven()
    assert state(guard) == "proven"
    assert not guard.proven(), "only once"


def test_a_recheck_that_finds_the_same_key_changes_nothing() -> None:
    guard = KeyGuard(hold_after=1, recheck=10.0)
    guard.unauthorized(unauthorized(1), 1, 0.0)
    assert not guard.recheck_due(9.9)
    assert guard.recheck_due(10.0)
    assert not guard.rechecked(1, 10.0)
    assert guard.held
    assert not guard.recheck_due(19.9)
    assert guard.recheck_due(20.0)


@given(st.lists(st.sampled_from(["bad", "good", "other"]), max_size=200), st.integers(1, 6))
def test_a_hold_costs_at_most_hold_after_letters_and_so_does_any_row(answers: list[str], hold_after: int) -> None:
    guard = KeyGuard(hold_after, recheck=10.0)
    row = 0
    for answer in answers:
        if answer == "good":
            guard.proven()
            row = 0
        elif answer == "bad":
            row += guard.unauthorized(unauthorized(1), 1, 0.0) is KeyRuling.LETTER
            assert row <= hold_after


# --- membership ---------------------------------------------------------------------------------------


def test_membership_is_believed_for_a_session_after_its_last_proof() -> None:
    membership = Membership(45.0, 0.0)
    assert not membership.is_member(0.0)
    assert membership.age(0.0) is None
    membership.answered(1.0)
    assert membership.is_member(45.9)
    assert not membership.is_member(46.0)
    assert membership.age(46.0) == 45.0
    assert membership.doubted_since(50.0) == 46.0


def test_a_gap_of_more_than_two_seconds_needs_a_proof_that_was_asked_for_after_it() -> None:
    membership = Membership(45.0, 0.0)
    membership.answered(0.0)
    membership.looked(2.0)
    assert membership.is_member(2.0)
    membership.looked(4.1)
    assert not membership.is_member(4.1)
    membership.answered(4.0)
    assert not membership.is_member(4.2)
    membership.answered(4.1)
    assert membership.is_member(4.2)


def test_an_older_proof_that_comes_late_takes_nothing_back() -> None:
    membership = Membership(45.0, 0.0)
    membership.answered(10.0)
    membership.answered(5.0)
    assert membership.age(10.0) == 0.0


def test_the_coordinator_is_asked_in_time_and_at_most_once_a_second() -> None:
    membership = Membership(45.0, 0.0)
    assert membership.should_ask(0.0)
    assert not membership.should_ask(0.9)
    assert membership.should_ask(1.0)
    membership.answered(1.0)
    assert not membership.should_ask(15.9)
    assert membership.should_ask(16.0)
    membership.forget(17.0)
    assert membership.should_ask(17.0)


# --- the breaker --------------------------------------------------------------------------------------


def test_a_row_of_letters_ends_before_the_next() -> None:
    topic = TopicLetters("orders", 3)
    assert [topic.admits(LETTER) for _ in range(5)] == [True] * 3 + [False] * 2


def test_letters_go_on_after_something_was_delivered() -> None:
    topic = TopicLetters("orders", 1)
    assert [topic.admits(LETTER), topic.admits(LETTER)] == [True, False]
    topic.end_row()
    assert topic.admits(LETTER)


def test_a_held_topic_stays_held() -> None:
    topic = TopicLetters("orders", 1)
    topic.held = True
    topic.end_row()
    assert not topic.admits(LETTER)


# --- all together -------------------------------------------------------------------------------------


def test_a_no_names_the_first_reason_an_operator_should_hear_and_when_to_ask_again() -> None:
    settings = DeliverySettings.model_construct(rate_limit=None, max_in_flight=2)
    governor = Governor(settings, KeyGuard(5, 10.0), Membership(45.0, 0.0), rng(), 0.0)
    assert reason(governor) is Reason.MEMBERSHIP
    governor.membership.answered(0.0)
    assert reason(governor) is None
    governor.pacer.set_rate(1.0, 0.0)
    governor.started(0.0)
    assert reason(governor) is Reason.RATE_LIMITED
    governor.pacer.set_rate(None, 0.0)
    governor.started(0.0)
    assert reason(governor) is Reason.IN_FLIGHT
    for n in range(10):
        governor.outage.failed(n, "503", transport=False, now=0.0)
    assert reason(governor) is Reason.OUTAGE
    assert governor.pause(30.0, "429", 0.0)
    assert not governor.pause(60.0, "429", 0.0), "one pause, prolonged"
    assert reason(governor) is Reason.RETRY_AFTER
    block = governor.block(0.0)
    assert block is not None
    assert block.until == 60.0
    for _ in range(5):
        governor.key.unauthorized(unauthorized(1), 1, 0.0)
    assert reason(governor) is Reason.UNAUTHORIZED


def reason(governor: Governor) -> Reason | None:
    block = governor.block(0.0)
    return block.reason if block else None
