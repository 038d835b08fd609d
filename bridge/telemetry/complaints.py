"""What the SDK complains about, as a line now and then: a collector that is down is no news every second."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

EVERY: Final = 300.0
"""Seconds between two lines."""
SOURCE: Final = "opentelemetry"


class Complaints(logging.Handler):
    """Takes the place of the log's own handler for everything of the SDK. Called on any thread."""

    def __init__(self, tell: Callable[[str, int], None], monotonic: Callable[[], float] = time.monotonic) -> None:
        """`tell` gets what was said, and how much else was since the last line."""
        super().__init__(logging.WARNING)
        self._tell = tell
        self._monotonic = monotonic
        self._next = float("-inf")
        self._withheld = 0
        self._guard = threading.Lock()

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it, unless something was told a moment ago."""
        now = self._monotonic()
        with self._guard:
            if now < self._next:
                self._withheld += 1
                return
            self._next, withheld, self._withheld = now + EVERY, self._withheld, 0
        try:
            said = record.getMessage()
        except (TypeError, ValueError, KeyError):
            said = str(record.msg)
        self._tell(said, withheld)

    def install(self) -> Callable[[], None]:
        """Hear the SDK from now on; returns what undoes it."""
        logger = logging.getLogger(SOURCE)
        before = logger.handlers[:], logger.propagate
        logger.handlers[:], logger.propagate = [self], False

        def undo() -> None:
            logger.handlers[:], logger.propagate = before

        return undo
