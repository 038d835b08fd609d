"""The screen of `track-bridge status --watch`: what is written to a terminal of a certain size."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.status_screen import frame
from bridge.config import environment
from bridge.ops.status.status_text import ScreenLine, Tone

_ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def shown(text: str) -> list[str]:
    """The lines without what only the terminal obeys."""
    return [_ESCAPES.sub("", line) for line in text.split("\r\n")]


def test_the_top_is_shown_and_the_last_line_says_how_many_more_there_are() -> None:
    page = [ScreenLine(f"line {number}") for number in range(50)]
    found = shown(frame(page, height=20, width=60, is_coloured=False))
    assert found[:2] == ["line 0", "line 1"]
    assert found[-2:] == ["line 18", "… 31 more lines"]
    assert len(found) == 20


@given(count=st.integers(1, 60), height=st.integers(1, 60), width=st.integers(1, 40))
def test_a_frame_is_never_higher_than_the_terminal_so_nothing_scrolls(count: int, height: int, width: int) -> None:
    page = [ScreenLine("x" * min(width, number)) for number in range(count)]
    found = frame(page, height=height, width=width, is_coloured=True)
    assert found.count("\r\n") < height
    assert all(len(line) <= width for line in shown(found))


def test_nothing_is_erased_but_what_is_written_over_and_a_full_line_keeps_its_last_character() -> None:
    found = frame([ScreenLine("short"), ScreenLine("x" * 10)], height=5, width=10, is_coloured=False)
    assert found == "\x1b[Hshort\x1b[K\r\nxxxxxxxxxx\r\n\x1b[J"
    assert "\x1b[2J" not in found


def test_colours_are_never_all_that_says_it() -> None:
    page = [ScreenLine("HELD: out of range", Tone.NEEDS_SOMEONE), ScreenLine("Topics", Tone.TITLE), ScreenLine("plain")]
    plain = frame(page, height=9, width=40, is_coloured=False)
    coloured = frame(page, height=9, width=40, is_coloured=True)
    assert "\x1b[1;31mHELD: out of range\x1b[0m" in coloured
    assert not re.search(r"\x1b\[[0-9;]*m", plain)
    assert shown(plain) == shown(coloured)


@pytest.mark.parametrize(
    ("environ", "wanted"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
)
def test_no_color_and_a_terminal_without_colours_are_honoured(environ: dict[str, str], wanted: bool) -> None:  # noqa: FBT001
    assert environment.colours_wanted(environ) is wanted
