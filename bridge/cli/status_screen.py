"""How the status text gets onto a terminal: its width, its colours, and a screen that is written over and over."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from bridge.config import environment
from bridge.ops.status import status_text
from bridge.ops.status.status_text import ScreenLine, Tone
from bridge.ops.status.status_text.layout import wrapped
from bridge.text.amounts import thousands
from bridge.text.printable import printable
from bridge.text.tables import columns

INTERVAL: Final = 2.0
"""Seconds between two questions."""
_LOOK: Final = 0.2
"""Seconds between two looks whether the terminal has another size."""
WIDEST: Final = 160
"""Columns: longer lines cannot be read."""
_CODES: Final = {Tone.TITLE: "1", Tone.GOOD: "32", Tone.WAITS: "33", Tone.NEEDS_SOMEONE: "1;31"}
_HOME, _CLEAR, _CLEAR_LINE, _CLEAR_BELOW = "\x1b[H", "\x1b[2J", "\x1b[K", "\x1b[J"

Document = Mapping[str, Any]


def width() -> int:
    """Columns to lay out for: the terminal's, or those of a page that is read elsewhere."""
    return min(shutil.get_terminal_size().columns, WIDEST) if sys.stdout.isatty() else status_text.PLAIN_WIDTH


def write(page: Sequence[ScreenLine]) -> None:
    """All of it, once."""
    is_coloured = _is_coloured()
    sys.stdout.write("".join(f"{_painted(line, is_coloured=is_coloured)}\n" for line in page))


def frame(page: Sequence[ScreenLine], *, height: int, width: int, is_coloured: bool) -> str:
    """What makes a terminal of this size show the page from its top on, over whatever it shows now.

    Nothing is erased that is not written over at once, so nothing flickers. What does not fit is counted in the last
    line. A line as wide as the terminal leaves the cursor on its last column, where erasing would take a character.
    """
    shown = list(page)
    if len(shown) > height:
        more = len(shown) - max(height - 1, 0)
        shown = [*shown[: height - 1], ScreenLine(f"… {thousands(more)} more lines"[:width], Tone.TITLE)]
    out = []
    for line in shown:
        ends = "" if columns(line.text) >= width else _CLEAR_LINE
        out.append(f"{_painted(line, is_coloured=is_coloured)}{ends}")
    below = f"\r\n{_CLEAR_BELOW}" if len(shown) < height else ""
    return _HOME + "\r\n".join(out) + below


class Screen:
    """A terminal that shows the last document, until told otherwise."""

    def __init__(self, lay_out: Callable[[Document, int], list[ScreenLine]]) -> None:
        self._lay_out = lay_out
        self._size = (0, 0)
        self._document: Document = {}
        self._trouble = ""

    @contextmanager
    def open(self, document: Document) -> Iterator[Screen]:
        """Show the first document; at the end what comes next gets a line of its own."""
        self.show(document)
        try:
            yield self
        finally:
            sys.stdout.write("\r\n")
            sys.stdout.flush()

    def show(self, document: Document) -> None:
        """Bring it to the terminal. What `lay_out` raises leaves there what is there."""
        self._lay_out(document, status_text.PLAIN_WIDTH)
        self._document, self._trouble = document, ""
        self._draw()

    def show_trouble(self, trouble: str) -> None:
        """Why there is nothing newer, above the last document."""
        self._trouble = trouble
        self._draw()

    def _draw(self) -> None:
        size = shutil.get_terminal_size()
        wide = min(size.columns, WIDEST)
        page = self._lay_out(self._document, wide)
        if self._trouble:
            said = [*wrapped(self._trouble, wide), *wrapped("Asked again every 2 s; below is the last answer.", wide)]
            page = [*(ScreenLine(line, Tone.NEEDS_SOMEONE) for line in said), ScreenLine(), *page]
        # Another size moves what is there already; nothing of it can be written over in place.
        clear = _CLEAR if (size.columns, size.lines) != self._size else ""
        self._size = (size.columns, size.lines)
        sys.stdout.write(clear + frame(page, height=size.lines, width=size.columns, is_coloured=_is_coloured()))
        sys.stdout.flush()

    def pause(self) -> None:
        """Wait for the time of the next question; another size of the terminal is followed meanwhile."""
        until = time.monotonic() + INTERVAL
        while time.monotonic() < until:
            time.sleep(_LOOK)
            size = shutil.get_terminal_size()
            if (size.columns, size.lines) != self._size:
                self._draw()


class Canvas:
    """The terminal for lines that somebody else lays out for its size."""

    def __init__(self) -> None:
        self._drawn = (0, 0)

    def size(self) -> tuple[int, int]:
        """Columns and lines, as they are now."""
        size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, page: Sequence[ScreenLine]) -> None:
        """Over what is there; another size moves that, and nothing of it can be written over in place."""
        size = self.size()
        clear = _CLEAR if size != self._drawn else ""
        self._drawn = size
        sys.stdout.write(clear + frame(page, height=size[1], width=size[0], is_coloured=_is_coloured()))
        sys.stdout.flush()


def _is_coloured() -> bool:
    return sys.stdout.isatty() and environment.colours_wanted(environment.variables())


def _painted(line: ScreenLine, *, is_coloured: bool) -> str:
    text = printable(line.text)
    code = _CODES.get(line.tone)
    return text if code is None or not text or not is_coloured else f"\x1b[{code}m{text}\x1b[0m"
