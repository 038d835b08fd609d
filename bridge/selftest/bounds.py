"""How many duplicates the promise allows, and how long a recovery took. Pure: every time is given."""

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


class CrashLog:
    """What happened to processes, brokers and the group. `now` and `began` are monotonic seconds."""

    def __init__(self, *, uncommitted: float, session: float, counts_rebalances: bool) -> None:
        """`uncommitted`: seconds that a completed event may take until its offset is committed; `session`: seconds
        until a silent member is out of the group.

        Rebalances count on the embedded broker, which takes no commit meanwhile. On a real cluster they cost nothing: a
        replica that stops lets the rebalance end before it commits.
        """
        self._uncommitted = uncommitted
        self._session = session
        self._counts_rebalances = counts_rebalances
        self.crashes: list[Crash] = []

    def crashed(self, now: float) -> None:
        """A process was killed, or suspended for longer than its session."""
        self.crashes.append(Crash(now - self._uncommitted, now))

    def brokers_were_down(self, began: float, now: float, processes: int) -> None:
        """Nothing could be committed meanwhile, and a session may end before it is heard of again."""
        self.crashes.append(Crash(began - self._uncommitted, now + self._session, processes))

    def rebalanced(self, began: float, now: float) -> None:
        """A member came or went."""
        if self._counts_rebalances:
            self.crashes.append(Crash(began - self._uncommitted, now + self._session, processes=0))


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
