"""A real, small consumption for tests of the source: it completes every record, or keeps those it is told to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from bridge.config.sections import Kafka
from bridge.formats.offset_map import Demand, Head
from bridge.holds import Reason
from bridge.kafka.consumer.source import Source
from bridge.kafka.consumer.thread.consumption import Batch, Drained, Gap, Started, Tracker
from bridge.model import Record, TopicPartition
from tests.support.waiting import line_of, patience

PATIENCE = 30.0
"""Seconds; generous, because a busy machine is no finding."""
LIMIT = 3000


class Completing:
    """See `Consumption`. What happened is in its lists; `until` waits for it."""

    def __init__(
        self, keep: Callable[[Record], bool] = lambda _: False, *, capacity: int = 2000, drains: bool = True
    ) -> None:
        """`keep` says which records stay open; without `drains` a revocation is never answered."""
        self.records: list[Record] = []
        self.already_done: list[Record] = []
        self.trackers: dict[TopicPartition, Tracker] = {}
        self.assignments: list[list[Tracker]] = []
        self.starts: list[Started] = []
        self.revoked: list[Tracker] = []
        self.set_aside_trackers: list[Tracker] = []
        self.started_over: list[str] = []
        self.lost_trackers: list[Tracker] = []
        self.commit_failures: list[str] = []
        self.proofs: list[float] = []
        self.trusted_for: float | None = None
        self.held: dict[TopicPartition, tuple[Reason, str]] = {}
        self.failure: Exception | None = None
        self.dropped: set[TopicPartition] = set()
        """Of these nothing is taken, until they are read again."""
        self.capacity = capacity
        self.keep = keep
        self._drains = drains
        self._changed = asyncio.Event()
        self.source: Source

    async def until(self, met: Callable[[], bool]) -> None:
        """Wait until this holds; it is looked at after each thing that happens."""
        async with patience(line_of(met), explain=self.told):
            while not met():
                self._changed.clear()
                await self._changed.wait()

    def told(self) -> str:
        """What happened, for who waited for something else."""
        numbers = f"{len(self.records)} records, {len(self.already_done)} already done; partitions assigned"
        numbers += f" {len(self.assignments)} times, {len(self.revoked)} revoked, {len(self.lost_trackers)} lost"
        found: list[tuple[str, object]] = [("partitions", [*self.trackers]), ("held", self.held)]
        found += [("failure", self.failure), ("commits failed", self.commit_failures)]
        found += [("problems", self.source.problems)]
        return "\n".join([numbers, *(f"{name}: {what}" for name, what in found if what)])

    def release(self) -> None:
        """Complete what was kept, and keep nothing more."""
        self.keep = lambda _: False
        for tracker in self.trackers.values():
            for offset in list(tracker.open):
                tracker.completed(offset)
        self.store()

    def store(self, head: Head = Head()) -> None:  # noqa: B008  # a frozen value
        """Take every partition's position to the broker."""
        self.source.store([(t, t.position(Demand(len(t.open), 1), head, LIMIT)) for t in self.trackers.values()])
        self._tell_room()

    # --- Consumption --------------------------------------------------------------------------------

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        self.assignments.append(list(trackers))
        self.trackers |= {tracker.partition: tracker for tracker in trackers}
        self._changed.set()

    def started(self, starts: Sequence[Started]) -> None:
        self.starts += starts
        self._changed.set()

    def accept(self, batch: Batch, _until: float) -> int:
        assert self.trackers[batch.tracker.partition] is batch.tracker
        if batch.tracker.partition in self.dropped:
            self.store()
            self._changed.set()
            return len(batch.records)
        for record in batch.records:
            assert isinstance(record, Record), "nothing said what a header filters"
            if batch.tracker.already_done(record.offset):
                self.already_done.append(record)
                batch.tracker.passed(record.offset)
                continue
            self.records.append(record)
            if self.keep(record):
                batch.tracker.arrived(record.offset, record)
            else:
                batch.tracker.passed(record.offset)
        self.store()
        self._changed.set()
        return len(batch.records)

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        self.revoked += trackers
        for tracker in trackers:
            self.trackers.pop(tracker.partition, None)
        if self._drains:
            drained([(tracker, tracker.position(Demand(0, 1), Head(), LIMIT)) for tracker in trackers])
        self._changed.set()

    def set_aside(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        self.set_aside_trackers += trackers
        self.revoke(trackers, drained)

    def start_over(self, topic: str) -> None:
        self.started_over.append(topic)

    def lost(self, trackers: Sequence[Tracker]) -> None:
        self.lost_trackers += trackers
        for tracker in trackers:
            self.trackers.pop(tracker.partition, None)
        self._changed.set()

    def heartbeat_answered(self, issued_at: float) -> None:
        self.proofs.append(issued_at)
        self._changed.set()

    def commit_failed(self, detail: str) -> None:
        self.commit_failures.append(detail)

    def session_lasts(self, seconds: float) -> None:
        self.trusted_for = seconds
        self._changed.set()

    def passed(self, gaps: Sequence[Gap]) -> None:
        for gap in gaps:
            assert self.trackers.get(gap.tracker.partition, gap.tracker) is gap.tracker
            gap.tracker.nothing_in(gap.start, gap.stop, gap.leader_epoch)
        self.store()
        self._changed.set()

    def reads_again(self, tracker: Tracker) -> None:
        self.dropped.discard(tracker.partition)
        self._changed.set()

    def partition_held(self, partition: TopicPartition, reason: Reason, detail: str, seconds: float = 0.0) -> None:
        del seconds
        self.held[partition] = (reason, detail)
        self._changed.set()

    def partition_released(self, partition: TopicPartition, reason: Reason | None = None) -> None:
        del reason
        self.held.pop(partition, None)
        self._changed.set()

    def source_failed(self, error: Exception) -> None:
        self.failure = error
        self._changed.set()

    def _tell_room(self) -> None:
        opened = sum(len(tracker.open) for tracker in self.trackers.values())
        self.source.room(self.capacity - opened, 32_000_000)


def settings(
    bootstrap: str,
    group: str,
    topics: Sequence[str],
    *,
    start_from: str = "earliest",
    properties: Mapping[str, str] | None = None,
) -> Kafka:
    """The `kafka` section of a configuration."""
    given = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "300"}
    if properties and properties.get("group.protocol") == "consumer":
        given = {}
    return Kafka.model_validate(
        {
            "bootstrap_servers": bootstrap,
            "group_id": group,
            "topics": list(topics),
            "start_from": start_from,
            "commit_interval": "50ms",
            "drain_timeout": "2s",
            "properties": {**given, **(properties or {})},
        }
    )


@asynccontextmanager
async def running(kafka: Kafka, consumption: Completing, *, records: int = 2000) -> AsyncIterator[Source]:
    """A source that runs for the length of the block and stops in order at its end."""
    aborted: list[bool] = []
    source = Source(
        kafka,
        consumption,
        loop=asyncio.get_running_loop(),
        logger=logging.getLogger("tests.support.kafka"),
        abort=lambda: aborted.append(True),
        max_records=records,
        max_bytes=32_000_000,
    )
    consumption.source = source
    source.start()
    try:
        yield source
    finally:
        async with patience("the source stops", explain=consumption.told):
            await asyncio.wrap_future(source.stop())
    assert not aborted
