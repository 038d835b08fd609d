"""What the playground prints."""

from __future__ import annotations

import sys
import time
from contextlib import suppress

from bridge.text.printable import printable_lines


def tell(sentence: str) -> None:
    """Something happened, now."""
    say(f"{time.strftime('%H:%M:%S', time.gmtime())} {sentence}")


def say(text: str) -> None:
    """A text of several lines."""
    # A terminal that is gone ends the playground by SIGHUP; until then it must not fail for it.
    with suppress(OSError):
        sys.stdout.write(f"{printable_lines(text)}\n")
        sys.stdout.flush()
