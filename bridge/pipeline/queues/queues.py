"""Everything that waits to be sent: behind its user, for the time of its retry, for its turn."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable

from bridge.model import KINDS, TRACK, RequestKind
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.key_queues import KeyQueues
from bridge.pipeline.queues.ready_queue import ReadyQueue
from bridge.pipeline.work import EventState, PartitionWork, Work


class DelayQueue:
    """Heads of key queues that failed, the earliest next attempt first; those that left are passed over.

    Each holds up its queue, and no permit.
    """

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


class Queues:
    """An event is in one place: in its key queue; at the head of it, and ready or delayed until its retry is due."""

    __slots__ = ("_failing", "delayed", "keys", "ready")

    def __init__(self, failing: Failing, max_in_flight: int) -> None:
        self._failing = failing
        self.keys = KeyQueues(failing)
        failing.is_head = self.keys.is_head
        self.ready = {kind: ReadyQueue(max_in_flight) for kind in KINDS}
        """Each kind of request has a budget of its own, and so a queue of its own."""
        self.delayed = DelayQueue()

    def ready_of_users(self) -> Counter[PartitionWork]:
        """How much of what is ready in a partition is of users and companies. Counted whenever it is asked."""
        count: Counter[PartitionWork] = Counter()
        for kind, ready in self.ready.items():
            if kind is not TRACK and ready:
                count.update(ready.partitions())
        return count

    def leave(self, work: Work) -> None:
        """The event will not be sent (again); the next of its key queue may go.

        Steps behind it are left with it: they give up their places.
        """
        if work.step is not None:
            self._leave_rest(work.step.then)
        following = self.keys.advance(work)
        work.key = None
        if following is None:
            return
        if following.step is not None and following.step.waits:
            self.go(following)
            return
        ready = self.ready[following.request.kind]
        if following in self._failing:
            ready.push_again(following)
        else:
            ready.push(following)

    def _leave_rest(self, rest: Work | None) -> None:
        while rest is not None and rest.step is not None:
            step = rest.step
            if rest.state is EventState.WAITING and not step.is_left:
                self._failing.let_go(rest)
                step.is_left = True
                rest.state = EventState.SHELVED
                if rest.key is not None and self.keys.is_head(rest):
                    self._pass_over(rest)
            rest = step.then

    def _pass_over(self, head: Work) -> None:
        following = self.keys.advance(head)
        head.key = None
        if following is not None:
            self.go(following)

    def go(self, head: Work) -> None:
        """It is the head of its key queue now, and ready unless it waits for the step before it."""
        if head.step is None or not head.step.waits:
            self.ready[head.request.kind].push(head)
        elif head.step.is_aside and head.key is not None:  # without a key it is held with the step before it
            self._failing.begin(head)

    def delay(self, work: Work, until: float) -> None:
        """The head of a key queue waits for this time, and its queue with it."""
        self.delayed.push(work, until)

    def wake(self, now: float) -> None:
        """Make ready what was delayed until now: after a failure, or after an identify of its user."""
        for work in self.delayed.wake(now):
            ready = self.ready[work.request.kind]
            if work.mark is None:
                ready.push(work)
            else:
                ready.push_again(work)

    def end_outage(self, kind: RequestKind) -> None:
        """Requests of this kind work again: what waited because they did not has waited enough, and fails no more.

        What failed while others were accepted waits on: it would fill the wire with the next failures.
        """
        waited = self.delayed.take(
            lambda work: work.request.kind is kind and work.mark is not None and not work.mark.alone
        )
        for work in waited:
            self.ready[kind].push(work)

    def release(self, goes: Callable[[Work], bool]) -> None:
        """Take out every event of which ``goes`` is true, wherever it waits; key queues without their head continue."""
        gone, rearmed = self.keys.purge(goes)
        for ready in self.ready.values():
            gone += ready.purge(goes)
        gone += self.delayed.take(goes)
        for work in gone:
            work.state = EventState.GONE
            self._failing.leave(work)
        for work in rearmed:
            if work.step is not None and work.step.is_left:
                self._pass_over(work)
            elif work.state is EventState.WAITING:
                self.go(work)
