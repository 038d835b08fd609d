"""Offsets that left a log before their records were done, as the poll thread finds them. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.model import TopicPartition

PASSED: Final = "offset_set"
"""The reason where nothing was found lost: somebody set the committed offset past records that were not done."""


@dataclass(frozen=True, slots=True)
class Lost:
    """What may be lost of one partition, found at one committed offset."""

    partition: TopicPartition
    topic_id: str
    """Of the topic in which the group had this offset, as the commit says; empty where it does not."""
    start: int
    """The first offset that was not done."""
    stop: int | None
    """Where the log begins now; None: nobody can tell how much is gone, because the topic is another one."""
    reason: str
    """Why the partition was held when it was found: a value of `holds.Reason`, of this version or of another one; or
    `PASSED`."""

    @property
    def at_most(self) -> int | None:
        """Records; None: not known."""
        return None if self.stop is None else self.stop - self.start
