"""Lines as wide as a terminal, broken between words; and how wide that is."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from typing import Final, TextIO

from bridge.text.tables import GAP, columns

NARROWEST: Final = 30
"""Columns: in less than these no sentence can be read."""
_LABEL: Final = re.compile(r" *\S{1,12} {2,}(?=\S)| {5,}(?=\S)")
"""What stands before a text, as ``ok`` and ``TB108`` do; or the room below it."""
_GAPS: Final = re.compile(r"(?<=\S) {2,}(?=\S)")
_PIECES: Final = re.compile(r"( *)((?:`[^`]*`|[^ `]|`)+)")
"""A word with the blanks before it. What stands between backticks is to be copied: it is one word."""


def width(stream: TextIO, *, otherwise: int, most: int | None = None) -> int:
    """Columns of the terminal that a stream is, at `most` so many; `otherwise` where it is none."""
    if not stream.isatty():
        return otherwise
    found = max(NARROWEST, shutil.get_terminal_size().columns)
    return found if most is None else min(found, most)


def wrapped(line: str, room: int) -> list[str]:
    """One line as lines of at most `room` columns; a longer word has a line of its own and is not broken.

    What follows the first line stands under the text: behind its label, or in the last column of a table.
    """
    if columns(line) <= room:
        return [line]
    line, margin = _begun(line, room)
    return list(_filled(line, room, " " * margin))


def _begun(line: str, room: int) -> tuple[str, int]:
    """The line, and where its text continues."""
    indented = len(line) - len(line.lstrip(" "))
    label = _LABEL.match(line)
    if label is not None and columns(label[0]) <= room // 2:
        return line, columns(label[0])
    gaps = list(_GAPS.finditer(line))
    if gaps and columns(line[: gaps[-1].end()]) <= room * 2 // 3:
        return line, columns(line[: gaps[-1].end()])
    below = indented + 2 if indented or gaps else 0
    return _GAPS.sub(GAP, line), below


def _filled(line: str, room: int, margin: str) -> Iterator[str]:
    present, is_begun = "", False
    for blanks, word in _PIECES.findall(line):
        if is_begun and columns(present) + len(blanks) + columns(word) > room:
            yield present
            present = f"{margin}{word}"
        else:
            present = f"{present}{blanks}{word}"
        is_begun = True
    yield present
