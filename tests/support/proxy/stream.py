"""One direction of a connection: bytes that arrive later than they were sent, in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

_PIECE: Final = 0.05
"""Seconds between two pieces of a stream that is slowed down."""

Act = Callable[[], None]


class Stream:
    """A queue of what is to be done, each at its time and never before what came before it.

    One timer for the first of them: timers of the same time would fire in any order.
    """

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[float, Act]] = deque()
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def send(self, data: bytes, *, latency: float, bytes_per_second: float | None) -> None:
        """Write these bytes, after `latency` seconds and so slowly."""
        if bytes_per_second is None:
            self.then(lambda: self._write(data), after=latency)
            return
        size = max(1, int(bytes_per_second * _PIECE))
        at = max(self._last, self._loop.time() + latency)
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            at += len(piece) / bytes_per_second
            self._at(at, self._writing(piece))

    def then(self, act: Act, *, after: float = 0.0) -> None:
        """Do something in its turn, and not before so many seconds."""
        at = self._loop.time() + after
        if after <= 0 and not self._waiting:
            act()
        else:
            self._at(at, act)

    def end(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _writing(self, piece: bytes) -> Act:
        return lambda: self._write(piece)

    def _at(self, when: float, act: Act) -> None:
        self._last = max(self._last, when)
        self._waiting.append((self._last, act))
        if len(self._waiting) == 1:
            self._timer = self._loop.call_at(self._last, self._due)

    def _due(self) -> None:
        # A loop may ring a fraction of a millisecond early.
        soon = self._loop.time() + 0.001
        while self._waiting and self._waiting[0][0] <= soon:
            self._waiting.popleft()[1]()
        if self._waiting:
            self._timer = self._loop.call_at(self._waiting[0][0], self._due)
