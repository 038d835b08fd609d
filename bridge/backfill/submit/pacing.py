"""When to ask again, and when somebody should hear that it takes long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_GROWTH: Final = 1.5


@dataclass(frozen=True, slots=True)
class Pacing:
    """All in seconds."""

    least: float = 10.0
    """Between two questions about a job whose numbers change."""
    most: float = 60.0
    """Between two questions about one whose numbers stay the same, and the least after a question without an answer."""
    settle: float = 60.0
    """How long an upload whose answer never came must be missing from the list of jobs, before that is believed."""
    tell: float = 300.0
    """After so long without news it is told what is waited for."""
    timeout: float | None = None
    """How long a job may take; None: as long as it does."""
    give_up: int = 20
    """Questions in a row without an answer, after which the command ends."""


PACING: Final = Pacing()
"""What a command uses unless it is told otherwise."""


class JobWait:
    """One thing that is waited for."""

    def __init__(self, pacing: Pacing, began: float) -> None:
        """`began`: Unix time of the first question."""
        self._pacing = pacing
        self._pause = pacing.least
        self._seen: object = None
        self._told = began
        self.began = began
        self.unanswered = 0

    def news(self, seen: object) -> bool:
        """An answer came: whether it says anything new."""
        self.unanswered = 0
        is_news = seen != self._seen
        if is_news:
            self._pause = self._pacing.least
        self._seen = seen
        return is_news

    def pause(self, wanted: float | None = None) -> float:
        """Until the next question; `wanted` is what the API asks for."""
        pause = self._pause
        self._pause = min(self._pause * _GROWTH, self._pacing.most)
        return max(pause, min(wanted or 0.0, 10 * self._pacing.most))

    def is_to_be_told(self, now: float) -> bool:
        """Whether it is time to say that this is still waited for."""
        if now - self._told < self._pacing.tell:
            return False
        self._told = now
        return True

    def is_over(self, now: float) -> bool:
        """Whether it takes longer than it may."""
        return self._pacing.timeout is not None and now - self.began >= self._pacing.timeout

    @property
    def is_given_up(self) -> bool:
        """Whether there was no answer for too often."""
        return self.unanswered >= self._pacing.give_up
