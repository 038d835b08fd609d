from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.protocol import NoSchema, Schema
from bridge.registry.outcomes import LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.policy import LONGEST_PAUSE, AskAgain, Attempt, Decided, Waiting, decide

SCHEMA = Schema("avro", '"string"')
TROUBLES = [kind for kind in LookupResult if kind not in {"found", "unknown", "unusable"}]
NEW = Waiting()
UNKNOWN = UnknownReference("schema id 42")


def after(attempt: Attempt, waiting: Waiting = NEW, *, now: float = 0.0, luck: float = 0.0) -> Decided | AskAgain:
    return decide(attempt, waiting, now=now, unknown_after=60.0, luck=luck)


def again(step: Decided | AskAgain) -> AskAgain:
    assert isinstance(step, AskAgain)
    return step


def test_a_schema_is_known_and_what_nobody_can_use_is_decided_at_once() -> None:
    assert after(SCHEMA) == Decided(SCHEMA, LookupResult.FOUND)
    assert after(UnusableSchema("it is XML")) == Decided(NoSchema("it is XML"), LookupResult.UNUSABLE)


@pytest.mark.parametrize("kind", TROUBLES)
def test_no_trouble_of_the_registry_ever_decides_and_each_is_asked_again_within_a_minute(kind: LookupResult) -> None:
    waiting, now, pauses = Waiting(), 0.0, []
    for _ in range(40):
        step = again(after(RegistryFailure(kind, "a sentence"), waiting, now=now))
        assert (step.result, step.sentence) == (kind, "a sentence")
        assert step.waiting.troubled_since == 0.0
        waiting, now = step.waiting, now + step.pause
        pauses.append(step.pause)
    assert pauses[:6] == [1, 2, 4, 8, 16, 32]
    assert set(pauses[6:]) == {48}


def test_replicas_do_not_ask_in_step() -> None:
    lucky, unlucky = (again(after(RegistryFailure(TROUBLES[0], ""), luck=luck)).pause for luck in (0.0, 1.0))
    assert (lucky, unlucky) == (1.0, 1.25)


@given(st.floats(0, 1e9), st.integers(0, 100), st.floats(0, 1))
def test_what_the_registry_asks_to_wait_is_kept_within_a_minute(asked: float, attempts: int, luck: float) -> None:
    failure = RegistryFailure(LookupResult.RATE_LIMITED, "", retry_after=asked)
    pause = again(after(failure, Waiting(attempts, troubled_since=0.0), luck=luck)).pause
    assert 1.0 <= pause <= LONGEST_PAUSE
    assert pause >= min(asked, LONGEST_PAUSE)


def test_an_unknown_id_is_asked_for_sixty_seconds_and_then_named() -> None:
    waiting, now, steps = Waiting(), 100.0, 0
    while isinstance(step := after(UNKNOWN, waiting, now=now), AskAgain):
        assert step.pause <= 5
        assert "does not know schema id 42" in step.sentence
        waiting, now, steps = step.waiting, now + step.pause, steps + 1
    assert step == Decided(NoSchema("the registry does not know schema id 42"), LookupResult.UNKNOWN)
    assert now == pytest.approx(160.0)
    assert 12 <= steps <= 20


def test_an_id_that_turns_up_is_known() -> None:
    step = again(after(UNKNOWN))
    assert after(SCHEMA, step.waiting, now=59.0) == Decided(SCHEMA, LookupResult.FOUND)


@given(st.lists(st.tuples(st.sampled_from(["unknown", "trouble"]), st.floats(0, 0.9)), max_size=60), st.floats(0, 1))
def test_only_sixty_seconds_of_nothing_but_unknown_decide(steps: list[tuple[str, float]], luck: float) -> None:
    """A registry that comes back may know less at first than it will."""
    waiting, now, since = Waiting(), 0.0, None
    for what, extra in steps:
        attempt = UNKNOWN if what == "unknown" else RegistryFailure(LookupResult.TIMEOUT, "")
        since = None if what == "trouble" else (now if since is None else since)
        step = after(attempt, waiting, now=now, luck=luck)
        if isinstance(step, Decided):
            assert since is not None
            assert now - since >= 60.0
            return
        assert since is None or now - since < 60.0
        waiting, now = step.waiting, now + step.pause * (1 + extra)


def test_with_no_patience_an_unknown_id_is_decided_by_the_first_answer() -> None:
    step = decide(UNKNOWN, Waiting(), now=0.0, unknown_after=0.0, luck=0.0)
    assert isinstance(step, Decided)
