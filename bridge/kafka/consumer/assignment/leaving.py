"""A stop, up to the moment where nothing is left but to leave the group.

Where another replica is joining at that moment, the brokers take no commit of the classic protocol until every member
has joined again, which this one cannot while its thread waits in a callback of the client. So it does not wait there:
everything is paused, polling goes on, what is in flight finishes, a rebalance comes to its end, and only when the last
positions are acknowledged (or that has taken too long) is the client closed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bridge.kafka.consumer.thread.loop_side import DRAIN_GRACE

if TYPE_CHECKING:
    from bridge.kafka.consumer.assignment.standstill import Standstill
    from bridge.kafka.consumer.commits.commits import Commits
    from bridge.kafka.consumer.thread.consumption import Positioned, Tracker
    from bridge.kafka.consumer.thread.loop_side import LoopSide
    from bridge.kafka.consumer.thread.partition_state import PartitionTable
    from bridge.kafka.consumer.thread.pauses import Pauses

SETTLE: Final = 11.0
"""Seconds for the last positions to be acknowledged: a rebalance that waits for a dead member takes its session, which
is 10 s by default."""


class Leaving:
    """Belongs to the poll thread. `begin` once, `step` between polls until it says that all is done."""

    def __init__(
        self,
        table: PartitionTable,
        loop_side: LoopSide,
        commits: Commits,
        pauses: Pauses,
        standstill: Standstill,
        *,
        drain_timeout: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.began = False
        self.forced = False
        """The drain did not finish in time."""
        self._table = table
        self._loop_side = loop_side
        self._commits = commits
        self._pauses = pauses
        self._standstill = standstill
        self._drain_timeout = drain_timeout
        self._clock = clock
        self._trackers: list[Tracker] = []
        self._drained = threading.Event()
        self._final: Positioned = ()
        self._handed = False
        self._deadline = 0.0

    def begin(self) -> None:
        """Take nothing more, and let what is in flight finish. `LoopGoneError` if there is no loop."""
        self.began = True
        self._pauses.stopping = True
        self._pauses.apply(self._table)
        self._trackers = [entry.tracker for entry in self._table if entry.tracker is not None and not entry.closing]
        self._deadline = self._clock() + self._drain_timeout + DRAIN_GRACE
        if not self._trackers:
            self._drained.set()
            return
        self._commits.before_drain()
        self._loop_side.tell(self._loop_side.consumption.revoke, self._trackers, self._take)

    def step(self) -> bool:
        """Whether nothing is left to wait for, or the time is over."""
        self._commits.take_offered()
        self._standstill.step()
        if not self._handed and self._is_drained():
            self._hand_over()
        self._commits.refresh()
        return self._handed and (self._commits.settled or self._clock() > self._deadline)

    @property
    def drained(self) -> bool:
        """Whether everything in flight is back."""
        return self._drained.is_set() and not self._standstill.busy

    def finish_drain(self, wait: Callable[[threading.Event], bool]) -> None:
        """The group takes partitions away before the drain is over: end it here. `wait` says whether the event was set
        in time.
        """
        if self.began and not self._handed:
            self.forced = not wait(self._drained)
            self._hand_over()

    def _take(self, final: Positioned) -> None:
        """On the loop's thread."""
        self._final = final
        self._drained.set()

    def _is_drained(self) -> bool:
        if self.drained:
            return True
        self.forced = self._clock() > self._deadline
        return self.forced

    def _hand_over(self) -> None:
        self._handed = True
        self._deadline = self._clock() + SETTLE
        self._commits.take_offered()
        self._commits.last(self._final, self._trackers)
