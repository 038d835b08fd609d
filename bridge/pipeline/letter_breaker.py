"""The dead-letter breaker: a renamed field must not empty a backlog into the dead-letter topic overnight.

After `hold_after` letters in a row from one topic, with nothing delivered from it in between, the next letter is not
produced. Mapping runs ahead of sending, so records that are mapped but not yet answered may still break the row:
while there are such, the letter waits for them; when there are none, the topic is held.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from bridge.pipeline.likeness import Likenesses

if TYPE_CHECKING:
    from bridge.pipeline.work import Work


class Ruling(enum.Enum):
    """What to do with the next letter of a topic."""

    WRITE = "write"
    WAIT = "wait"
    """Shelve it until a sendable record of the topic is answered."""
    HOLD = "hold"
    """Shelve it and take nothing more from the topic."""


class TopicLetters:
    """The row of one topic's dead letters."""

    __slots__ = ("held", "hold_after", "messages", "name", "run", "sendable", "shelf")

    def __init__(self, name: str, hold_after: int) -> None:
        self.name = name
        self.hold_after = hold_after
        """0: never hold."""
        self.run = 0
        """Letters in a row."""
        self.messages = Likenesses()
        """What they say."""
        self.sendable = 0
        """Events of the topic that may still be delivered."""
        self.held = False
        self.shelf: list[Work] = []
        """Letters that may not be written, oldest first."""

    def rule(self) -> Ruling:
        """Decide on the next letter, before it is produced; `WRITE` counts it."""
        if self.held:
            return Ruling.HOLD
        if not self.hold_after or self.run < self.hold_after:
            self.run += 1
            return Ruling.WRITE
        if self.sendable > 0:
            return Ruling.WAIT
        self.held = True
        return Ruling.HOLD

    def delivered(self) -> list[Work]:
        """Something of the topic was delivered: the row is over; returns the letters to rule on again."""
        if self.run:
            self.run = 0
            self.messages.clear()
        if self.held or not self.shelf:
            return []
        waiting, self.shelf = self.shelf, []
        return waiting

    def start_over(self) -> None:
        """Whatever was in a row is forgiven."""
        self.held, self.run = False, 0
        self.messages.clear()

    def exhausted(self) -> bool:
        """Whether letters wait for events of which none is left: then the topic has to be held."""
        return bool(self.shelf) and self.sendable == 0 and not self.held
