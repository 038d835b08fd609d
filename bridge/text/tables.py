"""Rows as lines with aligned columns.

A terminal's columns are counted, not characters: ideographs take two, combining marks none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

GAP: Final = "  "
"""Between two columns of a table."""


def table(rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Rows as lines with aligned columns; the columns in `right` are aligned to the right."""
    wanted = widths(rows)
    return [aligned(row, wanted, right) for row in rows]


def widths(rows: Sequence[Sequence[str]]) -> list[int]:
    """Of each column, as wide as its widest cell."""
    return [max(map(columns, column)) for column in zip(*rows, strict=True)]


def aligned(row: Sequence[str], widths: Sequence[int], right: Sequence[int]) -> str:
    """One row as a line; no cell may be wider than its column."""
    cells = []
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        padding = " " * (width - columns(cell))
        cells.append(f"{padding}{cell}" if column in right else f"{cell}{padding}")
    return GAP.join(cells).rstrip()


def columns(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def fitting(text: str, room: int) -> int:
    """How many of its first characters fit into that many columns; one at least."""
    taken = 0
    for place, character in enumerate(text):
        taken += _columns(character)
        if taken > room:
            return max(1, place)
    return len(text)


def without_middle(text: str, width: int) -> str:
    """At most this many columns; the end is kept, where names differ."""
    if columns(text) <= width:
        return text
    begin = fitting(text, (width - 1) // 2)
    end, taken = len(text), columns(text[:begin]) + 1
    while end > begin and taken + _columns(text[end - 1]) <= width:
        end -= 1
        taken += _columns(text[end])
    return f"{text[:begin]}…{text[end:]}"


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
