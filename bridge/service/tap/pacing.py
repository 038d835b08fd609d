"""How many samples may be shown: by their number, and by the time that they take of the thread that delivers. Pure."""

from __future__ import annotations

from typing import Final

A_SECOND: Final = 20.0
"""Samples."""
AT_ONCE: Final = 40.0
ONE_TAKES: Final = 0.001
"""Seconds that one sample may take; one that takes longer counts as several. So all of them take 2 % of the time."""


class SamplePace:
    """A bucket of samples that fills with time."""

    def __init__(self, now: float) -> None:
        """`now` in monotonic seconds, as in all methods."""
        self._left = AT_ONCE
        self._at = now

    def has(self, now: float, samples: float = 1.0) -> bool:
        """Whether as many may be shown now."""
        self._left = min(AT_ONCE, self._left + (now - self._at) * A_SECOND)
        self._at = now
        return self._left >= samples

    def took(self, seconds: float) -> None:
        """One was shown, which took so long."""
        self._left -= max(1.0, seconds / ONE_TAKES)
