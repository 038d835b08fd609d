"""How partitions stop being read: what is in flight finishes, and their last committed offset is taken.

There are three occasions.

- An operator asks, and the partitions stay assigned. One that is drained has no tracker. It is like one that was
  assigned and is held from the start: it begins where the group is, by the same decision
  (`StartRunner.recheck_waiting`), as if it had been given up and had come back. So a hold can neither lose a record nor
  send one twice, and needs no state of its own in the pipeline.
- The process stops. Where another replica is joining at that moment, the brokers take no commit of the classic protocol
  until every member has joined again, which this one cannot while its thread waits in a callback of the client. So it
  does not wait there: everything is paused, polling continues, what is in flight finishes, a rebalance comes to its
  end, and only when the last committed offsets are acknowledged (or that has taken too long) is the client closed.
- The group takes partitions away. Then the thread waits within the client's callback, and whatever of them is being
  drained already is finished there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.holds import Reason
from bridge.kafka.consumer.thread.hand_over import DRAIN_GRACE

if TYPE_CHECKING:
    from bridge.kafka.consumer.commits import Commits
    from bridge.kafka.consumer.thread.consumption import Drained, Positioned, Tracker
    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.partition_state import PartitionState

SETTLE: Final = 11.0
"""Seconds for the last commits of a stop to be acknowledged: a rebalance that waits for a dead member takes its
session, which is 10 s by default."""


@dataclass(slots=True, eq=False)
class _OpenDrain:
    """Partitions on their way, and how the loop says that they are through."""

    trackers: Sequence[Tracker]
    deadline: float
    drained: threading.Event = field(default_factory=threading.Event)
    final: Positioned = ()

    def take(self, final: Positioned) -> None:
        """On the loop's thread."""
        self.final = final
        self.drained.set()


class Draining:
    """Belongs to the poll thread."""

    def __init__(self, context: ConsumerContext, commits: Commits) -> None:
        self._partitions = context.partitions
        self._pauses = context.pauses
        self._hand_over = context.hand_over
        self._counts = context.counts
        self._logger = context.logger
        self._clock = context.clock
        self._commits = commits
        self._limit = context.kafka.drain_timeout + DRAIN_GRACE
        self._set_aside: list[_OpenDrain] = []
        self._stop: _OpenDrain | None = None
        self._settled_by: float | None = None
        """Until when a stop waits for its last commits; None while it drains."""

    # --- partitions that stay assigned --------------------------------------------------------------

    def set_aside(self, entries: Iterable[PartitionState]) -> None:
        """Read these no further. Those without a tracker are there already."""
        closing = [entry for entry in entries if entry.tracker is not None and not entry.closing]
        for entry in closing:
            entry.closing = True
            if entry.held is None:
                entry.held, entry.detail = Reason.DRAINING, f"{entry.partition}: what is in flight finishes"
        self._pauses.apply(closing)
        for entry in closing:
            if entry.tracker is not None:
                self._set_aside.append(self._begin([entry.tracker], self._hand_over.consumption.set_aside))

    def step(self) -> None:
        """Take the last committed offsets of those that are through, or took too long. Call it between polls."""
        now = self._clock()
        for drain in [each for each in self._set_aside if each.drained.is_set() or now > each.deadline]:
            self._set_aside.remove(drain)
            self._finish_aside(drain)

    def _finish_aside(self, drain: _OpenDrain) -> None:
        [tracker] = drain.trackers
        entry = self._partitions.of(tracker)
        if entry is None:
            return  # It is another member's already.
        self._take_last(drain)
        entry.closing = entry.ordered_pause = False
        # Whoever asked for this looks at it when all is decided: looked at before, it would begin where it was.
        entry.retry_at, entry.retry_in = float("inf"), 0.0
        entry.end_seen, entry.first_position, entry.standing, entry.told_hanging = -1, None, None, False

    # --- the process stops --------------------------------------------------------------------------

    @property
    def stopping(self) -> bool:
        """Whether all partitions are being given up, because the process stops."""
        return self._stop is not None

    @property
    def drained(self) -> bool:
        """Whether everything in flight is back."""
        return not self._set_aside and (self._stop is None or self._stop.drained.is_set())

    def stop(self) -> None:
        """Take nothing more, and let what is in flight finish. Once. `LoopGoneError` if there is no loop."""
        self._pauses.stopping = True
        self._pauses.apply(self._partitions)
        trackers = [entry.tracker for entry in self._partitions if entry.tracker is not None and not entry.closing]
        if trackers:
            self._commits.before_drain()
            self._stop = self._begin(trackers, self._hand_over.consumption.revoke)
        else:
            self._stop = _OpenDrain((), self._clock() + self._limit)
            self._stop.drained.set()

    def is_stopped(self) -> bool:
        """Whether nothing is left to wait for, or the time is over. Call it between polls, once `stop` was called."""
        self._commits.take_offered()
        self.step()
        stop = self._stop
        if stop is not None and self._settled_by is None and (self.drained or self._clock() > stop.deadline):
            self._finish_stop(stop)
        self._commits.refresh()
        return self._settled_by is not None and (self._commits.settled or self._clock() > self._settled_by)

    def _finish_stop(self, stop: _OpenDrain) -> None:
        self._settled_by = self._clock() + SETTLE
        self._take_last(stop)

    # --- the group takes partitions away ------------------------------------------------------------

    def give_up(self, entries: Sequence[PartitionState]) -> Positioned:
        """Wait until these are drained, and return what is then to be committed of those that were read until now.

        The last committed offsets of those that were drained already are taken; see `PartitionState.owes_commit`. What
        is set aside and stays continues to drain.
        """
        self.finish_begun(entries)
        trackers = [entry.tracker for entry in entries if entry.tracker is not None]
        if not trackers:
            return ()
        self._commits.before_drain()
        final = self._hand_over.drain(trackers, self._limit, self._commits.keep_up)
        if final is not None:
            return final
        self._forced()
        self._commits.take_offered()
        known = [entry for tracker in trackers if (entry := self._partitions.of(tracker)) is not None]
        return [(e.tracker, e.position) for e in known if e.tracker is not None and e.position is not None]

    def finish_begun(self, entries: Iterable[PartitionState]) -> None:
        """End what of these is being drained already, and a stop's drain as a whole."""
        trackers = {entry.tracker for entry in entries}
        for drain in [each for each in self._set_aside if trackers.issuperset(each.trackers)]:
            self._wait(drain, max(0.0, drain.deadline - self._clock()))
            self._set_aside.remove(drain)
            self._finish_aside(drain)
        if self._stop is not None and self._settled_by is None:
            self._wait(self._stop, self._limit)
            self._finish_stop(self._stop)

    def _wait(self, drain: _OpenDrain, seconds: float) -> None:
        self._hand_over.wait(drain.drained, seconds, self._commits.keep_up)

    # --- every drain --------------------------------------------------------------------------------

    def _begin(self, trackers: Sequence[Tracker], give_up: Callable[[Sequence[Tracker], Drained], None]) -> _OpenDrain:
        drain = _OpenDrain(trackers, self._clock() + self._limit)
        self._hand_over.tell(give_up, trackers, drain.take)
        return drain

    def _take_last(self, drain: _OpenDrain) -> None:
        if not drain.drained.is_set():
            self._forced()
        self._commits.take_offered()
        self._commits.last(drain.final, drain.trackers)

    def _forced(self) -> None:
        """The loop did not say in time what became of everything in flight."""
        self._counts.forced_drains += 1
        self._logger.warning("a drain did not finish in time; what was in flight is sent again by whoever reads on")
