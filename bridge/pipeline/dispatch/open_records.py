"""What the dispatcher keeps of everything that is open: its parts decide on it, each on its own question."""

from __future__ import annotations

from bridge.counts.records import Tally
from bridge.pipeline.dispatch.assignments import Assignments
from bridge.pipeline.ports import Positions
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.queues import Queues
from bridge.pipeline.retry import Evidence
from bridge.pipeline.settings import DeliverySettings


class OpenRecords:
    """One of a process."""

    __slots__ = ("assignments", "evidence", "failing", "queues", "tally")

    def __init__(self, settings: DeliverySettings, positions: Positions) -> None:
        self.tally = Tally()
        self.evidence = Evidence()
        self.failing = Failing(settings, self.tally, positions)
        self.queues = Queues(self.failing, settings.max_in_flight)
        self.assignments = Assignments(self.tally, settings, self.failing)
