"""Whether Kafka answers: since when it does not, and when that is worth a word. Pure."""

from __future__ import annotations

from typing import Final

LOST_AFTER: Final = 5.0
"""Seconds without an answer until Kafka counts as lost: brokers that restart one by one, or elect a leader, are not."""


class Contact:
    """The state between two questions. All times are monotonic seconds."""

    def __init__(self) -> None:
        self.silent_since: float | None = None
        """When the first question was asked that nobody has answered since."""
        self.detail = ""
        """Which broker, which error."""
        self.lost = False
        self.answered_once = False

    def answered(self, now: float) -> float | None:
        """Some broker answered; the seconds it was silent for, where it had counted as lost."""
        seconds = now - self.silent_since if self.lost and self.silent_since is not None else None
        self.silent_since, self.detail, self.lost, self.answered_once = None, "", False, True
        return seconds

    def silent(self, asked_at: float, now: float, detail: str) -> bool:
        """Nobody answered what was asked at `asked_at`; True when that makes it lost.

        A process that never heard anything says so at once: it has nothing else to say.
        """
        if self.silent_since is None:
            self.silent_since = asked_at
        self.detail = detail
        if self.lost or (self.answered_once and now - self.silent_since < LOST_AFTER):
            return False
        self.lost = True
        return True
