"""Messages on the pipes between the console and the process, and what that process may use."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

LENGTH: Final = 4
"""Bytes before each message: how long it is, big-endian."""
SECONDS: Final = 20
MEGABYTES: Final = 512
"""Of address space, of which the interpreter and its libraries take about a fifth."""
_FIRST_TO_GO: Final = "1000"


def framed(message: bytes) -> bytes:
    """As it goes through a pipe."""
    return len(message).to_bytes(LENGTH, "big") + message


def answer_all(answer: Callable[[bytes], bytes]) -> None:
    """The whole life of the process: each message on stdin is answered on stdout, until there are no more."""
    _confine()
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    sys.stdout = sys.stderr  # what a library prints is no answer
    while len(head := asked.read(LENGTH)) == LENGTH:
        answers.write(framed(answer(asked.read(int.from_bytes(head, "big")))))
        answers.flush()


def _confine() -> None:
    """The system's limits, which hold whatever the code does. One that a system does not have is left out."""
    for what, most in (
        (resource.RLIMIT_AS, MEGABYTES * 1_000_000),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (most, most))
    # Where memory is short after all, this process goes and not the console.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
