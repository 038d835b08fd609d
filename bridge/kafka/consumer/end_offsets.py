"""Where the logs of the assigned partitions end, and how far the consumer has come without meeting a record.

The end that counts is the last stable offset: what lies above belongs to a transaction that is still open, or comes
after one, and no reader of committed records can have it.

At the end of a log there may be offsets without a record: the marker of each transaction, the records of an aborted
one, what compaction removed. The consumer goes past them without handing anything out. A committed offset that stays
at "last record + 1" then lies below the log's start as soon as retention has been there, which reads as lost events,
and its lag never becomes 0. So the committed offset follows the consumer, as soon as nothing below is open.

Why no record can be skipped by that. Two things say how far the consumer has come, and both are looked at between two
polls only, never inside a callback of the client:

- `_PARTITION_EOF`, which the client puts into the same queue behind the records it read before. By the time this thread
  takes it from there, it has taken all records below it.
- `position()`: the offset after what the client has handed to this thread. Between two polls everything it handed out
  has been given to the loop. Inside a callback that runs within `consume` it would be wrong: the records of that call
  are still on their way. It may also be left from an earlier assignment, when a callback took the partition away while
  its records were being collected; hence it is believed only once it has changed in this assignment.

The loop is told of a gap: from the offset after the last record this thread handed over, to where the consumer is. It
comes to the loop behind those records. Even so the loop moves only where all below the gap has arrived there: records
of a held topic or partition are dropped unread, and their position stays below them (`OffsetTracker.nothing_in`). An
offset that is open stays the position whatever the gap behind it. A gap stays one: offsets are never used again, and a
transaction that is still open lies at or above the last stable offset, which nothing here goes past.
"""

from __future__ import annotations

import concurrent.futures
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from confluent_kafka import IsolationLevel, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.holds import Reason
from bridge.kafka import answers
from bridge.kafka.consumer.thread.consumption import Gap
from bridge.kafka.partitions import from_client
from bridge.model import TopicPartition
from bridge.text import moments

if TYPE_CHECKING:
    from confluent_kafka import Message

    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.partition_state import PartitionState

ASK_EVERY: Final = 10.0
"""Seconds between questions for the ends of partitions whose end the client does not tell by itself."""
HANGING_AFTER: Final = 60.0
"""Seconds that the last stable offset may stand still below the end. Producers give up a transaction after as long
(`transaction.timeout.ms`), unless they are told otherwise."""
_PATIENCE: Final = 10.0
_UNKNOWN: Final = -1


class _Asked(NamedTuple):
    """An answer about one log."""

    stable: int
    in_transaction: bool
    """A transaction kept it below what the log already held when the question was asked."""


class EndOffsets:
    """Belongs to the poll thread; `ends` is replaced whole and may be read from anywhere."""

    def __init__(
        self,
        context: ConsumerContext,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.ends: Mapping[TopicPartition, int] = {}
        """The last stable offset of each assigned partition, as far as it is known."""
        self._consumer = context.consumer
        self._admin = context.admin
        self._partitions = context.partitions
        self._hand_over = context.hand_over
        self._isolation = IsolationLevel.READ_COMMITTED if context.committed_only else IsolationLevel.READ_UNCOMMITTED
        self._clock = context.clock
        self._wall = wall
        self._at_end: list[PartitionState] = []
        self._asked: dict[ClientPartition, concurrent.futures.Future[Any]] = {}
        self._high_when_asked: dict[TopicPartition, int] = {}
        self._answered: dict[TopicPartition, _Asked] = {}
        self._ask_due = 0.0

    def reached(self, message: Message[Any, Any]) -> None:
        """The client has come to the end of a partition."""
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        if topic is None or partition is None or offset is None:
            return
        entry = self._partitions.get(TopicPartition(topic, partition))
        if entry is not None and _is_read(entry):
            entry.end_seen = offset
            self._at_end.append(entry)

    def step(self) -> None:
        """Pass on the ends that were reached since the last call. Between two polls only."""
        if self._at_end:
            at_end, self._at_end = self._at_end, []
            self._follow(entry for entry in at_end if self._partitions.get(entry.partition) is entry)

    def upkeep(self) -> None:
        """Follow the consumer, and look where the logs end; about once a second, between two polls only."""
        # A topic in which transactions are aborted one after the other may never be quiet for as long as the client
        # needs to say that it is at the end.
        self._follow(entry for entry in self._partitions if _is_read(entry) and not _is_at_end(entry))
        self._take_answers()
        self._look()

    def last_look(self) -> None:
        """Before the group is left: where the consumer is now is where the next owner starts."""
        self._follow(entry for entry in self._partitions if _is_read(entry))

    # --- past what is no record ---------------------------------------------------------------------

    def _follow(self, entries: Iterable[PartitionState]) -> None:
        wanted = list(entries)
        if not wanted:
            return
        positions = self._consumer.position([entry.client_partition() for entry in wanted])
        gaps = [gap for entry, each in zip(wanted, positions, strict=True) if (gap := _gap(entry, each)) is not None]
        if gaps:
            self._hand_over.tell(self._hand_over.consumption.passed, gaps)

    # --- where they end -----------------------------------------------------------------------------

    def _look(self) -> None:
        known: dict[TopicPartition, int] = {}
        silent: list[tuple[PartitionState, int]] = []
        now = self._clock()
        for entry in self._partitions:
            high = self._high(entry)
            at_end = _is_at_end(entry) and not entry.paused
            self._watch(entry, high if at_end else _UNKNOWN, now)
            if at_end:
                end = entry.end_seen
            else:
                silent.append((entry, high))
                end = self._behind(entry, high)
            if end >= 0:
                known[entry.partition] = end
        self.ends = known
        self._answered = {p: asked for p, asked in self._answered.items() if p in known}
        if silent and now >= self._ask_due and not self._asked:
            self._ask_due = now + ASK_EVERY
            self._high_when_asked = {entry.partition: high for entry, high in silent}
            self._asked = self._ask(entry for entry, _ in silent)

    def _high(self, entry: PartitionState) -> int:
        """The log's end as of the client's last fetch, transactions included; negative where there was none."""
        try:
            _, high = self._consumer.get_watermark_offsets(entry.client_partition(), cached=True)
        except KafkaException:
            return _UNKNOWN
        return high

    def _behind(self, entry: PartitionState, high: int) -> int:
        """The end of a log that is not read to its end or not read now, by the last answer and the last fetch."""
        asked = self._answered.get(entry.partition)
        if asked is None:
            return high
        return max(asked.stable, entry.next_offset if asked.in_transaction else high)

    def _ask(self, entries: Iterable[PartitionState]) -> dict[ClientPartition, concurrent.futures.Future[Any]]:
        wanted = {entry.client_partition(): answers.LATEST for entry in entries}
        asked: dict[ClientPartition, concurrent.futures.Future[Any]] = self._admin.list_offsets(
            wanted, request_timeout=_PATIENCE, isolation_level=self._isolation
        )
        return asked

    def _take_answers(self) -> None:
        if self._asked and all(future.done() for future in self._asked.values()):
            answered, self._asked = answers.collect(self._asked, time.monotonic()), {}
            for each, result in answered.results.items():
                partition = from_client(each)
                self._answered[partition] = _Asked(
                    result.offset, in_transaction=result.offset < self._high_when_asked.get(partition, _UNKNOWN)
                )

    # --- transactions that do not end ---------------------------------------------------------------

    def _watch(self, entry: PartitionState, high: int, now: float) -> None:
        """`high` is what the log holds above the end that was reached; negative where the end was not reached."""
        standing = entry.standing
        if high <= entry.end_seen or (standing is not None and standing[0] != entry.end_seen):
            entry.standing = standing = None
        if high > entry.end_seen and standing is None:
            entry.standing = standing = (entry.end_seen, now)
        seconds = 0.0 if standing is None else now - standing[1]
        if seconds >= HANGING_AFTER:
            entry.told_hanging = True
            consumption = self._hand_over.consumption
            sentence = hanging(entry.partition, entry.end_seen, high, self._wall() - seconds)
            self._hand_over.tell(
                consumption.partition_held, entry.partition, Reason.TRANSACTION_HANGING, sentence, seconds
            )
        elif entry.told_hanging:
            entry.told_hanging = False
            released = self._hand_over.consumption.partition_released
            self._hand_over.tell(released, entry.partition, Reason.TRANSACTION_HANGING)


def hanging(partition: TopicPartition, stable: int, high: int, since: float) -> str:
    """The sentence for a transaction that does not end."""
    began = moments.iso(since, "seconds")
    return (
        f"{partition}: the last stable offset is {stable} since {began}, while the log continues to {high}: a "
        f"producer's transaction is open there, and none of the {high - stable} offsets from it on can be read before "
        "it ends"
    )


def _is_read(entry: PartitionState) -> bool:
    return entry.tracker is not None and entry.held is None and not entry.paused


def _is_at_end(entry: PartitionState) -> bool:
    """Whether nothing was handed over since the client said that the end was reached."""
    return entry.held is None and entry.end_seen >= 0 and entry.end_seen == entry.next_offset


def _gap(entry: PartitionState, position: ClientPartition) -> Gap | None:
    """Between the last record handed over and where the consumer is; None where there is nothing between."""
    start = stop = entry.next_offset
    epoch: int | None = None
    if _is_believed(entry, position.offset) and position.offset > stop:
        stop = position.offset
    stop = max(stop, entry.end_seen)
    if position.offset == stop:
        # With the epoch of the last record the brokers would take an offset behind a marker of a later epoch for one
        # in a log that was cut off.
        epoch = position.leader_epoch
    tracker = entry.tracker
    if tracker is None or stop <= start:
        return None
    entry.next_offset = stop
    return Gap(tracker, start, stop, epoch)


def _is_believed(entry: PartitionState, offset: int) -> bool:
    """Whether the client's position is one of this assignment: see the module."""
    if entry.first_position is None:
        entry.first_position = offset
    return offset >= 0 and offset != entry.first_position
