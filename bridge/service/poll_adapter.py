"""What the poll thread brings, taken to the dispatcher; and back to it, how much more there is room for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from bridge.holds import Reason, shown
from bridge.kafka import commit_timing
from bridge.kafka.consumer.thread.consumption import Batch, Drained, Gap, Positioned, Started, Tracker
from bridge.model import LetterRefused, TopicPartition, Verdict
from bridge.ops.log.events import Events
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.work import Work
from bridge.service.event_log import ServiceEventLog


class PollThreadSide(Protocol):
    """What the poll thread wants to know: how much it may hand over, and what it is to commit."""

    def room(self, records: int, size: int) -> None:
        """Free slots and free bytes as of now."""

    def store(self, positions: Positioned, /) -> None:
        """Commit these soon."""


class PollAdapter:
    """Both directions between the dispatcher and the threads around it, on the loop's thread.

    Every entry is guarded: an exception that comes out of the dispatcher is a defect of the bridge. It must stop the
    process and not vanish in a callback, because the offsets it concerns would stay open for ever.
    """

    _dispatcher: Dispatcher
    _source: PollThreadSide

    def __init__(
        self,
        event_log: ServiceEventLog,
        events: Events,
        crash: Callable[[BaseException], None],
        *,
        loop: asyncio.AbstractEventLoop,
        commit_interval: float,
    ) -> None:
        self._loop = loop
        self._offer_after = commit_timing.offer_after(commit_interval)
        self._offer: asyncio.TimerHandle | None = None
        self._event_log = event_log
        self._events = events
        self._crash = crash
        self._turn_is_due = False
        self.on_assignment: Callable[[], None] = lambda: None
        """Called when partitions came or went."""
        self.out_of_range = 0
        """Partitions found with a committed offset outside their log."""

    def connect(self, dispatcher: Dispatcher, source: PollThreadSide) -> None:
        """Say between whom this stands: each of the two is built with the other in mind."""
        self._dispatcher = dispatcher
        self._source = source
        self._tell_room()

    def pump(self) -> None:
        """The alarm rings."""
        self._guarded(self._dispatcher.pump)

    def tick(self) -> None:
        """The regular look at the clock; also at what is to be committed because time passed, if no offer is due."""
        offer_is_due = self._offer is not None
        self._guarded(self._dispatcher.tick)
        if not offer_is_due:
            self._offer_now()

    def close(self) -> None:
        """Offer nothing more."""
        if self._offer is not None:
            self._offer.cancel()

    # --- from the poll thread -----------------------------------------------------------------------

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        """See `Consumption`."""
        self._guarded(self._dispatcher.assigned, trackers)
        if trackers:
            partitions = [tracker.partition for tracker in trackers]
            self._events.assigned(partitions, total=len(self._dispatcher.assignments))
            self.on_assignment()

    def started(self, starts: Sequence[Started]) -> None:
        """See `Consumption`."""
        for start in starts:
            self._events.partition_started(
                start.partition, offset=start.offset, reason=start.why, detail=start.detail, by_us=start.by_us
            )

    def accept(self, batch: Batch, until: float) -> int:
        """See `Consumption`."""
        through = len(batch.records)
        try:
            through = self._dispatcher.accept(batch.tracker, batch.records, until)
        except Exception as defect:  # noqa: BLE001 - whatever it is, it stops the process
            self._crash(defect)
        self._changed()
        return through

    def passed(self, gaps: Sequence[Gap]) -> None:
        """See `Consumption`."""
        for gap in gaps:
            self._dispatcher.passed(*gap)
        self._offer_soon()

    def reads_again(self, tracker: Tracker) -> None:
        """See `Consumption`."""
        self._guarded(self._dispatcher.reads_again, tracker)

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        """See `Consumption`."""
        began, tally = time.monotonic(), self._dispatcher.tally
        released, forced = tally.released, tally.forced_drains

        def done(positions: Positioned) -> None:
            drained(positions)
            self._forget([tracker.partition for tracker, _ in positions])
            self._events.revoked(
                [tracker.partition for tracker, _ in positions],
                seconds=time.monotonic() - began,
                released=tally.released - released,
                forced=tally.forced_drains > forced,
            )
            self.on_assignment()

        self._guarded(self._dispatcher.revoke, trackers, done)

    def set_aside(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        """See `Consumption`."""

        def done(positions: Positioned) -> None:
            drained(positions)
            self.on_assignment()

        self._guarded(self._dispatcher.revoke, trackers, done)

    def start_over(self, topic: str) -> None:
        """See `Consumption`."""
        self._guarded(self._dispatcher.start_over, topic)
        self._event_log.release_topic(topic)

    def lost(self, trackers: Sequence[Tracker]) -> None:
        """See `Consumption`."""
        released = self._dispatcher.tally.released
        self._guarded(self._dispatcher.lost, trackers)
        partitions = [tracker.partition for tracker in trackers]
        self._forget(partitions)
        self._events.lost(partitions, released=self._dispatcher.tally.released - released)
        self.on_assignment()

    def heartbeat_answered(self, issued_at: float) -> None:
        """See `Consumption`."""
        self._guarded(self._dispatcher.heartbeat_answered, issued_at)

    def commit_failed(self, detail: str) -> None:
        """See `Consumption`."""
        self._events.commit_failed(detail=detail)

    def session_lasts(self, seconds: float) -> None:
        """See `Consumption`."""
        self._guarded(self._dispatcher.membership.lasts, seconds)

    def partition_held(self, partition: TopicPartition, reason: Reason, detail: str, seconds: float = 0.0) -> None:
        """See `Consumption`."""
        known = self._event_log.partition_holds.get(partition)
        if shown(reason) is Reason.OUT_OF_RANGE and (known is None or known.why is not reason):
            self.out_of_range += 1  # Told again, only its sentence is another one.
        self._event_log.hold_partition(partition, reason, detail, seconds)

    def partition_released(self, partition: TopicPartition, reason: Reason | None = None) -> None:
        """See `Consumption`."""
        self._event_log.release_partition(partition, reason)

    def source_failed(self, error: Exception) -> None:
        """See `Consumption`."""
        self._crash(error)

    # --- from the sink and the dead-letter producer ---------------------------------------------------

    def answered(self, attempt: Work, verdict: Verdict) -> None:
        """See `pipeline.ports.VerdictSink`."""
        try:
            self._dispatcher.answered(attempt, verdict)
        except Exception as defect:  # noqa: BLE001 - see `accept`
            self._crash(defect)
        if not self._turn_is_due:
            # Once per turn of the loop: many answers arrive in one.
            self._turn_is_due = True
            self._loop.call_soon(self._turn)

    def letter_written(self, token: Work, refused: LetterRefused | None) -> None:
        """See `pipeline.ports.LetterReceipts`."""
        self._guarded(self._dispatcher.letter_written, token, refused)

    def looked_up(self, reference: str) -> None:
        """See `pipeline.ports.LookupReceipts`."""
        self._guarded(self._dispatcher.looked_up, reference)

    # --- to the poll thread --------------------------------------------------------------------------

    def _turn(self) -> None:
        """After the answers of one turn of the loop: start what may start now, and tell how much room there is."""
        self._turn_is_due = False
        self._guarded(self._dispatcher.pump)

    def _changed(self) -> None:
        """Something arrived, or was answered: there is other room now, and something may be done."""
        self._tell_room()
        self._offer_soon()

    def _tell_room(self) -> None:
        self._source.room(*self._dispatcher.room())

    def _offer_soon(self) -> None:
        """What is done goes to the poll thread with all else that is done within `commit_timing.offer_after`."""
        if self._offer is None:
            self._offer = self._loop.call_later(self._offer_after, self._offer_now)

    def _offer_now(self) -> None:
        self.close()
        self._offer = None
        try:
            positions = self._dispatcher.positions()
        except Exception as defect:  # noqa: BLE001 - see `accept`
            self._crash(defect)
            return
        if positions:
            self._source.store(positions)
        if self._dispatcher.tally.buffered:
            self._offer_soon()

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        for partition in partitions:
            self._event_log.release_partition(partition)

    def _guarded(self, step: Callable[..., None], *arguments: Any) -> None:
        try:
            step(*arguments)
        except Exception as defect:  # noqa: BLE001 - see `accept`
            self._crash(defect)
        self._changed()
