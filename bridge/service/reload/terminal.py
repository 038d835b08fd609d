"""Whether SIGHUP means what daemons take it for, or what it means at a terminal: that this is gone."""

from __future__ import annotations

import os
import signal


class Terminal:
    """The one that the process was started at, if at any. Made before the signal has a handler.

    Under ``nohup`` the signal is ignored from the start, and a terminal that goes is to change nothing.
    """

    def __init__(self) -> None:
        self._had = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _is_there()

    @property
    def is_gone(self) -> bool:
        """It was there, and is not any more."""
        return self._had and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
