"""Records that a bridge wrote about events: dead letters and resolutions. They are never events themselves.

A pattern in kafka.topics may take another bridge's topics. A dead letter has its original's value, so that mapped as
an event it would be sent a second time, by somebody else, while it is still open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.model import Header

LETTER: Final[Header] = ("bridge.dead-letter.version", b"1")
"""On every dead letter of every bridge."""
RESOLUTION: Final[Header] = ("bridge.resolution.version", b"1")
"""On every resolution."""


def is_of_a_bridge(headers: Sequence[Header]) -> bool:
    """Whether these are the headers of such a record."""
    # Whole headers are compared, which is one step of the interpreter for all of them.
    return LETTER in headers or RESOLUTION in headers
