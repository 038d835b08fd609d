"""The `/status` document as text for a terminal: what needs someone, what ends by itself, and how all the rest is.

`sections` says what is told and in which order, `times` how moments and spans are written, `layout` how it fits a
width. All of it is pure: the same document, width and zone give the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.ops.status.status_text import layout, sections
from bridge.ops.status.status_text.layout import Item, ScreenLine, Tone
from bridge.ops.status.status_text.times import Local, Times, local, moment
from bridge.text.printable import printable

__all__ = ["ScreenLine", "Tone", "lines", "page", "watched"]

PLAIN_WIDTH: Final = 100
"""Columns where nobody says how many there are: of a pipe, a file, a log."""
NARROWEST: Final = 20
"""Columns below which nothing is laid out any more."""


def page(document: Mapping[str, Any], width: int = PLAIN_WIDTH, zone: Local = local) -> list[ScreenLine]:
    """The lines, none of them wider than `width` columns (20 at least), each with what it is for the eye.

    `document` is one of `ops.status.status_document`, also after a trip over HTTP; `zone` turns Unix seconds into the
    time of whoever reads. Raises KeyError for a document of another shape.
    """
    times = Times(moment(document["at"]), zone)
    return _laid_out(document, times, sections.head(document, times), width)


def watched(document: Mapping[str, Any], width: int, zone: Local = local) -> list[ScreenLine]:
    """The same for a screen that shows the first lines only: the headline repeats nothing of what is right below."""
    times = Times(moment(document["at"]), zone)
    return _laid_out(document, times, sections.short_head(document, times), width)


def _laid_out(document: Mapping[str, Any], times: Times, head: list[Item], width: int) -> list[ScreenLine]:
    out = layout.laid_out(head, max(width, NARROWEST))
    for title, tone, items in sections.sections(document, times):
        if items:
            out.append(ScreenLine())
            out.append(ScreenLine(title, tone))
            out += layout.laid_out(items, max(width, NARROWEST), indent=2)
    return out


def lines(document: Mapping[str, Any], width: int = PLAIN_WIDTH, zone: Local = local) -> list[str]:
    """The same as plain text; a terminal obeys nothing of it."""
    return [printable(line.text) for line in page(document, width, zone)]
