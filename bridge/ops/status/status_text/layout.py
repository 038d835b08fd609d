"""Paragraphs and tables, laid out within a number of columns of a terminal. Pure."""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.text import tables
from bridge.text.printable import printable
from bridge.text.tables import GAP, aligned, columns, fitting, without_middle

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
    end = fitting(word, room)
    return max((place + 1 for place in range(end // 2, end) if word[place] in _BREAKS), default=end)


# --- tables ------------------------------------------------------------------------------------------


def _table(table: ScreenTable, width: int, indent: int) -> list[str]:
    """Aligned columns where they fit, if need be with the names' middles left out; else each row as a paragraph."""
    rows = [tuple(printable(cell) for cell in row) for row in (table.head, *table.rows)]
    widths = tables.widths(rows)
    spare = width - indent - sum(widths) - len(GAP) * (len(widths) - 1)
    if spare < 0:
        names = [without_middle(row[0], max(_SHORTEST_NAME, widths[0] + spare)) for row in rows]
        widths[0] = max(map(columns, names))
        too_wide = sum(widths) + len(GAP) * (len(widths) - 1) > width - indent
        if too_wide or len(set(names)) < len({row[0] for row in rows}):
            return [line for row in rows[1:] for line in _stacked(rows[0], row, width, indent)]
        rows = [(name, *row[1:]) for name, row in zip(names, rows, strict=True)]
    return [f"{' ' * indent}{aligned(row, widths, table.right)}" for row in rows]


def _stacked(head: tuple[str, ...], row: tuple[str, ...], width: int, indent: int) -> list[str]:
    """The name, and below it every other cell with the name of its column."""
    cells = [f"{title} {cell}" if title else cell for title, cell in zip(head[1:], row[1:], strict=True) if cell]
    return [*wrapped(row[0], width, indent), *wrapped(", ".join(cells), width, indent + 2)]
