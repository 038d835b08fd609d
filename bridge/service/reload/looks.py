"""When a file that somebody may be writing is to be read: once it has stayed the same from one look to the next.

Editors and tools write in several steps, and a ConfigMap's symbolic link is swapped: what is half there is gone at the
next look. Pure.
"""

from __future__ import annotations

from typing import Final

EVERY: Final = 3.0
"""Seconds between two looks."""
AGAIN: Final = 60.0
"""Seconds after which a file that was refused is judged once more: what it names may be there by now."""


class FileLooks:
    """One file, by what stands for its content."""

    def __init__(self, stamp: str) -> None:
        """`stamp` is of what the process works by."""
        self._decided = self._last = stamp
        self._again_at: float | None = None

    def is_due(self, stamp: str, now: float) -> bool:
        """Whether what was seen now, at this monotonic time, is to be judged."""
        is_settled, self._last = stamp == self._last, stamp
        if not is_settled:
            return False
        return stamp != self._decided or (self._again_at is not None and now >= self._again_at)

    def decided(self, stamp: str, now: float, *, is_refused: bool) -> None:
        """What this stands for was judged."""
        self._decided = self._last = stamp
        self._again_at = now + AGAIN if is_refused else None
