"""The console's side of the process: it is started, asked, and killed when its time is over."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bridge.config import environment
from bridge.console.confined.frames import LENGTH, MEGABYTES, SECONDS, framed
from bridge.console.forms import PageRefusedError

_MOST_ANSWERED: Final = 4_000_000
"""Bytes: an answer becomes a page."""
_CHUNK: Final = 1 << 20
_PASSED_ON: Final = ("PATH", "LD_LIBRARY_PATH", "LANG")
"""Of the environment, with what Python takes from there: nothing else, for secrets are in it."""
BUSY: Final = "Somebody else's question of this kind is being worked out; one is at a time. Try again in a few seconds."
TOO_MUCH: Final = (
    f"This took more than the {SECONDS} s, the {MEGABYTES} MB or the {_MOST_ANSWERED // 1_000_000} MB of answer that a"
    " question may take here, and was stopped. Ask something smaller, or use the command in a terminal."
)
_ENDING: Final = "The console is being stopped."


class ConfinedProcess:
    """One that runs. Its time is the time that somebody waits for it."""

    def __init__(self, module: str, seconds: float) -> None:
        self._left = seconds
        self._process = subprocess.Popen(  # noqa: S603 - a module of our own
            [sys.executable, "-P", "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            close_fds=True,  # the console's sockets above all
            start_new_session=True,  # Ctrl-C is the console's
            env=_environment(),
        )
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101 - see above
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._in, False)

    def ask(self, message: bytes) -> bytes:
        """Its answer. Blocks; raises `PageRefusedError` where it needs too much."""
        rest = memoryview(framed(message))
        while rest:
            self._wait(self._in, select.POLLOUT)
            try:
                rest = rest[os.write(self._in, rest[:_CHUNK]) :]
            except BlockingIOError:
                continue
            except BrokenPipeError as gone:
                raise PageRefusedError(503, TOO_MUCH) from gone
        size = int.from_bytes(self._read(LENGTH), "big")
        if size > _MOST_ANSWERED:
            raise PageRefusedError(503, TOO_MUCH)
        return self._read(size)

    def _read(self, size: int) -> bytes:
        found = bytearray()
        while len(found) < size:
            self._wait(self._out, select.POLLIN)
            part = os.read(self._out, min(_CHUNK, size - len(found)))
            if not part:
                raise PageRefusedError(503, TOO_MUCH)
            found += part
        return bytes(found)

    def _wait(self, pipe: int, event: int) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        began = time.monotonic()
        is_ready = poll.poll(max(0.0, self._left) * 1000)
        self._left -= time.monotonic() - began
        if not is_ready:
            raise PageRefusedError(503, TOO_MUCH)

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def kill(self) -> None:
        """At once, from any thread."""
        self._process.kill()

    def end(self) -> None:
        """Nothing of it is left."""
        with self._process:
            self._process.kill()


class ConfinedCell:
    """At most one process, for all visitors. Methods are called from any thread."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._turn = threading.Lock()
        self._guard = threading.Lock()
        self._process: ConfinedProcess | None = None
        self._is_closed = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Meanwhile `start` is the caller's alone. Raises `PageRefusedError` where it is somebody else's."""
        if not self._turn.acquire(blocking=False):
            raise PageRefusedError(503, BUSY)
        try:
            yield
        finally:
            with self._guard:
                process, self._process = self._process, None
            if process is not None:
                process.end()
            self._turn.release()

    def start(self, module: str) -> ConfinedProcess:
        """One process a turn. Raises `PageRefusedError` where the console is being stopped."""
        with self._guard:
            if self._is_closed:
                raise PageRefusedError(503, _ENDING)
            self._process = ConfinedProcess(module, self._seconds)
            return self._process

    def close(self) -> None:
        """Whoever waits for it is refused at once, and nothing is started any more."""
        with self._guard:
            self._is_closed = True
            if self._process is not None:
                self._process.kill()


def _environment() -> dict[str, str]:
    return {
        name: value
        for name, value in environment.variables().items()
        if name in _PASSED_ON or name.startswith(("PYTHON", "LC_"))
    }
