"""The keys of a terminal, and the terminal itself: taken over for a while, and given back whatever happens."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_NAMED: Final = {
    "\x1b[A": "up", "\x1b[B": "down", "\x1bOA": "up", "\x1bOB": "down", "\x1b[5~": "pgup", "\x1b[6~": "pgdn",
    "\x1b[H": "home", "\x1b[F": "end", "\x1bOH": "home", "\x1bOF": "end", "\x1b[1~": "home", "\x1b[4~": "end",
    "\r": "enter", "\n": "enter", "\t": "tab", "\x7f": "backspace", "\x08": "backspace", "\x03": "ctrl-c",
}  # fmt: skip
_ESCAPE: Final = "\x1b"
_LONGEST: Final = 32
"""Characters of a sequence; what is longer is none."""
_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[H\x1b[2J"
"""Another screen, no cursor, nothing wrapped."""
_LEAVE: Final = "\x1b[?7h\x1b[?25h\x1b[?1049l"


def keys(typed: str) -> tuple[list[str], str]:
    """The keys in what was typed, and the beginning of a sequence that is not whole yet. Unknown sequences are no key.

    A lone escape is such a beginning: whoever reads knows whether more comes.
    """
    found: list[str] = []
    while typed:
        if typed[0] != _ESCAPE:
            found.append(_NAMED.get(typed[0], typed[0]))
            typed = typed[1:]
            continue
        end = _end(typed)
        if end is None:
            break
        if end == 1:
            found.append("esc")
        elif (name := _NAMED.get(typed[:end])) is not None:
            found.append(name)
        typed = typed[end:]
    return [key for key in found if len(key) > 1 or key.isprintable()], typed


def _end(typed: str) -> int | None:
    """How long the sequence at the beginning is; None: it goes on."""
    if len(typed) == 1:
        return None
    if typed[1] == _ESCAPE:
        return 1
    if typed[1] == "O":
        return 3 if len(typed) > 2 else None
    if typed[1] != "[":
        return 2  # with the alternate key
    for place, character in enumerate(typed[2:_LONGEST], 2):
        if "@" <= character <= "~":
            return place + 1
    return None if len(typed) < _LONGEST else len(typed)


@contextmanager
def taken(number: int) -> Iterator[None]:
    """Keys come at once and unseen, and the screen is another one; as it was again at the end, however that comes.

    `number` is the descriptor of the terminal that is read; the screen is that of standard output.
    """
    before = termios.tcgetattr(number)
    try:
        tty.setcbreak(number, termios.TCSADRAIN)
        now = termios.tcgetattr(number)
        now[6][termios.VSUSP] = b"\x00"  # it would leave the shell with this screen
        termios.tcsetattr(number, termios.TCSADRAIN, now)
        sys.stdout.write(_ENTER)
        sys.stdout.flush()
        yield
    finally:
        with contextlib.suppress(OSError, ValueError):  # the terminal may be gone
            sys.stdout.write(_LEAVE)
            sys.stdout.flush()
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(number, termios.TCSADRAIN, before)


def read(number: int) -> str:
    """What was typed since; empty where the terminal is gone."""
    try:
        return os.read(number, 4096).decode("utf-8", "replace")
    except OSError:
        return ""
