"""What is handed over of a partition: records, in place of those that a header filters only how many they are, and of
one that is too large all but its value.
"""

from __future__ import annotations

from typing import NamedTuple

from bridge.model import Outcomes, Record


class Skimmed:
    """Neighbouring records that one rule filters. Not a value: it grows as long as the poll thread reads on."""

    __slots__ = ("last", "outcomes", "records")

    def __init__(self, outcomes: Outcomes, last: int) -> None:
        self.outcomes = outcomes
        self.last = last
        """Offset of the last of them."""
        self.records = 1


class Oversized(NamedTuple):
    """A record that is larger than what is mapped."""

    record: Record
    """Without its value, of which no second object is made."""
    value_bytes: int
    largest: int
    """Bytes that a record may have."""

    @property
    def offset(self) -> int:
        """The record's."""
        return self.record.offset


Arrival = Record | Skimmed | Oversized
