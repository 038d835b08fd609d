"""Whose turn it is: topics that have something ready take turns, so that a backlog in one does not starve another.

What failed before has turns of its own: a fifth of them while anything else is ready, so that users whose events fail
take neither places nor rate from the others, however many they are.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final

from bridge.pipeline.work import EventState, PartitionWork, Work

_READY: Final = EventState.READY
"""A member of an enum takes ten times as long to look up as a global, and this is asked for every event."""


AGAIN = 5
"""Every so many-th turn is one of an event that failed before, and so many-th place on the wire, while others wait."""


class ReadyQueue:
    """Ready events, first in first out within a topic, round robin between topics."""

    __slots__ = ("_most", "_most_beside", "_others", "_queues", "again", "again_out", "order")

    def __init__(self, max_in_flight: int) -> None:
        self.again: deque[Work] = deque()
        """Those that failed before, the oldest first."""
        self.again_out: set[Work] = set()
        """Those on the wire that had such a turn."""
        self._most_beside, self._most = max(1, max_in_flight // AGAIN), max(1, max_in_flight // 2)
        """How many may be on the wire while others are ready, and while none is: who comes then finds a place."""
        self._others = 0
        """Turns of others since the last such turn."""
        self._queues: dict[str, deque[Work]] = {}
        self.order: deque[str] = deque()
        """The topics that have something ready, the next one first."""

    def __bool__(self) -> bool:
        return bool(self.order) or bool(self.again)

    def __iter__(self) -> Iterator[Work]:
        """What is ready, in no particular order."""
        return (work for queue in (*self._queues.values(), self.again) for work in queue if work.state is _READY)

    def push(self, work: Work) -> None:
        """Ready, behind the others of its topic."""
        work.state = _READY
        work.partition.ready += 1
        topic = work.partition.topic.name
        queue = self._queues.get(topic)
        if queue:
            queue.append(work)
            return
        if queue is None:
            queue = self._queues[topic] = deque()
        queue.append(work)
        self.order.append(topic)

    def push_first(self, work: Work) -> None:
        """Ready, and before the others of its topic: its turn was taken back through no fault of its own."""
        self.push(work)
        queue = self._queues[work.record.topic]
        if len(queue) > 1:
            queue.rotate(1)

    def push_again(self, work: Work) -> None:
        """Ready for another attempt, or the next of a key queue whose last event failed for good."""
        work.state = _READY
        work.partition.ready += 1
        self.again.append(work)

    def partitions(self) -> Iterator[PartitionWork]:
        """Those of all that `PartitionWork.ready` counts of it, one for each."""
        for queue in (*self._queues.values(), self.again):
            for work in queue:
                yield work.partition

    def purge(self, goes: Callable[[Work], bool]) -> list[Work]:
        """Take out what leaves, and drop what already left its queue; returns the former."""
        gone: list[Work] = []
        for queue in (*self._queues.values(), self.again):
            kept: list[Work] = []
            for work in queue:
                if work.state is _READY and not goes(work):
                    kept.append(work)
                    continue
                work.partition.ready -= 1
                if work.state is _READY:
                    gone.append(work)
            queue.clear()
            queue.extend(kept)
        self.order = deque(topic for topic, queue in self._queues.items() if queue)
        for work in gone:
            work.state = EventState.GONE
        return gone

    def pop(self) -> Work | None:
        """The next event, or None."""
        order = self.order
        if self.again and (work := self._pop_again()) is not None:
            return work
        while order:
            queue = self._queues[order[0]]
            work = queue.popleft()
            work.partition.ready -= 1
            if queue:
                if len(order) > 1:
                    order.rotate(-1)
            else:
                order.popleft()
            if work.state is _READY:
                return work
        return None

    def probe(self, rng: random.Random) -> Work | None:
        """One event to find out with whether anything gets through: one that has not failed, if there is any.

        Any of them, not the oldest: where the events before it fail for a reason of their own it would be the last.
        """
        while self.order:
            topic = self.order[0]
            queue = self._queues[topic]
            place = rng.randrange(len(queue))
            work = queue[place]
            del queue[place]
            work.partition.ready -= 1
            self.order.rotate(-1)
            if not queue:
                self.order.remove(topic)
            if work.state is _READY:
                return work
        return self._next_again()

    def _pop_again(self) -> Work | None:
        """One that failed before, when it is the turn of these."""
        self._others += 1
        if len(self.again_out) >= (self._most_beside if self.order else self._most):
            return None
        if self.order and self._others < AGAIN:
            return None
        self._others = 0
        return self._next_again()

    def _next_again(self) -> Work | None:
        while self.again:
            work = self.again.popleft()
            work.partition.ready -= 1
            if work.state is _READY:
                self.again_out.add(work)
                return work
        return None
