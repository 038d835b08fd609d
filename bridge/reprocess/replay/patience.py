"""How long a replay leaves the letters it has no claim to with those who have. Pure."""

from __future__ import annotations

from typing import Final

SILENCE: Final = 10.0
"""Seconds without a letter settled by others until a claim is asked for: whoever had it may be dead, or be gone
without a word."""


class Patience:
    """Of one spell of waiting. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._settled_at = now

    def waits_on(self, now: float, *, settled: int, others_send: bool) -> bool:
        """Whether to look again before a claim is asked for.

        `settled`: letters that others were found to have settled since the last time; `others_send`: whether another
        replay is known to be at work.
        """
        if settled:
            self._settled_at = now
        return others_send and now - self._settled_at < SILENCE
