"""A command at a terminal: one that asks a person there, and one that goes on until its terminal is gone."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.prepared.client import program
from tests.support.waiting import until


async def answered(*arguments: str, answer: str) -> tuple[int, str]:
    """The exit code and standard output of ``bridge ARGUMENTS``, with `answer` typed to its question.

    Standard input and error are a terminal, and a script reads standard output.
    """
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())  # The terminal keeps it until somebody asks.
        process = await program(*arguments, stdin=theirs, stderr=theirs, env={**os.environ, "TERM": "dumb"})
        draining = asyncio.get_running_loop()
        draining.add_reader(ours, os.read, ours, 65_536)
        try:
            out, _ = await process.communicate()
        finally:
            draining.remove_reader(ours)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode is not None
    return process.returncode, out.decode()


class AtTerminal:
    """A process that has a terminal of its own."""

    def __init__(self, child: int, terminal: int, log: Path) -> None:
        self.pid = child
        self._terminal: int | None = terminal
        self._log = log
        self._code: int | None = None

    def written(self) -> str:
        """All that it wrote."""
        return self._log.read_text(encoding="utf-8") if self._log.exists() else ""

    async def says(self, text: str) -> None:
        """Wait until it wrote that."""
        await until(f"it says {text}", lambda: text in self.written(), explain=self.written)

    def hang_up(self) -> None:
        """Close the terminal, of which the process is told by SIGHUP."""
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    async def ended(self) -> int:
        """Wait for its end: the exit code."""
        await until("it ended", self._has_ended, explain=self.written)
        assert self._code is not None
        return self._code

    def kill(self) -> None:
        """Whatever became of it."""
        with suppress(ProcessLookupError):
            if not self._has_ended():
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        self.hang_up()

    def _has_ended(self) -> bool:
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code is not None


@contextmanager
def at_a_terminal(*arguments: str, log: Path) -> Iterator[AtTerminal]:
    """``bridge ARGUMENTS``, which writes into `log`; its terminal is its own."""
    child, terminal = pty.fork()
    if child == 0:
        writes = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(writes, 1)
        os.dup2(writes, 2)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may do so under nohup
        os.execv(sys.executable, [sys.executable, "-m", "bridge", *arguments])  # noqa: S606 - no shell
    process = AtTerminal(child, terminal, log)
    try:
        yield process
    finally:
        process.kill()
