"""What the playground prints."""

from __future__ import annotations

import sys
import textwrap
import time
from contextlib import suppress
from typing import Final

from bridge.text import moments, paragraphs
from bridge.text.printable import printable_lines

_NARROWEST: Final = 40
_WIDEST: Final = 1_000
"""Columns of what is no terminal: nothing is broken there."""


def room() -> int:
    """Columns for what is printed."""
    return max(_NARROWEST, paragraphs.width(sys.stdout, otherwise=_WIDEST))


def tell(sentence: str) -> None:
    """Something happened, now."""
    said = f"{(moments.iso(time.time(), 'seconds') or '')[11:19]} {sentence}"
    if sys.stdout.isatty():
        said = textwrap.fill(said, room(), subsequent_indent=" " * 9, break_long_words=False, break_on_hyphens=False)
    say(said)


def say(text: str) -> None:
    """A text of several lines."""
    # A terminal that is gone ends the playground by SIGHUP; until then it must not fail for it.
    with suppress(OSError):
        sys.stdout.write(f"{printable_lines(text)}\n")
        sys.stdout.flush()
