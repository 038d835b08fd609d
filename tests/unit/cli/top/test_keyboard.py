"""What comes from a terminal as keys, and a terminal that is given back whatever ends `track-bridge top`."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.top.keyboard import keys


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("q", ["q"]),
        ("\x1b[A\x1b[Bx", ["up", "down", "x"]),
        ("\x1bOA", ["up"]),
        ("\x1b[5~\x1b[6~\x1b[H\x1b[F", ["pgup", "pgdn", "home", "end"]),
        ("\r\n\t\x7f\x08\x03", ["enter", "enter", "tab", "backspace", "backspace", "ctrl-c"]),
        ("\x1b[1;5C\x1b[200~ab\x1b[201~", ["a", "b"]),
        ("\x1bxq", ["q"]),
        ("\x1b\x1b[A", ["esc", "up"]),
        ("größe", list("größe")),
        ("\x00\x01\x9b", []),
    ],
)
def test_sequences_are_keys_and_unknown_ones_are_none(typed: str, found: list[str]) -> None:
    assert keys(typed) == (found, "")


@pytest.mark.parametrize("begun", ["\x1b", "\x1b[", "\x1bO", "\x1b[1;"])
def test_what_is_not_whole_yet_is_waited_for(begun: str) -> None:
    assert keys(f"x{begun}") == (["x"], begun)


@given(st.text())
def test_whatever_is_typed_comes_to_an_end(typed: str) -> None:
    _, rest = keys(typed)
    assert typed.endswith(rest)
    assert len(rest) < 40


@given(st.lists(st.sampled_from(["\x1b[A", "\x1b[6~", "x", "\t", "é"]), max_size=10), st.integers(0, 40))
def test_a_sequence_that_comes_in_two_pieces_is_the_same(typed: list[str], cut: int) -> None:
    text = "".join(typed)
    first, rest = keys(text[:cut])
    second, left = keys(rest + text[cut:])
    assert (first + second, left) == keys(text)


PROGRAM = """
import asyncio, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may do so under nohup
from bridge.cli.top import program
from bridge.fleet.view import FleetView

class Source:
    looks = 0
    async def view(self):
        self.looks += 1
        if sys.argv[1] == "crash" and self.looks > 1:
            raise RuntimeError("a defect")
        return FleetView(at=1_700_000_000.0, group_id="bridge-prod")

program.status_screen.INTERVAL = 0.05
asyncio.run(program.on_terminal(Source(), None, "alice"))
print("after it")
"""


def read_until(number: int, text: bytes, within: float = 20.0) -> bytes:
    """What the terminal got, up to this text."""
    got, deadline = b"", time.monotonic() + within
    while text not in got:
        assert select.select([number], [], [], max(0.0, deadline - time.monotonic()))[0], got
        got += os.read(number, 65_536)
    return got


@pytest.mark.slow
@pytest.mark.parametrize("how", ["q", "ctrl-c", "sigterm", "sighup", "crash"])
def test_the_terminal_is_as_it_was_however_it_ends(how: str) -> None:
    ours, theirs = pty.openpty()
    before = termios.tcgetattr(theirs)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how], stdin=theirs, stdout=theirs, stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"}, start_new_session=True,
    )  # fmt: skip
    try:
        shown = read_until(ours, b"bridge-prod")
        assert b"\x1b[?1049h" in shown
        assert b"\x1b[?25l" in shown
        assert termios.tcgetattr(theirs) != before, "keys come at once"
        if how == "q":
            os.write(ours, b"q")
        elif how == "ctrl-c":
            os.write(ours, b"\x03")
            process.send_signal(signal.SIGINT)  # the terminal does it for its own session
        elif how in ("sigterm", "sighup"):
            process.send_signal(signal.SIGTERM if how == "sigterm" else signal.SIGHUP)
        read_until(ours, b"\x1b[?1049l")
        _, err = process.communicate(timeout=20)
        assert termios.tcgetattr(theirs) == before
        assert (process.returncode, b"a defect" in err) == ((1, True) if how == "crash" else (0, False)), err
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
