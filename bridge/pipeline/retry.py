"""When to try again, and when one event has failed often enough while others got through."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import islice

from bridge.pipeline.settings import RetrySettings

OTHERS_NEEDED = 20
"""Lanes that must have succeeded since the previous attempt before a failure speaks against the event itself."""
OTHERS_MAY_FAIL = 0.10
"""Share of the others' attempts that may have failed; above it the destination is the suspect."""
BURNT_ATTEMPTS = 3
"""Counted attempts for the next events of a lane that just lost one, until one of them succeeds."""
_REMEMBERED = 512
_BURNT_LANES = 10_000


def backoff(failures: int, settings: RetrySettings, rng: random.Random) -> float:
    """Seconds to wait after this many failures in a row: full jitter under an exponential ceiling.

    Full jitter, because synchronised retries are what keeps a struggling destination down.
    """
    ceiling = min(settings.max_backoff, settings.initial_backoff * 2.0 ** min(max(failures, 1) - 1, 32))
    return rng.uniform(0.0, ceiling)


@dataclass(frozen=True, slots=True)
class Mark:
    """How many attempts of all lanes had succeeded and failed when an event last failed."""

    successes: int
    failures: int


class Evidence:
    """Tells a poison event from an outage by what happened to the others meanwhile."""

    __slots__ = ("_burnt", "_recent", "failures", "successes")

    def __init__(self) -> None:
        self.successes = 0
        self.failures = 0
        self._recent: deque[object] = deque(maxlen=_REMEMBERED)
        self._burnt: OrderedDict[object, None] = OrderedDict()

    def succeeded(self, lane: object) -> None:
        """An attempt of this lane was accepted."""
        self.successes += 1
        self._recent.append(lane)
        if self._burnt:
            self._burnt.pop(lane, None)

    def failed(self) -> Mark:
        """An attempt failed; returns where to count from at the next failure of the same event."""
        self.failures += 1
        return Mark(self.successes, self.failures)

    def now(self) -> Mark:
        """Where to count from for an event that failed in an earlier assignment."""
        return Mark(self.successes, self.failures)

    def speaks_against(self, lane: object, since: Mark) -> bool:
        """Whether a failure now says something about the event: enough others succeeded, few of them failed.

        ``since`` is the mark of the event's previous failure. Lanes are told apart among the last successes only,
        which can make the answer a wrong "no" but never a wrong "yes".
        """
        succeeded = self.successes - since.successes
        if succeeded < OTHERS_NEEDED:
            return False
        failed = max(0, self.failures - since.failures)
        if failed >= OTHERS_MAY_FAIL * (succeeded + failed):
            return False
        lanes = set(islice(reversed(self._recent), min(succeeded, _REMEMBERED)))
        lanes.discard(lane)
        return len(lanes) >= OTHERS_NEEDED

    def allowed(self, lane: object, max_attempts: int) -> int:
        """Counted attempts this lane's events get."""
        return min(max_attempts, BURNT_ATTEMPTS) if lane in self._burnt else max_attempts

    def burn(self, lane: object) -> None:
        """The lane lost an event to the dead-letter topic because it kept failing."""
        self._burnt[lane] = None
        self._burnt.move_to_end(lane)
        if len(self._burnt) > _BURNT_LANES:
            self._burnt.popitem(last=False)
