"""The real clock, one moment of it, and the alarm that wakes the dispatcher on an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self


class SystemClock:
    """Both kinds of time, see `pipeline.ports.Clock`."""

    __slots__ = ()
    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


@dataclass(frozen=True, slots=True)
class ClockReading:
    """One moment on both clocks: what happened or will happen is known in monotonic time, and shown in Unix seconds."""

    monotonic: float
    wall: float

    @classmethod
    def now(cls) -> Self:
        """The present one."""
        return cls(time.monotonic(), time.time())

    def past(self, since: float) -> float:
        """A monotonic time as Unix seconds."""
        return self.wall - (self.monotonic - since)

    def ahead(self, until: float | None) -> float | None:
        """The same of what is to come: what should have come already is due now."""
        return None if until is None else self.wall + max(0.0, until - self.monotonic)


class LoopAlarm:
    """One timer, always set to the earliest time asked for, see `pipeline.ports.Alarm`."""

    __slots__ = ("_handle", "_loop", "_ring", "_when")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ring: Callable[[], None] | None = None
        self._handle: asyncio.TimerHandle | None = None
        self._when = float("inf")

    def connect(self, ring: Callable[[], None]) -> None:
        """Say what to call."""
        self._ring = ring

    def at(self, when: float) -> None:
        """Ring at this monotonic time, unless an earlier alarm is set."""
        if when >= self._when:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._when = when
        self._handle = self._loop.call_later(max(0.0, when - time.monotonic()), self._fire)

    def cancel(self) -> None:
        """Ring no more."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle, self._ring = None, None

    def _fire(self) -> None:
        when, self._when, self._handle = self._when, float("inf"), None
        if time.monotonic() < when:
            # uvloop counts in milliseconds and may ring a fraction of one too early; nothing would be due then.
            self.at(when)
        elif self._ring is not None:
            self._ring()
