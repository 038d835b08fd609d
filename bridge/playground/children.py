"""The bridge and its console as processes: started again where one ends, ended in order when the playground ends."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.sandbox.child_processes import ChildProcesses
from bridge.selftest.replicas import last_words
from bridge.text.printable import cut, printable

PATIENCE: Final = 8.0
"""Seconds that a process may take to end in order."""
_FIRST_REST: Final = 1.0
_LONGEST_REST: Final = 10.0
_WORDS: Final = 300


@dataclass(slots=True)
class Child:
    """One process of the playground."""

    name: str
    arguments: Sequence[str]
    """Of ``python -m bridge``."""
    log: Path
    process: subprocess.Popen[bytes] | None = None
    due: float = 0.0
    """When it is started again, monotonic."""
    rest: float = field(default=_FIRST_REST)


def _program() -> Sequence[str]:
    """As this process was started: what the bridge says to type is then what was typed here."""
    called = Path(sys.argv[0])
    return [str(called)] if called.name in ("track-bridge", "bridge") and called.is_file() else ["-m", "bridge"]


class Household:
    """All of them."""

    def __init__(self, processes: ChildProcesses, say: Callable[[str], None]) -> None:
        self._processes = processes
        self._say = say
        self._children: list[Child] = []

    def add(self, name: str, *arguments: str, log: Path) -> None:
        """One more, which is started now."""
        child = Child(name, arguments, log)
        self._children.append(child)
        self._start(child)

    def look(self) -> None:
        """Start again what has ended."""
        now = time.monotonic()
        for child in self._children:
            if child.process is None:
                if now >= child.due:
                    self._start(child)
                    self._say(f"The {child.name} was started again.")
            elif child.process.poll() is not None:
                code = child.process.returncode
                self._processes.ended(child.process)
                child.process = None
                # What ran for a while was not broken from the start.
                child.rest = _FIRST_REST if now - child.due > 60 else min(_LONGEST_REST, child.rest * 2)
                child.due = now + child.rest
                how = f"was killed (signal {-code})" if code < 0 else f"ended with {code}"
                words = "" if code < 0 else f": {cut(printable(last_words(child.log)), _WORDS)}"
                self._say(f"The {child.name} {how}{words}")

    def _start(self, child: Child) -> None:
        with child.log.open("ab") as log:
            child.process = self._processes.start(
                [sys.executable, "-P", *_program(), *child.arguments], output=log, errors=subprocess.STDOUT
            )
        child.due = time.monotonic()

    async def end(self) -> None:
        """All of them, in order where they can."""
        running = [child.process for child in self._children if child.process is not None]
        for process in running:
            process.terminate()
        await asyncio.to_thread(self._wait, running)

    def _wait(self, running: Sequence[subprocess.Popen[bytes]]) -> None:
        deadline = time.monotonic() + PATIENCE
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
                self._processes.ended(process)
