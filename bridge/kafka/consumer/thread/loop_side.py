"""The poll thread's way into the event loop: calls in order, and noticing that nobody is there any more."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from bridge.errors import Signal
from bridge.kafka.consumer.thread.hand_over import HandOver

if TYPE_CHECKING:
    import asyncio

    from bridge.kafka.consumer.thread.consumption import Batch, Consumption, Positioned, Tracker
    from bridge.kafka.consumer.thread.hand_over import Accepted

DRAIN_GRACE: Final = 2.0
"""Seconds on top of the drain's own limit until the loop is given up on."""
_LOOK: Final = 0.2
"""Seconds between two looks at the loop while waiting for it."""


class LoopGoneError(Signal):
    """The event loop ended: nothing can be handed over, and nobody will say what was done."""


class Heartbeat:
    """When the poll thread was last seen alive."""

    def __init__(self) -> None:
        self.at = time.monotonic()

    def beat(self) -> None:
        """The thread is alive."""
        self.at = time.monotonic()


class LoopSide:
    """Calls the consumption on the loop's thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop, consumption: Consumption) -> None:
        self.consumption = consumption
        self._loop = loop
        self._hand_over = HandOver(consumption, loop.call_soon)

    def tell(self, method: Callable[..., object], *arguments: Any) -> None:
        """Call `method` on the loop's thread, after all earlier calls. `LoopGoneError` if there is no loop."""
        self._call(self._hand_over.tell, method, arguments)

    def deliver(self, batches: Sequence[Batch], accepted: Accepted) -> None:
        """Hand these records over, after all earlier calls and in as many turns of the loop as they need.

        `accepted` is called on the loop's thread once all are through. `LoopGoneError` if there is no loop.
        """
        self._call(self._hand_over.deliver, batches, accepted)

    def _call(self, step: Callable[..., None], *arguments: Any) -> None:
        try:
            self._loop.call_soon_threadsafe(step, *arguments)
        except RuntimeError as closed:
            raise LoopGoneError from closed

    def drain(
        self, trackers: Sequence[Tracker], seconds: float, heartbeat: Heartbeat, meanwhile: Callable[[], None]
    ) -> Positioned | None:
        """Let what is in flight finish and return the final positions; None if that took too long.

        The heart beats on, and `meanwhile` is called several times a second. `LoopGoneError` if the loop ends.
        """
        done = threading.Event()
        final: list[Positioned] = []

        def drained(positions: Positioned) -> None:
            final.append(positions)
            done.set()

        self.tell(self.consumption.revoke, trackers, drained)
        return final[0] if self.wait(done, seconds, heartbeat, meanwhile) else None

    def wait(self, done: threading.Event, seconds: float, heartbeat: Heartbeat, meanwhile: Callable[[], None]) -> bool:
        """Whether the loop did it in time; as for `drain`."""
        deadline = time.monotonic() + seconds
        while not done.wait(_LOOK):
            heartbeat.beat()
            meanwhile()
            if not self._loop.is_running():
                raise LoopGoneError
            if time.monotonic() > deadline:
                return False
        return True
