"""The terminal that a process was started at: what ends the process there, and whether it is gone."""

from __future__ import annotations

import os
import signal


class Terminal:
    """The one that the process was started at, if at any. Made before SIGHUP has a handler.

    To a daemon SIGHUP means another thing than at a terminal that is gone. Under ``nohup`` it is ignored from the
    start, and a terminal that goes is to change nothing.
    """

    def __init__(self) -> None:
        self._had = not _is_ignored() and _is_there()

    @property
    def is_gone(self) -> bool:
        """It was there, and is not any more."""
        return self._had and not _is_there()


def ends() -> tuple[signal.Signals, ...]:
    """What ends a command that goes on until it is told to stop: Ctrl-C, SIGTERM, and the end of its terminal.

    Asked before any has a handler. Not SIGHUP under ``nohup``: a handler would take back what was asked for there.
    """
    hung_up = () if _is_ignored() else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hung_up)


def _is_ignored() -> bool:
    return signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
