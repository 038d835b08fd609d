"""What happens when the group gives partitions to this member and takes them away.

The callbacks run inside the client's poll and close, on the poll thread, and never raise: an exception would come out
of whichever call happened to be running. What goes wrong is kept in `ConsumerContext.failure`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException

from bridge.kafka.consumer.thread.hand_over import LoopGoneError
from bridge.kafka.partitions import from_client

if TYPE_CHECKING:
    from confluent_kafka import Consumer
    from confluent_kafka import TopicPartition as ClientPartition

    from bridge.kafka.consumer.assignment.draining import Draining
    from bridge.kafka.consumer.commits import Commits
    from bridge.kafka.consumer.starts.start_runner import StartRunner
    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.partition_state import PartitionState
    from bridge.kafka.consumer.thread.watchdog import Watchdog

COMMIT_LIMIT: Final = 60.0
"""Seconds for the last commit of revoked partitions. A killed coordinator is answered for after 45 s at most."""
STOPPING_COMMIT_LIMIT: Final = 3.0
"""The same while the process stops, when a supervisor waits: only for what is revoked in the middle of that."""


class Rebalance:
    """The three callbacks."""

    def __init__(
        self,
        context: ConsumerContext,
        start_runner: StartRunner,
        commits: Commits,
        draining: Draining,
        watchdog: Watchdog,
    ) -> None:
        self.joined = False
        self.draining = False
        self._consumer = context.consumer
        self._incremental = context.incremental
        self._partitions = context.partitions
        self._hand_over = context.hand_over
        self._counts = context.counts
        self._failure = context.failure
        self._start_runner = start_runner
        self._commits = commits
        self._draining = draining
        self._watchdog = watchdog

    # --- callbacks of the client --------------------------------------------------------------------

    def on_assign(self, _: Consumer, partitions: list[ClientPartition]) -> None:
        """Decide where each partition starts, and read from there."""
        try:
            self._counts.assignments += 1
            self.joined = True
            self._start_runner.assign([from_client(each) for each in partitions])
        except Exception as error:  # noqa: BLE001  # callbacks never raise; the poll loop reports it
            self._failure.keep(error)

    def on_revoke(self, _: Consumer, partitions: list[ClientPartition]) -> None:
        """Drain, then commit, then give up: in this order nothing is sent twice."""
        entries = self._entries(partitions)
        self._counts.revocations += 1
        self.draining = True
        try:
            if self._failure.error is None:
                self._drain(entries)
        except Exception as error:  # noqa: BLE001  # as above
            self._failure.keep(error)
        self.draining = False
        self._forget(entries)
        try:
            if self._incremental:
                self._consumer.incremental_unassign([entry.client_partition() for entry in entries])
            else:
                self._consumer.unassign()
        except KafkaException as error:
            self._failure.keep(error)

    def on_lost(self, _: Consumer, partitions: list[ClientPartition]) -> None:
        """Another member may have them already: commit nothing."""
        entries = self._entries(partitions)
        self._counts.losses += 1
        self.joined = False
        trackers = [entry.tracker for entry in entries if entry.tracker is not None]
        self._hand_over.tell_from_callback(self._hand_over.consumption.lost, trackers)
        self._forget(entries)

    # --- giving up ----------------------------------------------------------------------------------

    def _drain(self, entries: Sequence[PartitionState]) -> None:
        final = self._draining.give_up(entries)
        if final or any(entry.owes_commit for entry in entries):
            limit = STOPPING_COMMIT_LIMIT if self._draining.stopping else COMMIT_LIMIT
            with self._watchdog.watch(limit, "committing the last offsets of revoked partitions"):
                self._commits.finish(final, entries)

    def _forget(self, entries: Sequence[PartitionState]) -> None:
        self._partitions.remove(entries)
        try:
            self._start_runner.forget(entries)
        except LoopGoneError as error:
            self._failure.keep(error)

    def _entries(self, partitions: Iterable[ClientPartition]) -> list[PartitionState]:
        found = (self._partitions.get(from_client(each)) for each in partitions)
        return [entry for entry in found if entry is not None]
