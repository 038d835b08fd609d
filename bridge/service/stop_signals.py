"""What a signal to stop means: the first one an orderly end, a later one an end at once."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Final

ONE_SIGNAL: Final = 0.25
"""Seconds within which further ones belong to the first: a loop may deliver one signal twice where another came with
it, and a terminal's Ctrl-C reaches a program both from the terminal and from whoever started it.
"""


class StopSignals:
    """Called with each SIGTERM and SIGINT."""

    def __init__(
        self,
        stop: Callable[[str], None],
        is_stopping: Callable[[], bool],
        before_the_end: Callable[[], None],
        *,
        clock: Callable[[], float] = time.monotonic,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        """`stop` takes the signal's name; `end` the exit code, after `before_the_end`."""
        self._stop = stop
        self._is_stopping = is_stopping
        self._before_the_end = before_the_end
        self._clock = clock
        self._end = end
        self._first_at: float | None = None

    def __call__(self, number: signal.Signals) -> None:
        """One came."""
        now = self._clock()
        if self._first_at is None:
            self._first_at = now
            if not self._is_stopping():
                self._stop(number.name)
                return
        elif now - self._first_at <= ONE_SIGNAL:
            return
        self._before_the_end()
        self._end(128 + number)
