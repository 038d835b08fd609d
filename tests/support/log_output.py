"""What a log under test wrote."""

from __future__ import annotations

import json
import threading
from typing import Any

from bridge.ops.log.logger import Logging, LogWriter


class LogOutput:
    """A log's output, kept. Whoever reads it sees all that was logged before, though a thread of its own writes it."""

    _MARK = b"\0"

    def __init__(self) -> None:
        self._text = b""
        self._marks = threading.Semaphore(0)
        self.writer: LogWriter | None = None
        """As long as it writes."""

    def write(self, data: bytes) -> int:
        if data == self._MARK:
            self._marks.release()
        else:
            self._text += data
        return len(data)

    @property
    def text(self) -> bytes:
        """What is logged by now."""
        if self.writer is not None:
            self.writer.write(self._MARK)
            assert self._marks.acquire(timeout=30), "the log is not written any more"
        return self._text

    @property
    def so_far(self) -> bytes:
        """What is written by now, without waiting for the rest."""
        return self._text

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The same, line by line."""
        return [json.loads(line) for line in self.text.splitlines()]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The logged events of this name."""
        return [line for line in self.lines if line["event"] == name]

    def close(self, log: Logging) -> None:
        """Of what writes into this."""
        log.close()
        self.writer = None
