"""What is handed over of a partition: records, and in place of those that a header filters, only how many they are."""

from __future__ import annotations

from bridge.model import Outcomes, Record


class Skimmed:
    """Neighbouring records that one rule filters. Not a value: it grows as long as the poll thread reads on."""

    __slots__ = ("last", "outcomes", "records")

    def __init__(self, outcomes: Outcomes, last: int) -> None:
        self.outcomes = outcomes
        self.last = last
        """Offset of the last of them."""
        self.records = 1


Arrival = Record | Skimmed
