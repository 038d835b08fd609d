"""How a replay ended."""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass, field

from bridge.formats.letters import LetterPlace


class LetterResult(enum.StrEnum):
    """What became of one letter in this replay."""

    REPLAYED = "replayed"
    FAILED_AGAIN = "failed_again"
    ELSEWHERE = "elsewhere"
    """Another replay, or a discard, was there first."""
    LEFT = "left"
    """Still as it was."""


@dataclass(slots=True)
class ReplayOutcome:
    """Filled while the replay runs."""

    results: Counter[LetterResult] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    """Of those that failed again, by reason and status."""
    unrecorded: list[LetterPlace] = field(default_factory=list)
    """Accepted by the API, and not recorded: another replay would send them again."""
    stopped: str | None = None
    """Why it ended before its end, as a sentence."""
    interrupted: bool = False
    requests: int = 0
    ambiguous: int = 0
    """Requests whose answer never came and which were sent again."""

    @property
    def done(self) -> int:
        """Letters that are through."""
        return self.results.total()
