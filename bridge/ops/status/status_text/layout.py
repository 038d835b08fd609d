"""Paragraphs and tables, laid out within a number of columns. Pure.

A terminal's columns are counted, not characters: ideographs take two, combining marks none.
"""

from __future__ import annotations

import enum
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.text.printable import printable

_GAP: Final = "  "
_BREAKS: Final = frozenset(",/.:;_-")
"""After which a word that is longer than a line is best broken."""
_SHORTEST_NAME: Final = 12
"""Columns to which the first cells of a table are cut; narrower ones cannot be told apart."""
_WORDS: Final = re.compile(r"\S*\([^()\s][^()]{0,20}\)\S*|\S+")
"""What a line is not broken in; a short remark in brackets, such as a span, is one word."""
_DEEPEST: Final = 8
"""Columns of indentation at most, however deep something is nested."""


class Tone(enum.Enum):
    """What a line is for the eye. A terminal may colour by it; the words say the same."""

    PLAIN = enum.auto()
    TITLE = enum.auto()
    GOOD = enum.auto()
    WAITS = enum.auto()
    NEEDS_SOMEONE = enum.auto()


@dataclass(frozen=True, slots=True)
class ScreenLine:
    """One line on the screen."""

    text: str = ""
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph. Lines after the first are indented further."""

    text: str
    indent: int = 0
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class ScreenTable:
    """Rows of cells under a head; the first cell of each is its name."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    right: tuple[int, ...] = ()
    """Columns of numbers."""


Item = Text | ScreenTable


def laid_out(items: Iterable[Item], width: int, indent: int = 0) -> list[ScreenLine]:
    """The lines of all of them, none wider than `width`."""
    out: list[ScreenLine] = []
    for item in items:
        if isinstance(item, Text):
            out += [ScreenLine(line, item.tone) for line in wrapped(item.text, width, indent + item.indent)]
        else:
            out += [ScreenLine(line) for line in _table(item, width, indent)]
    return out


def columns(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """The text in lines no wider than `width`, broken between words, and inside words that are longer than a line."""
    first = " " * min(indent, _DEEPEST, width - 2)
    following = " " * min(indent + 2, _DEEPEST, width - 2)
    out: list[str] = []
    line, is_empty = first, True
    for given in _WORDS.findall(printable(text)):
        word = given
        room = width - columns(line) - (0 if is_empty else 1)
        if columns(word) <= room:
            line, is_empty = f"{line}{'' if is_empty else ' '}{word}", False
            continue
        if not is_empty:
            out.append(line)
            line = following
        while columns(word) > width - columns(line):
            end = _break(word, width - columns(line))
            out.append(line + word[:end])
            line, word = following, word[end:]
        line, is_empty = line + word, False
    return [*out, line.rstrip()]


def _break(word: str, room: int) -> int:
    """Where to break a word that is wider than `room` columns, two at least."""
    end = _fitting(word, room)
    return max((place + 1 for place in range(end // 2, end) if word[place] in _BREAKS), default=end)


def _fitting(word: str, room: int) -> int:
    """How many of its first characters fit; one at least."""
    taken = 0
    for place, character in enumerate(word):
        taken += _columns(character)
        if taken > room:
            return max(1, place)
    return len(word)


# --- tables ------------------------------------------------------------------------------------------


def _table(table: ScreenTable, width: int, indent: int) -> list[str]:
    """Aligned columns where they fit, if need be with the names' middles left out; else each row as a paragraph."""
    rows = [tuple(printable(cell) for cell in row) for row in (table.head, *table.rows)]
    widths = [max(columns(row[column]) for row in rows) for column in range(len(table.head))]
    spare = width - indent - sum(widths) - len(_GAP) * (len(widths) - 1)
    if spare < 0:
        names = [_without_middle(row[0], max(_SHORTEST_NAME, widths[0] + spare)) for row in rows]
        widths[0] = max(map(columns, names))
        too_wide = sum(widths) + len(_GAP) * (len(widths) - 1) > width - indent
        if too_wide or len(set(names)) < len({row[0] for row in rows}):
            return [line for row in rows[1:] for line in _stacked(rows[0], row, width, indent)]
        rows = [(name, *row[1:]) for name, row in zip(names, rows, strict=True)]
    return [f"{' ' * indent}{_aligned(row, widths, table.right)}" for row in rows]


def _aligned(row: tuple[str, ...], widths: Sequence[int], right: Sequence[int]) -> str:
    cells = []
    for column, (cell, width) in enumerate(zip(row, widths, strict=True)):
        padding = " " * (width - columns(cell))
        cells.append(f"{padding}{cell}" if column in right else f"{cell}{padding}")
    return _GAP.join(cells).rstrip()


def _stacked(head: tuple[str, ...], row: tuple[str, ...], width: int, indent: int) -> list[str]:
    """The name, and below it every other cell with the name of its column."""
    cells = [f"{title} {cell}" if title else cell for title, cell in zip(head[1:], row[1:], strict=True) if cell]
    return [*wrapped(row[0], width, indent), *wrapped(", ".join(cells), width, indent + 2)]


def _without_middle(text: str, width: int) -> str:
    """At most so many columns; the end is kept, where names differ."""
    if columns(text) <= width:
        return text
    begin = _fitting(text, (width - 1) // 2)
    end, taken = len(text), columns(text[:begin]) + 1
    while end > begin and taken + _columns(text[end - 1]) <= width:
        end -= 1
        taken += _columns(text[end])
    return f"{text[:begin]}…{text[end:]}"
