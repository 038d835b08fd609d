"""What happens when the group gives partitions to this member and takes them away.

The callbacks run inside the client's poll and close, on the poll thread, and never raise: an exception would come out
of whichever call happened to be running. What goes wrong is kept in `failure`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from bridge.kafka.consumer.thread.loop_side import DRAIN_GRACE, Heartbeat, LoopGoneError, LoopSide
from bridge.kafka.partitions import from_client

if TYPE_CHECKING:
    import logging
    import threading

    from confluent_kafka import Consumer
    from confluent_kafka import TopicPartition as ClientPartition

    from bridge.counts.consumer import SourceCounts
    from bridge.kafka.consumer.assignment.leaving import Leaving
    from bridge.kafka.consumer.assignment.standstill import Standstill
    from bridge.kafka.consumer.commits.commits import Commits
    from bridge.kafka.consumer.starts.start_runner import StartRunner
    from bridge.kafka.consumer.thread.consumption import Positioned, Tracker
    from bridge.kafka.consumer.thread.partition_state import PartitionState, PartitionTable
    from bridge.kafka.consumer.thread.watchdog import Watchdog

COMMIT_LIMIT: Final = 60.0
"""Seconds for the last commit of revoked partitions. A killed coordinator is answered for after 45 s at most."""
STOPPING_COMMIT_LIMIT: Final = 3.0
"""The same while the process stops, when a supervisor waits: only for what is revoked in the middle of that."""


class Rebalance:
    """The three callbacks."""

    def __init__(
        self,
        consumer: Consumer,
        table: PartitionTable,
        loop_side: LoopSide,
        *,
        starting: StartRunner,
        commits: Commits,
        leaving: Leaving,
        standstill: Standstill,
        watchdog: Watchdog,
        counts: SourceCounts,
        logger: logging.Logger,
        drain_timeout: float,
        incremental: bool,
        heartbeat: Heartbeat,
    ) -> None:
        self.failure: Exception | None = None
        """A bug in a callback, or the loop's end; whoever called the client looks here afterwards."""
        self.joined = False
        self.draining = False
        self._consumer = consumer
        self._table = table
        self._loop_side = loop_side
        self._starting = starting
        self._commits = commits
        self._leaving = leaving
        self._standstill = standstill
        standstill.forced = self.forced_drain
        self._watchdog = watchdog
        self._counts = counts
        self._logger = logger
        self._drain_timeout = drain_timeout
        self._heartbeat = heartbeat
        self._incremental = incremental

    # --- callbacks of the client --------------------------------------------------------------------

    def on_assign(self, _: Consumer, partitions: list[ClientPartition]) -> None:
        """Decide where each partition starts, and read from there."""
        try:
            self._counts.assignments += 1
            self.joined = True
            self._starting.assign([from_client(each) for each in partitions])
        except Exception as error:  # noqa: BLE001  # callbacks never raise; the poll loop reports it
            self.failure = self.failure or error

    def on_revoke(self, _: Consumer, partitions: list[ClientPartition]) -> None:
        """Drain, then commit, then give up: in this order nothing is sent twice."""
        entries = self._entries(partitions)
        self._counts.revocations += 1
        self.draining = True
        try:
            if self.failure is None:
                self._standstill.finish_drain(entries, self._wait_for)
                self._leaving.finish_drain(self._wait)
                self._drain(entries)
        except Exception as error:  # noqa: BLE001  # as above
            self.failure = self.failure or error
        self.draining = False
        self._forget(entries)
        try:
            if self._incremental:
                self._consumer.incremental_unassign([entry.client_partition() for entry in entries])
            else:
                self._consumer.unassign()
        except KafkaException as error:
            self.failure = self.failure or error

    def on_lost(self, _: Consumer, partitions: list[ClientPartition]) -> None:
        """Another member may have them already: commit nothing."""
        entries = self._entries(partitions)
        self._counts.losses += 1
        self.joined = False
        trackers = [entry.tracker for entry in entries if entry.tracker is not None]
        try:
            self._loop_side.tell(self._loop_side.consumption.lost, trackers)
        except LoopGoneError as error:
            self.failure = self.failure or error
        self._forget(entries)

    # --- giving up ----------------------------------------------------------------------------------

    def _drain(self, entries: Sequence[PartitionState]) -> None:
        trackers = [entry.tracker for entry in entries if entry.tracker is not None]
        final = self._drained(trackers) if trackers else ()
        if final or any(entry.owes_commit for entry in entries):
            limit = STOPPING_COMMIT_LIMIT if self._leaving.began else COMMIT_LIMIT
            with self._watchdog.watch(limit, "committing the last positions of revoked partitions"):
                self._commits.finish(final, entries)

    def _drained(self, trackers: Sequence[Tracker]) -> Positioned:
        limit = self._drain_timeout + DRAIN_GRACE
        self._commits.before_drain()
        final = self._loop_side.drain(trackers, limit, self._heartbeat, self._commits.keep_up)
        if final is not None:
            return final
        self.forced_drain()
        self._commits.take_offered()
        return self._last_known(trackers)

    def forced_drain(self) -> None:
        """The loop did not say in time what became of everything in flight."""
        self._counts.forced_drains += 1
        self._logger.warning("a drain did not finish in time; what was in flight is sent again by whoever reads on")

    def _wait(self, done: threading.Event) -> bool:
        return self._wait_for(done, self._drain_timeout + DRAIN_GRACE)

    def _wait_for(self, done: threading.Event, seconds: float) -> bool:
        return self._loop_side.wait(done, seconds, self._heartbeat, self._commits.keep_up)

    def _last_known(self, trackers: Iterable[Tracker]) -> Positioned:
        entries = [entry for tracker in trackers if (entry := self._table.of(tracker)) is not None]
        return [(e.tracker, e.position) for e in entries if e.tracker is not None and e.position is not None]

    def _forget(self, entries: Sequence[PartitionState]) -> None:
        self._table.remove(entries)
        try:
            self._starting.forget(entries)
        except LoopGoneError as error:
            self.failure = self.failure or error

    def _entries(self, partitions: Iterable[ClientPartition]) -> list[PartitionState]:
        found = (self._table.get(from_client(each)) for each in partitions)
        return [entry for entry in found if entry is not None]
