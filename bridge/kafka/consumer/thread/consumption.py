"""Where the source brings what it reads: the protocol between the poll thread and the event loop.

The poll thread owns the Kafka consumer and nothing else; whoever implements `Consumption` owns the records. Every
method is called on the event loop's thread, one after the other, in the order in which things happened to the
consumer: a partition's records arrive after the `assigned` of their tracker and before its `revoke` or `lost`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from bridge.holds import Reason
from bridge.model import Position, TopicPartition
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import Arrival

Tracker = OffsetTracker[Any]
Positioned = Sequence[tuple[Tracker, Position]]
Drained = Callable[[Positioned], None]


class Batch(NamedTuple):
    """Consecutive records of one partition and one assignment."""

    tracker: Tracker
    records: list[Arrival]
    leader_epoch: int | None
    """Of the last of its records."""
    size: int
    """Bytes of keys, values and headers of its records, and values of those filtered by their header."""


class Gap(NamedTuple):
    """Offsets of one partition at which there is no record to read, nor ever will be: half-open, behind the last record
    handed over. Transaction markers, records of aborted transactions, what compaction removed.
    """

    tracker: Tracker
    start: int
    """The offset after the last record handed over, or after the last gap."""
    stop: int
    leader_epoch: int | None
    """Of what precedes `stop`; None where that is not known."""


class Started(NamedTuple):
    """Where a partition starts that is read from now on."""

    partition: TopicPartition
    offset: int
    why: str
    """One of `start_policy.StartReason`."""
    detail: str
    by_us: bool
    """Whether it is ours; or the start was only committed, for whoever gets it."""


class Consumption(Protocol):
    """Takes the records and everything that happens to their partitions. None of the methods may raise."""

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        """These partitions are read from now on; an empty sequence says that the group was joined without any."""

    def started(self, starts: Sequence[Started]) -> None:
        """It was decided where these start."""

    def accept(self, batch: Batch, until: float) -> int:
        """Records, at most as many as there was room for; `Source.room` must be up to date when this returns.

        Returns how many of `batch.records` it is through with: one at least, and no further one begins after `until`
        (monotonic). The rest comes again in a later turn of the loop, before anything that happened after it.
        """

    def passed(self, gaps: Sequence[Gap]) -> None:
        """The consumer went past these without meeting a record. See `OffsetTracker.nothing_in`."""

    def reads_again(self, tracker: Tracker) -> None:
        """The partition is where `Source.read_again` wanted it: what comes of it from now on begins there."""

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        """These partitions go to another member.

        Nothing new may start. Call `drained` once with the final committed offsets, on this thread, as soon as what is
        in flight has finished, and at the latest after `kafka.drain_timeout`; the group waits for it. Once it is called
        they are committed and the partitions given up.
        """

    def set_aside(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        """These partitions stay ours and are not read for now: as `revoke`, but nobody waits for them."""

    def start_over(self, topic: str) -> None:
        """Count the topic's dead letters in a row from 0, and end its hold. Its partitions were set aside before."""

    def lost(self, trackers: Sequence[Tracker]) -> None:
        """These partitions may be another member's already: drop their work, nothing can be committed."""

    def heartbeat_answered(self, issued_at: float) -> None:
        """The group coordinator acknowledged a commit that was issued at this monotonic time (never earlier)."""

    def commit_failed(self, detail: str) -> None:
        """Offsets were not committed, for the reason in `detail`; they are again with the next commit."""

    def session_lasts(self, seconds: float) -> None:
        """For so long an answered heartbeat is good, from now on: the session, less what is unsure."""

    def partition_held(self, partition: TopicPartition, reason: Reason, detail: str, seconds: float = 0.0) -> None:
        """An assigned partition is not read; `detail` is one sentence for its owner. May repeat with a new reason.

        `seconds`: for how long that has been so already.
        """

    def partition_released(self, partition: TopicPartition, reason: Reason | None = None) -> None:
        """A held partition is read again, or is no longer this member's. With a reason: that one is gone."""

    def source_failed(self, error: Exception) -> None:
        """The poll thread ended by itself; the process must stop with a non-zero exit code."""
