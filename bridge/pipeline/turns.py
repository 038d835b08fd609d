"""Whose turn it is: topics that have something ready take turns, so that a backlog in one does not starve another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from bridge.pipeline.work import State, Work


class Turns:
    """Ready events, first in first out within a topic, round robin between topics."""

    __slots__ = ("_queues", "order")

    def __init__(self) -> None:
        self._queues: dict[str, deque[Work]] = {}
        self.order: deque[str] = deque()
        """The topics that have something ready, the next one first."""

    def __bool__(self) -> bool:
        return bool(self.order)

    def push(self, work: Work) -> None:
        """Ready, behind the others of its topic."""
        work.state = State.READY
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

    def purge(self, goes: Callable[[Work], bool]) -> list[Work]:
        """Take out what leaves, and drop what already left its lane; returns the former."""
        gone: list[Work] = []
        for queue in self._queues.values():
            kept: list[Work] = []
            for work in queue:
                if work.state is State.READY and not goes(work):
                    kept.append(work)
                    continue
                work.partition.ready -= 1
                if work.state is State.READY:
                    gone.append(work)
            queue.clear()
            queue.extend(kept)
        self.order = deque(topic for topic, queue in self._queues.items() if queue)
        for work in gone:
            work.state = State.GONE
        return gone

    def pop(self) -> Work | None:
        """The next event, or None."""
        order = self.order
        while order:
            queue = self._queues[order[0]]
            work = queue.popleft()
            work.partition.ready -= 1
            if queue:
                if len(order) > 1:
                    order.rotate(-1)
            else:
                order.popleft()
            if work.state is State.READY:
                return work
        return None
