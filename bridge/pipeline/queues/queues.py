"""Everything that waits to be sent: behind its user, for the time of its retry, for its turn."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.key_queues import KeyQueues
from bridge.pipeline.queues.ready_queue import ReadyQueue
from bridge.pipeline.work import EventState, Work


class DelayQueue:
    """An event stands in one place: in its lane; at the head of it, and ready or parked until its retry is due."""

    __slots__ = ("_failing", "_parked", "_sequence", "lanes", "turns")

    def __init__(self, failing: Failing, max_in_flight: int) -> None:
        self._failing = failing
        self.lanes = KeyQueues(failing)
        self.turns = ReadyQueue(max_in_flight)
        self._parked: list[tuple[float, int, Work]] = []
        self._sequence = 0

    @property
    def parked(self) -> int:
        """Events that wait for the time of their next attempt."""
        return len(self._parked)

    def leave_lane(self, work: Work) -> None:
        """The event will not be sent (again); the next of its lane may go."""
        following = self.lanes.advance(work)
        work.lane = None
        if following is None:
            return
        if following in self._failing:
            self.turns.push_again(following)
        else:
            self.turns.push(following)

    def park(self, work: Work, until: float) -> None:
        """The head of a lane waits for this time, and its lane with it. It holds no permit meanwhile."""
        work.state = EventState.PARKED
        work.due = until
        self._sequence += 1
        heapq.heappush(self._parked, (until, self._sequence, work))

    def due(self) -> float | None:
        """When to call `wake`."""
        return self._parked[0][0] if self._parked else None

    def wake(self, now: float) -> None:
        """Make ready what was parked until now."""
        parked = self._parked
        while parked and parked[0][0] <= now:
            self._ready(heapq.heappop(parked)[2])

    def unpark(self) -> None:
        """The destination works again: what waited because it did not has waited enough, and fails no more than others.

        What failed while others were accepted waits on: it would fill the wire with the next failures.
        """
        parked = sorted(self._parked, key=lambda entry: entry[1])
        self._parked = [entry for entry in parked if _fails_by_itself(entry[2])]
        heapq.heapify(self._parked)
        for _, _, work in parked:
            if work.state is EventState.PARKED and not _fails_by_itself(work):
                self.turns.push(work)

    def release(self, goes: Callable[[Work], bool]) -> list[Work]:
        """Take out every event of which ``goes`` is true, wherever it waits; lanes that lose their head go on."""
        gone, rearmed = self.lanes.purge(goes)
        gone += self.turns.purge(goes)
        still = [entry for entry in self._parked if entry[2].state is EventState.PARKED]
        gone += [work for _, _, work in still if goes(work)]
        self._parked = [entry for entry in still if not goes(entry[2])]
        heapq.heapify(self._parked)
        for work in gone:
            work.state = EventState.GONE
            self._failing.leave(work)
        for work in rearmed:
            if work.state is EventState.WAITING:
                self.turns.push(work)
        return gone

    def _ready(self, work: Work) -> None:
        if work.state is EventState.PARKED:
            self.turns.push_again(work)


def _fails_by_itself(work: Work) -> bool:
    return work.mark is not None and work.mark.alone
