"""Some users' events fail for a reason of their own: the others are served as if they did not."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

import pytest

from bridge.config.sections import RetryPolicy
from bridge.model import LetterReason
from bridge.pipeline.queues.failing import ALL_USERS, SIP, SIPS
from bridge.pipeline.settings import DeliverySettings
from tests.simulation.history import Told, run
from tests.simulation.plan import DRAIN_TIMEOUT, SESSION, Fault, Plan, Produced

LASTS = 300.0
"""Seconds in which records are written, and the failures last."""


@dataclass(frozen=True)
class Traffic:
    """Who writes how much."""

    per_second: float
    share: float
    """Of the events, that are the failing users'."""
    failing: int
    healthy: int
    partitions: int = 2

    def records(self) -> list[Produced]:
        """The failing users are u0, u10, u20… and the healthy ones all others."""
        out = []
        bad = good = 0
        for n in range(int(LASTS * self.per_second)):
            if int((n + 1) * self.share) > int(n * self.share):
                user, bad = 10 * (bad % self.failing), bad + 1
            else:
                user, good = good % self.healthy, good + 1
                user += user // 9 + 1
            out.append(Produced(2.0 + n / self.per_second, "orders", user, f"u{user}"))
        return out


def happens(
    traffic: Traffic, *faults: Fault, rate_limit: float | None = None, max_buffered: int = 2000, patience: float = 60.0
) -> Told:
    """`patience` is the ceiling of a backoff, in seconds."""
    settings = DeliverySettings.model_construct(
        max_buffered=max_buffered,
        rate_limit=rate_limit,
        retry=RetryPolicy.model_construct(max_backoff=patience),
        drain_timeout=DRAIN_TIMEOUT,
        session_timeout=SESSION,
    )
    topics = (("orders", traffic.partitions),)
    plan = Plan(1, settings, 1.0, 1, topics, tuple(traffic.records()), faults, mended_at=LASTS + 200.0)
    return run(plan)


def served(told: Told, failing: int) -> list[float]:
    """When the events of healthy users were accepted, in order."""
    bad = {f"u{10 * n}" for n in range(failing)}
    return sorted(
        event.accepted[0].answered_at or 0.0
        for event in told.world.ledger.events
        if event.accepted and event.user not in bad
    )


def slowest(told: Told, without: Told, failing: int, every: float = 30.0) -> float:
    """The smallest share, at any time, of what was accepted by then in the history without failures."""
    there, here = served(without, failing), served(told, failing)
    times = [1000.0 + every * n for n in range(1, int(LASTS / every) + 1)]
    return min(bisect_right(here, at) / max(1, bisect_right(there, at)) for at in times)


def user_gets(status: int) -> Fault:
    """All events of u0."""
    return Fault(1.0, "refused_user", LASTS, status)


CROWD = Fault(1.0, "crowd", LASTS, 1, 0.1)
"""All users whose number ends in 0."""

SOME_FAIL = {
    "one user with half of the events gets 500": (Traffic(20, 0.5, 1, 60), user_gets(500), None),
    "one user with a fifth of the events gets 408": (Traffic(20, 0.2, 1, 60), user_gets(408), None),
    "one user with 30 % gets 503, below the budget": (Traffic(8, 0.3, 1, 60), user_gets(503), 10.0),
    "one user with 30 % gets 503, above the budget": (Traffic(13, 0.3, 1, 60), user_gets(503), 10.0),
    "one user gets 429": (Traffic(8, 0.1, 1, 60), user_gets(429), 10.0),
    "one user with half of the events gets 429": (Traffic(8, 0.5, 1, 60), user_gets(429), 10.0),
    "a fifth of the users": (Traffic(20, 0.2, 20, 80), CROWD, None),
    "a fifth of the users, below the budget": (Traffic(9, 0.2, 20, 80), CROWD, 10.0),
    "half of the users": (Traffic(20, 0.5, 100, 100), CROWD, None),
    "half of the users, below the budget": (Traffic(9, 0.5, 100, 100), CROWD, 10.0),
    "half of the users, above the budget": (Traffic(13, 0.5, 100, 100), CROWD, 10.0),
    "half of the users, all in one partition": (Traffic(20, 0.5, 50, 50, 1), CROWD, None),
}


@pytest.mark.parametrize("which", SOME_FAIL)
@pytest.mark.slow
def test_users_whose_events_fail_leave_the_others_four_fifths_of_their_rate(which: str) -> None:
    traffic, fault, rate_limit = SOME_FAIL[which]
    without = happens(traffic, rate_limit=rate_limit)
    told = happens(traffic, fault, rate_limit=rate_limit)
    assert without.violation is None, without.violation
    assert told.violation is None, told.violation
    assert slowest(told, without, traffic.failing) >= 0.8


@pytest.mark.parametrize(("share", "failing"), [(0.5, 1), (0.2, 20), (0.5, 30)])
@pytest.mark.slow
def test_poison_ends_within_its_attempts_as_long_as_others_are_accepted(share: float, failing: int) -> None:
    fault = user_gets(500) if failing == 1 else CROWD
    told = happens(Traffic(20, share, failing, 60), fault, patience=10.0)
    assert told.violation is None, told.violation
    lost = {event.user for event in told.world.ledger.events if event.given_up}
    assert lost == {f"u{10 * n}" for n in range(failing)}
    assert told.world.processes[0].dispatcher.tally.letters[LetterReason.RETRIES_EXHAUSTED] > 5 * failing


@pytest.mark.parametrize("status", [500, 429])
def test_a_failing_user_that_fills_its_bound_pauses_its_partition_and_never_stops_it(status: int) -> None:
    """All in one partition, and room for far less than the user's events that come before the first is given up."""
    traffic = Traffic(20, 0.5, 1, 60, 1)
    told = happens(traffic, user_gets(status), max_buffered=20, patience=10.0)
    assert told.violation is None, told.violation
    assert told.world.most_behind <= ALL_USERS * 20 + SIPS * SIP + 20
    assert told.world.most_behind > ALL_USERS * 20, "or the history says nothing"
    times = [at for at in served(told, 1) if at < 1000.0 + LASTS]
    assert max(later - earlier for earlier, later in pairwise(times)) < 30.0
    assert told.world.processes[0].dispatcher.tally.letters[LetterReason.RETRIES_EXHAUSTED] > 0


@pytest.mark.slow
def test_an_outage_of_everybody_costs_the_events_of_failing_users_nothing_either() -> None:
    """The user fails for a minute before the outage and recovers in it: nothing of it is given up."""
    early = Fault(1.0, "refused_user", 60.0, 500)
    told = happens(Traffic(20, 0.3, 1, 60), early, Fault(50.0, "outage", 200.0))
    assert told.violation is None, told.violation
    assert [event for event in told.world.ledger.events if event.given_up] == []
