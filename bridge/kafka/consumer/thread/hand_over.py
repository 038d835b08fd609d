"""The poll thread's way into the event loop: what it tells is done there in its order, never for long at a stretch.

A record can take the mapping a thousand times as long as the one before it. Whatever number of them was polled, the
loop gets back to its sockets after `HOLDING`: probes are answered, and requests whose answers came go out.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import Signal

if TYPE_CHECKING:
    import asyncio

    from bridge.counts import SourceCounts
    from bridge.kafka.consumer.thread.consumption import Batch, Consumption, Positioned, Tracker

HOLDING: Final = 0.004
"""Seconds that records may keep the event loop from everything else, and no longer than one record more."""
DRAIN_GRACE: Final = 2.0
"""Seconds on top of the drain's own limit until the loop is given up on."""
_LOOK: Final = 0.2
"""Seconds between two looks at the loop while waiting for it."""

Call = Callable[[], object]
Accepted = Callable[[float], None]
"""Called once all of a hand-over has arrived, with the seconds that took."""


class LoopGoneError(Signal):
    """The event loop ended: nothing can be handed over, and nobody will say what was done."""


class FirstFailure:
    """What went wrong where nothing may be raised, such as a callback of the client; the poll thread ends with it."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def keep(self, error: Exception) -> None:
        """The first one counts: later ones follow from it."""
        self.error = self.error or error

    def forget(self) -> None:
        """What went wrong concerned a client that is closed."""
        self.error = None


class HandOver:
    """The poll thread's side: calls the consumption on the loop's thread."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        consumption: Consumption,
        counts: SourceCounts,
        failure: FirstFailure,
    ) -> None:
        self.consumption = consumption
        self._loop = loop
        self._counts = counts
        self._failure = failure
        self._queue = HandOverQueue(consumption, loop.call_soon)

    def tell(self, method: Callable[..., object], *arguments: Any) -> None:
        """Call `method` on the loop's thread, after all earlier calls. `LoopGoneError` if there is no loop."""
        self._call(self._queue.tell, method, arguments)

    def tell_from_callback(self, method: Callable[..., object], *arguments: Any) -> None:
        """The same from within a callback of the client, which may not raise."""
        try:
            self.tell(method, *arguments)
        except LoopGoneError as error:
            self._failure.keep(error)

    def deliver(self, batches: Sequence[Batch], accepted: Accepted) -> None:
        """Hand these records over, after all earlier calls and in as many turns of the loop as they need.

        `accepted` is called on the loop's thread once all are through. `LoopGoneError` if there is no loop.
        """
        self._call(self._queue.deliver, batches, accepted)

    def _call(self, step: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(step, *arguments)
        except RuntimeError as closed:
            raise LoopGoneError from closed

    def drain(self, trackers: Sequence[Tracker], seconds: float, meanwhile: Callable[[], None]) -> Positioned | None:
        """Let what is in flight finish and return the final committed offsets; None if that took too long.

        `meanwhile` is called several times a second. `LoopGoneError` if the loop ends.
        """
        done = threading.Event()
        final: list[Positioned] = []

        def drained(positions: Positioned) -> None:
            final.append(positions)
            done.set()

        self.tell(self.consumption.revoke, trackers, drained)
        return final[0] if self.wait(done, seconds, meanwhile) else None

    def wait(self, done: threading.Event, seconds: float, meanwhile: Callable[[], None]) -> bool:
        """Whether the loop did it in time; as for `drain`."""
        deadline = time.monotonic() + seconds
        while not done.wait(_LOOK):
            self._counts.last_poll = time.monotonic()
            meanwhile()
            if not self._loop.is_running():
                raise LoopGoneError
            if time.monotonic() > deadline:
                return False
        return True


class _Handed:
    """Records on their way in; what is through is let go of at once, because it may be large."""

    __slots__ = ("accepted", "batches", "seconds")

    def __init__(self, batches: Sequence[Batch], accepted: Accepted) -> None:
        self.batches = deque(batches)
        self.accepted = accepted
        self.seconds = 0.0


class HandOverQueue:
    """The loop's side, in front of the consumption. It is empty, and costs nothing, unless records take long."""

    def __init__(
        self,
        consumption: Consumption,
        call_soon: Callable[[Call], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`call_soon` runs a call in a later turn of the loop."""
        self._consumption = consumption
        self._call_soon = call_soon
        self._clock = clock
        self._queue: deque[_Handed | tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._until: float | None = None
        """When this turn of the loop has had enough; None before the first call of a turn."""

    def tell(self, method: Callable[..., object], arguments: tuple[Any, ...]) -> None:
        """Call this method after everything that was told before."""
        if self._queue and method in (self._consumption.revoke, self._consumption.set_aside, self._consumption.lost):
            self._drop(arguments[0])
        self._queue.append((method, arguments))
        self._begin()

    def deliver(self, batches: Sequence[Batch], accepted: Accepted) -> None:
        """Take these records in, after everything that was told before."""
        self._queue.append(_Handed(batches, accepted))
        self._begin()

    def _begin(self) -> None:
        if self._until is None:
            self._until = self._clock() + HOLDING
            self._call_soon(self._next_turn)
        while self._queue and self._clock() < self._until:
            head = self._queue[0]
            if isinstance(head, _Handed):
                if self._take_in(head, self._until):
                    self._queue.popleft()
            else:
                self._queue.popleft()
                method, arguments = head
                method(*arguments)

    def _next_turn(self) -> None:
        self._until = None
        if self._queue:
            self._begin()

    def _take_in(self, delivery: _Handed, until: float) -> bool:
        """Whether all of it is through; at least one record is."""
        batches, began = delivery.batches, self._clock()
        now = began
        while batches:
            batch = batches[0]
            if batch.leader_epoch is not None:
                batch.tracker.leader_epoch = batch.leader_epoch
            through = self._consumption.accept(batch, until)
            now = self._clock()
            if through < len(batch.records):
                batches[0] = batch._replace(records=batch.records[through:])
                break
            batches.popleft()
            if now >= until:
                break
        delivery.seconds += now - began
        if batches:
            return False
        delivery.accepted(delivery.seconds)
        return True

    def _drop(self, trackers: Sequence[Tracker]) -> None:
        """The rest of these partitions' records: they are about to leave, and their committed offset stays below it."""
        leaving = set(trackers)
        for waiting in self._queue:
            if isinstance(waiting, _Handed):
                waiting.batches = deque(batch for batch in waiting.batches if batch.tracker not in leaving)
