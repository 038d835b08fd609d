"""Brings partitions that stay assigned to a standstill: what is in flight finishes, and the last position is taken.

A partition at a standstill has no tracker. It is like one that was assigned and is held from the start: it begins where
the group is, by the same decision (`Starting.recheck_waiting`), as if it had been given up and had come back. So a hold
can neither lose a record nor send one twice, and needs no state of its own in the pipeline.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bridge.holds import Reason
from bridge.kafka.consumer.thread.loop_side import DRAIN_GRACE

if TYPE_CHECKING:
    from bridge.kafka.consumer.commits.commits import Commits
    from bridge.kafka.consumer.thread.consumption import Positioned, Tracker
    from bridge.kafka.consumer.thread.loop_side import LoopSide
    from bridge.kafka.consumer.thread.partition_state import PartitionState, PartitionTable
    from bridge.kafka.consumer.thread.pauses import Pauses


@dataclass(slots=True, eq=False)
class _PartitionDrain:
    """One partition on its way."""

    tracker: Tracker
    deadline: float
    drained: threading.Event = field(default_factory=threading.Event)
    final: Positioned = ()

    def take(self, final: Positioned) -> None:
        """On the loop's thread."""
        self.final = final
        self.drained.set()


class Standstill:
    """Belongs to the poll thread."""

    def __init__(
        self,
        table: PartitionTable,
        loop_side: LoopSide,
        commits: Commits,
        pauses: Pauses,
        *,
        drain_timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._table = table
        self._loop_side = loop_side
        self._commits = commits
        self._pauses = pauses
        self._limit = drain_timeout + DRAIN_GRACE
        self.forced: Callable[[], None] = lambda: None
        """Called for each drain that the loop did not answer in time."""
        self._clock = clock
        self._drains: list[_PartitionDrain] = []

    @property
    def busy(self) -> bool:
        """Whether something is still on its way."""
        return bool(self._drains)

    def begin(self, entries: Iterable[PartitionState]) -> None:
        """Read these no further. Those without a tracker are there already."""
        closing = [entry for entry in entries if entry.tracker is not None and not entry.closing]
        for entry in closing:
            entry.closing = True
            if entry.held is None:
                entry.held, entry.detail = Reason.DRAINING, f"{entry.partition}: what is in flight finishes"
        self._pauses.apply(closing)
        for entry in closing:
            if entry.tracker is None:
                continue
            drain = _PartitionDrain(entry.tracker, self._clock() + self._limit)
            self._drains.append(drain)
            self._loop_side.tell(self._loop_side.consumption.set_aside, [entry.tracker], drain.take)

    def step(self) -> None:
        """Take the last positions of those that are through, or took too long."""
        now = self._clock()
        for drain in [each for each in self._drains if each.drained.is_set() or now > each.deadline]:
            self._drains.remove(drain)
            self._finish(drain)

    def finish_drain(self, entries: Iterable[PartitionState], wait: Callable[[threading.Event, float], bool]) -> None:
        """The group takes these away, or the process stops: end it here. `wait` waits for an event so many seconds.

        Their last positions are committed with those of the others that go. What stays goes on draining.
        """
        trackers = {entry.tracker for entry in entries}
        for drain in [each for each in self._drains if each.tracker in trackers]:
            wait(drain.drained, max(0.0, drain.deadline - self._clock()))
            self._drains.remove(drain)
            self._finish(drain)

    def _finish(self, drain: _PartitionDrain) -> None:
        entry = self._table.of(drain.tracker)
        if entry is None:
            return  # It is another member's already.
        if not drain.drained.is_set():
            self.forced()
        self._commits.take_offered()
        self._commits.last(drain.final, [drain.tracker])
        entry.closing = entry.ordered_pause = False
        # Whoever asked for this looks at it when all is decided: looked at before, it would begin where it was.
        entry.retry_at, entry.retry_in = float("inf"), 0.0
        entry.end_seen, entry.first_position, entry.standing, entry.told_hanging = -1, None, None, False
