"""Events that wait for the time of their next attempt, the earliest first."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from bridge.pipeline.work import EventState, Work


class DelayQueue:
    """Heads of key queues that failed; each holds up its queue, and no permit. Those that left are passed over."""

    __slots__ = ("_parked", "_sequence")

    def __init__(self) -> None:
        self._parked: list[tuple[float, int, Work]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._parked)

    def push(self, work: Work, until: float) -> None:
        """Wait for this time."""
        work.state = EventState.PARKED
        work.due = until
        self._sequence += 1
        heapq.heappush(self._parked, (until, self._sequence, work))

    def due(self) -> float | None:
        """When to call `wake`."""
        return self._parked[0][0] if self._parked else None

    def wake(self, now: float) -> list[Work]:
        """Take out what waited until now."""
        woken = []
        while self._parked and self._parked[0][0] <= now:
            work = heapq.heappop(self._parked)[2]
            if work.state is EventState.PARKED:
                woken.append(work)
        return woken

    def take(self, goes: Callable[[Work], bool]) -> list[Work]:
        """Take out those of which ``goes`` is true, in the order in which they came."""
        parked = sorted(self._parked, key=lambda entry: entry[1])
        parked = [entry for entry in parked if entry[2].state is EventState.PARKED]
        self._parked = [entry for entry in parked if not goes(entry[2])]
        heapq.heapify(self._parked)
        return [work for _, _, work in parked if goes(work)]
