"""Writes log lines without ever holding up or ending the process that logs.

The reader of a pipe can stall, the disk can fill, the terminal can go away. Delivering events goes on; what could
not be written is counted.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import Protocol

CAPACITY = 10_000
"""Lines kept for a reader that stalls; further ones are dropped and counted."""


class Output(Protocol):
    """Where lines go, unbuffered: a buffer would keep what a broken pipe refused, and fail again at exit."""

    def write(self, data: bytes, /) -> int:
        """Write at least a part and return how many bytes; OSError where that is impossible."""
        ...


class Descriptor:
    """A file descriptor as output, such as 1 for standard output. It is never closed here."""

    def __init__(self, number: int) -> None:
        self._number = number

    def write(self, data: bytes, /) -> int:
        """One system call."""
        return os.write(self._number, data)


class LogWriter:
    """A thread that writes lines in their order; handing one over never blocks and never raises."""

    def __init__(self, output: Output, capacity: int = CAPACITY) -> None:
        self._output = output
        self._lines: queue.Queue[bytes | None] = queue.Queue(capacity)
        self._dropped = 0
        self._failed = 0
        self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
        self._thread.start()

    @property
    def failures(self) -> int:
        """Lines that are gone. Two counters, each written by one side only, so neither needs a lock."""
        return self._dropped + self._failed

    def write(self, line: bytes, /) -> None:
        """Hand over one line with its line end."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            self._dropped += 1

    def close(self, timeout: float = 2.0) -> bool:
        """Write what is left, for at most this many seconds; False where the output took no more in that time."""
        try:
            self._lines.put(None, timeout=timeout / 2)
        except queue.Full:
            return False
        self._thread.join(timeout / 2)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                self._write_whole(line)
            except (OSError, ValueError):
                # ValueError: the output was closed under us. Either way the next line may fare better: disks are freed.
                self._failed += 1

    def _write_whole(self, line: bytes) -> None:
        rest = line
        while rest:
            rest = rest[self._output.write(rest) :]
