"""Ends the process when a call into the Kafka client does not come back.

Against a frozen broker a synchronous commit and a close wait without limit. The thread that made the call cannot help
itself, and a process that neither works nor ends is the worst a supervisor can be given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging


class Watchdog:
    """Calls `abort` when a block takes longer than it may."""

    def __init__(self, abort: Callable[[], None], logger: logging.Logger) -> None:
        """`abort` must end the process without waiting for anything, as `os._exit` does."""
        self._abort = abort
        self._logger = logger

    @contextmanager
    def watch(self, seconds: float, what: str) -> Iterator[None]:
        """The block may take this long; `what` names it in the log: "committing the last offsets"."""
        timer = threading.Timer(seconds, self._bite, (seconds, what))
        timer.name = "watchdog"
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _bite(self, seconds: float, what: str) -> None:
        self._logger.critical(
            "%s did not finish within %.0f s: the brokers do not answer. The process ends now; events whose offsets "
            "were not committed are sent again after the restart",
            what,
            seconds,
        )
        self._abort()
