"""How many duplicates the promise allows, and how long it took until all went on. Pure functions of times."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Crash:
    """A moment after which work may be done again. Times are monotonic seconds."""

    since: float
    """What completed since then may not have been committed."""
    at: float
    processes: int = 1
    """How many had requests in flight then."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The most duplicates that the promise allows."""

    ambiguous: int
    """Requests whose answer never came."""
    after_crashes: int
    """In flight, or completed and not committed, when a process ended or lost its partitions."""

    @property
    def total(self) -> int:
        """Both together."""
        return self.ambiguous + self.after_crashes


def bound(arrivals: Sequence[float], crashes: Sequence[Crash], *, max_in_flight: int, ambiguous: int) -> Bound:
    """`arrivals`: the times of all acceptances, ascending. What several crashes concern counts once."""
    uncommitted, counted_to = 0, float("-inf")
    for crash in sorted(crashes, key=lambda crash: crash.since):
        since = max(crash.since, counted_to)
        if crash.at > since:
            uncommitted += bisect.bisect_right(arrivals, crash.at) - bisect.bisect_left(arrivals, since)
            counted_to = crash.at
    in_flight = sum(crash.processes for crash in crashes) * max_in_flight
    return Bound(ambiguous, in_flight + uncommitted)


def recoveries(spans: Sequence[tuple[float, float]], ends: Sequence[float]) -> list[float]:
    """For each end of a fault: the seconds until everything that waited then had arrived, whatever came between.

    `spans`: for each event, when its record was there and when it arrived.
    """
    seen: list[float] = []
    latest: list[float] = []
    for at, arrived in sorted(spans):
        seen.append(at)
        latest.append(max(arrived, latest[-1] if latest else 0.0))
    found = []
    for end in ends:
        waiting = bisect.bisect_right(seen, end)
        found.append(max(0.0, latest[waiting - 1] - end) if waiting else 0.0)
    return found
