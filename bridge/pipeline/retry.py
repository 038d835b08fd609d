"""When to try again, and when one event has failed often enough while others got through."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from itertools import islice

from bridge.config.sections import RetryPolicy
from bridge.model import Retry

OTHERS_NEEDED = 20
"""Users that must have succeeded since the previous attempt before a failure speaks against the event itself."""
OTHERS_MAY_FAIL = 0.10
"""Share of the others' first attempts that may have failed, or of their retries that may have succeeded; above both the
destination is the suspect, because it refuses now and accepts then."""
BURNT_ATTEMPTS = 3
"""Counted attempts for the next events of a user that just lost one, until one of them succeeds."""
POISONED_AFTER = 3
"""Events lost in a row, after which the user's next ones get one attempt each, for as long as others succeed."""
LOST_PER_SUCCESS = 2
"""Events such users may lose for each event of somebody else that is accepted. So they are gone as fast as they come
up to two thirds of all events, and an outage, in which nobody is accepted, stops it."""
SOON = 4
"""Failures after which the backoff grows no more for events that others wait for."""
_MOST_CREDIT = 4 * OTHERS_NEEDED
_REMEMBERED = 512
_BURNT_USERS = 10_000
_JITTER, _MOST_JITTER = 0.03, 5.0


def backoff(failures: int, settings: RetryPolicy, rng: random.Random) -> float:
    """Seconds to wait after this many failures in a row: full jitter under an exponential ceiling.

    Full jitter, because synchronised retries are what keeps a struggling destination down.
    """
    ceiling = min(settings.max_backoff, settings.initial_backoff * 2.0 ** min(max(failures, 1) - 1, 32))
    return rng.uniform(0.0, ceiling)


def longer(asked: float | None, own: float, settings: RetryPolicy) -> float:
    """Seconds to wait where the destination asked for some: never less than without its wish, never too long."""
    return own if asked is None else max(own, min(asked, settings.max_retry_after))


def jitter(seconds: float, rng: random.Random) -> float:
    """Seconds on top of a wait that many were asked for at the same time."""
    return rng.uniform(0.0, min(_JITTER * seconds, _MOST_JITTER))


@dataclass(frozen=True, slots=True)
class Mark:
    """One failure of an event: what it was, and how far all others were by then."""

    successes: int
    failures: int
    """First attempts of an event that failed."""
    repeats: int
    """Events that failed again."""
    recoveries: int
    """Events that were accepted after they had failed."""
    throttles: int
    alone: bool = False
    """Others were accepted since its previous failure, so that it is no sign of an outage."""
    answer: Retry | None = None
    own_throttles: int = 0
    """429s of the event itself since then: those in a row are judged together, or few others would be heard between."""
    last: int = 0
    """Successes of the others by its last attempt."""
    times: int = 1
    """Failures of the event."""


class Evidence:
    """Tells a poison event from an outage by what happened to the others meanwhile."""

    __slots__ = ("_burnt", "_credit", "_recent", "failures", "recoveries", "repeats", "successes", "throttles")

    def __init__(self) -> None:
        self.successes = self.failures = self.repeats = self.recoveries = self.throttles = 0
        self._recent: deque[object] = deque(maxlen=_REMEMBERED)
        self._burnt: OrderedDict[object, int] = OrderedDict()
        """By user: how many of its events were given up in a row."""
        self._credit = 0

    def succeeded(self, user: object) -> None:
        """An event of this user was accepted."""
        self.successes += 1
        self._recent.append(user)
        if self._burnt:
            self._burnt.pop(user, None)
            self._credit = min(_MOST_CREDIT, self._credit + LOST_PER_SUCCESS)

    def recovered(self) -> None:
        """The event that was just accepted had failed before."""
        self.recoveries += 1

    def failed(self, before: Mark | None, answer: Retry, *, alone: bool) -> Mark:
        """An attempt failed; returns where to count from at the next failure of the same event."""
        if answer.reason == "rate_limited":
            self.throttles += 1
            if before is not None and before.answer is not None and before.answer.reason == "rate_limited":
                own, times = before.own_throttles + 1, before.times + 1
                return replace(before, alone=alone, answer=answer, own_throttles=own, last=self.successes, times=times)
        elif before is None:
            self.failures += 1
        else:
            self.repeats += 1
        return self._mark(alone, answer, 1 if before is None else before.times + 1)

    def now(self) -> Mark:
        """Where to count from for an event that failed in an earlier assignment."""
        return self._mark(alone=False, answer=None, times=0)

    def _mark(self, alone: bool, answer: Retry | None, times: int) -> Mark:  # noqa: FBT001 - a value to keep
        return Mark(
            successes=self.successes,
            failures=self.failures,
            repeats=self.repeats,
            recoveries=self.recoveries,
            throttles=self.throttles,
            alone=alone,
            answer=answer,
            last=self.successes,
            times=times,
        )

    def alone(self, since: Mark) -> bool:
        """Whether the others were served since this event's previous failure, so that it fails for a reason of its own.

        Those that keep failing say nothing of the destination. It is the suspect where many fail that did not fail
        before, unless those that failed once keep failing: then it is the events again.
        """
        succeeded = self.successes - since.successes
        if succeeded < OTHERS_NEEDED:
            return False
        if _few(self.failures - since.failures, succeeded):
            return True
        repeats, recoveries = self.repeats - since.repeats, self.recoveries - since.recoveries
        return repeats >= OTHERS_NEEDED and _few(recoveries, repeats)

    def throttled_alone(self, since: Mark) -> bool:
        """The same of a 429: whether it concerns this event and not the token."""
        succeeded = self.successes - since.successes
        throttles = self.throttles - since.throttles - since.own_throttles
        return succeeded >= OTHERS_NEEDED and _few(throttles, succeeded)

    def heard_since_last(self, since: Mark) -> bool:
        """Whether enough events were accepted since the last attempt, of whomever."""
        return self.successes - since.last >= OTHERS_NEEDED

    def speaks_against(self, user: object, since: Mark) -> bool:
        """Whether a failure now says something about the event: enough different others succeeded meanwhile.

        ``since`` is the mark of the event's previous failure. Users are told apart among the last successes only,
        which can make the answer a wrong "no" but never a wrong "yes".
        """
        if not self.alone(since):
            return False
        others = set(islice(reversed(self._recent), min(self.successes - since.successes, _REMEMBERED)))
        others.discard(user)
        return len(others) >= OTHERS_NEEDED

    def allowed(self, user: object, max_attempts: int) -> int:
        """Counted attempts this user's events get."""
        lost = self._burnt.get(user, 0)
        if not lost:
            return max_attempts
        return 1 if lost >= POISONED_AFTER else min(max_attempts, BURNT_ATTEMPTS)

    def poisoned(self, user: object) -> bool:
        """Whether everything of this user fails, as far as anybody can know."""
        return self._burnt.get(user, 0) >= POISONED_AFTER

    def spend(self) -> bool:
        """Whether others were accepted lately, for one event of a poisoned user; the same success serves but few."""
        if self._credit <= 0:
            return False
        self._credit -= 1
        return True

    def doubt(self) -> None:
        """Nothing gets through: what was accepted before says nothing any more."""
        self._credit = 0

    def burn(self, user: object) -> None:
        """The user lost an event to the dead-letter topic because it kept failing."""
        self._burnt[user] = self._burnt.get(user, 0) + 1
        self._burnt.move_to_end(user)
        if len(self._burnt) > _BURNT_USERS:
            self._burnt.popitem(last=False)


def _few(failed: int, succeeded: int) -> bool:
    return failed < OTHERS_MAY_FAIL * (succeeded + failed)
