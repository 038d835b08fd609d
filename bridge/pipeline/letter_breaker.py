"""The dead-letter breaker: a renamed field must not empty a backlog into the dead-letter topic overnight.

After `hold_after` letters in a row from one topic, with nothing delivered from it in between, the next letter is not
produced. Mapping runs ahead of sending, so records that are mapped but not yet answered may still break the row:
while there are such, the letter waits for them; when there are none, the topic is held (`dispatch.letters`).
"""

from __future__ import annotations

from bridge.model import DeadLetter
from bridge.pipeline.likeness import Likenesses


class TopicLetters:
    """The row of one topic's dead letters."""

    __slots__ = ("held", "hold_after", "messages", "name", "run")

    def __init__(self, name: str, hold_after: int) -> None:
        self.name = name
        self.hold_after = hold_after
        """0: never hold."""
        self.run = 0
        """Letters in a row."""
        self.messages = Likenesses()
        """What they say."""
        self.held = False
        """Nothing more is taken from the topic, and no letter of it is written."""

    def admits(self, letter: DeadLetter) -> bool:
        """Count one more letter in the row; False where the row is as long as it may be."""
        if self.held or (self.hold_after and self.run >= self.hold_after):
            return False
        self.run += 1
        self.messages.add(letter.message)
        return True

    def end_row(self) -> None:
        """Something was delivered, or what is in the row is forgiven."""
        self.run = 0
        self.messages.clear()
