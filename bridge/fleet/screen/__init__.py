"""The view of the group as lines for a terminal, from 60 columns on: what needs someone, what ends by itself, what is
lost, the budget, then everything else.

All of it is pure: the same document, width and zone give the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.fleet.screen import parts
from bridge.ops.status.status_text import NARROWEST, PLAIN_WIDTH, layout
from bridge.ops.status.status_text.layout import ScreenLine, Tone
from bridge.ops.status.status_text.times import Local, Times, local, moment

__all__ = ["ScreenLine", "Tone", "page", "watched"]


def page(document: Mapping[str, Any], width: int = PLAIN_WIDTH, zone: Local = local) -> list[ScreenLine]:
    """The lines, none of them wider than `width` columns (20 at least), each with what it is for the eye.

    `document` is one of `fleet.document`, also after a trip through JSON; `zone` turns Unix seconds into the time of
    whoever reads.
    """
    return _laid_out(document, width, zone, most=None)


def watched(document: Mapping[str, Any], width: int, zone: Local = local) -> list[ScreenLine]:
    """The same for a screen that shows the first lines only: of many partitions those that matter."""
    return _laid_out(document, width, zone, most=parts.PARTITIONS_WATCHED)


def _laid_out(document: Mapping[str, Any], given: int, zone: Local, most: int | None) -> list[ScreenLine]:
    width = max(given, NARROWEST)
    times = Times(moment(document["at"]), zone)
    out = layout.laid_out(parts.head(document, times), width)
    for title, tone, items in parts.sections(document, times, width, most):
        if items:
            out += [ScreenLine(), ScreenLine(title, tone), *layout.laid_out(items, width, indent=2)]
    return out
