"""The programs that a test starts, and what is told of them where it fails."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

TAIL: Final = 6000
"""Bytes of what a program wrote last, of each of its streams."""
LINES, WIDTH = 5, 200
"""Of one program in short, its name included."""
ERRORS: Final = 2
"""Of these lines, how many at least are its errors, where there are as many."""
MOST: Final = 50
"""Programs that are remembered: the last ones."""
STACKS = signal.SIGUSR1
"""Upon this a prepared program writes where its threads are to its standard error, and goes on."""
_STACKS_WITHIN, _QUIET, _LOOK_EVERY = 10.0, 0.2, 0.02


@dataclass(frozen=True)
class Told:
    """What one program says of itself."""

    name: str
    """Its arguments, as they are typed."""
    state: str
    """``runs, pid 7`` or ``ended with 2``."""
    is_well: bool = False
    """It ended as a program does that has no complaint."""
    out: str = ""
    err: str = ""
    """What it wrote last."""
    stacks: str = ""
    """Where the threads of one are that runs."""

    def in_short(self) -> list[str]:
        """Its state, and the last lines that it wrote."""
        out, err = self.out.rstrip().splitlines(), self.err.rstrip().splitlines()
        errors = err[-max(ERRORS, LINES - 1 - len(out)) :]
        lines = [*out[len(out) - min(len(out), LINES - 1 - len(errors)) :], *errors]
        return [line if len(line) <= WIDTH else f"{line[:WIDTH]}…" for line in (f"{self.name}: {self.state}", *lines)]

    def whole(self) -> str:
        """All of it."""
        parts = (("", self.out), ("standard error", self.err), ("where its threads are", self.stacks))
        said = [f"{f'-- {name}{chr(10)}' if name else ''}{text.rstrip()}" for name, text in parts if text]
        return "\n".join([f"--- {self.name}: {self.state}", *said])


class Tells(Protocol):
    """A program that a test started."""

    @property
    def may_run(self) -> bool:
        """Whether it was not seen to end."""

    def told(self) -> Told:
        """Asked once, after the test failed, while no loop runs."""


_started: deque[Tells] = deque(maxlen=MOST)


def started(program: Tells) -> None:
    """It is shown with the test that runs now, if that fails."""
    if program not in _started:
        _started.append(program)


def next_test() -> None:
    """Nobody asks any more for those that ended."""
    running = [each for each in _started if each.may_run]
    _started.clear()
    _started.extend(running)


def told() -> list[Told]:
    """Of all that the test started, the last one last."""
    return [_told(each) for each in _started]


def _told(program: Tells) -> Told:
    try:
        return program.told()
    except Exception as error:  # noqa: BLE001 - the test that failed must be reported, whatever this is
        return Told(f"a {type(program).__name__}", f"cannot tell anything: {error!r}")


def ask_for_stacks(pid: int, read: Callable[[], str]) -> str:
    """What `read` finds of what a prepared program writes upon being asked; it goes on even if it was suspended."""
    until, quiet_since, found = time.monotonic() + _STACKS_WITHIN, time.monotonic(), ""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, STACKS)
        os.kill(pid, signal.SIGCONT)
        while time.monotonic() < until and not (found and time.monotonic() - quiet_since > _QUIET):
            time.sleep(_LOOK_EVERY)
            if more := read():
                found, quiet_since = found + more, time.monotonic()
            os.kill(pid, 0)
    return found
