"""The poll thread's own list of the partitions it is assigned, and which of them the client is paused on.

An offset is stored or committed only for a tracker that is listed here: one entry per assignment, gone before the
partition can be another member's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bridge.holds import Reason
from bridge.kafka.partitions import to_client
from bridge.model import Position, TopicPartition
from bridge.pipeline.ports import Arrival

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message
    from confluent_kafka import TopicPartition as ClientPartition

    from bridge.formats.operator_hold import OperatorHold
    from bridge.kafka.consumer.thread.consumption import Tracker


class PartitionState:
    """One assigned partition."""

    __slots__ = (
        "acknowledged", "bytes", "closing", "detail", "end_seen", "first_position", "held", "joined", "last",
        "next_offset", "number", "operator_hold", "ordered_pause", "partition", "paused", "position", "possibly_lost",
        "records", "refresh", "retry_at", "retry_in", "standing", "stored", "stored_at", "subscription",
        "told_hanging", "told_of_hold", "topic_id", "tracker",
    )  # fmt: skip

    def __init__(self, partition: TopicPartition) -> None:
        self.partition = partition
        self.tracker: Tracker | None = None
        """None while it is not read: it is held, or its last offset was taken."""
        self.position: Position | None = None
        """The last one taken; what a commit of this partition would say now."""
        self.topic_id = ""
        """Of the topic in which it was committed; empty where that is not known."""
        self.stored: tuple[int, str] | None = None
        """Offset and text that the client has to commit."""
        self.stored_at = 0.0
        """Since when it has them; monotonic seconds."""
        self.refresh = False
        """Its map says something new, but at an offset that the periodic commit takes for old."""
        self.next_offset = -1
        """The offset after the last record handed over, or after the gap behind it."""
        self.number = 0
        """Ascends in the order in which entries were added."""
        self.end_seen = -1
        """Where the client last said that the partition ends."""
        self.first_position: int | None = None
        """What the client's own position was when it was first looked at; it may be an earlier assignment's."""
        self.standing: tuple[int, float] | None = None
        """The last stable offset below the end that was reached, and the monotonic time since when it is there."""
        self.told_hanging = False
        self.subscription: int | None = None
        """What the commits of earlier owners say of it; passed on until more is known. See `settled`."""
        self.acknowledged = False
        """The coordinator took an explicit commit of the present offset, with the present hold."""
        self.operator_hold: OperatorHold | None = None
        """Travels with each commit of the partition."""
        self.told_of_hold = False
        """Whether an operator held or released it in this assignment: then the committed text is older than that."""
        self.closing = False
        """What is in flight finishes, and then it is no longer read: see `draining`."""
        self.held: Reason | None = None
        self.detail = ""
        self.possibly_lost = 0
        """Offsets below the log's start that were counted as such."""
        self.retry_at = 0.0
        self.retry_in = 0.0
        self.ordered_pause = False
        """Paused on request, until it is asked to be read on."""
        self.paused = False
        """What the client was last told."""
        self.records: list[Arrival] = []
        """Records of the round under way."""
        self.joined = 0
        """How many of them are one entry with a neighbour that the same rule filters, told before they are records."""
        self.bytes = 0
        self.last: Message[Any, Any] | None = None

    @property
    def owes_commit(self) -> bool:
        """It is read no longer, and the coordinator has not acknowledged its last offset, or its present hold.

        Also while the answer is on its way: it may be a refusal.
        """
        return self.tracker is None and self.position is not None and (self.refresh or not self.acknowledged)

    def client_partition(self, offset: int | None = None, leader_epoch: int | None = None) -> ClientPartition:
        """The client's own name of this partition."""
        return to_client(self.partition, offset, leader_epoch)


class PartitionTable:
    """All entries, by topic and partition."""

    def __init__(self) -> None:
        self.by_topic: dict[str, dict[int, PartitionState]] = {}
        self.added = 0
        """Entries, since the beginning."""

    def __iter__(self) -> Iterator[PartitionState]:
        for partitions in self.by_topic.values():
            yield from partitions.values()

    def __len__(self) -> int:
        return sum(map(len, self.by_topic.values()))

    def get(self, partition: TopicPartition) -> PartitionState | None:
        """The entry of a partition, if it is assigned."""
        return self.by_topic.get(partition.topic, {}).get(partition.partition)

    def of(self, tracker: Tracker) -> PartitionState | None:
        """The entry this tracker belongs to; None for a tracker of an earlier assignment."""
        entry = self.get(tracker.partition)
        return entry if entry is not None and entry.tracker is tracker else None

    def add(self, entry: PartitionState) -> None:
        """Takes the place of an older entry of the same partition."""
        self.added += 1
        entry.number = self.added
        self.by_topic.setdefault(entry.partition.topic, {})[entry.partition.partition] = entry

    def remove(self, entries: Iterable[PartitionState]) -> None:
        """Nothing is stored or committed for these any more."""
        for entry in entries:
            partitions = self.by_topic.get(entry.partition.topic, {})
            if partitions.get(entry.partition.partition) is entry:
                del partitions[entry.partition.partition]
                if not partitions:
                    del self.by_topic[entry.partition.topic]


class Pauses:
    """Keeps the client's pauses equal to the reasons for them: the one place that tells it.

    A pause throws away what the client prefetched of that partition, so it is used seldom.
    """

    def __init__(self, consumer: Consumer, topics: set[str]) -> None:
        self.stalled = False
        """No slot came free for long: everything is paused."""
        self.stopping = False
        """The process stops: nothing more is taken."""
        self.topics = topics
        """Topics nothing more is taken from, in this and every later assignment."""
        self._consumer = consumer

    def apply(self, entries: Iterable[PartitionState]) -> None:
        """Pause and resume what has to be."""
        to_pause: list[PartitionState] = []
        to_resume: list[PartitionState] = []
        for entry in entries:
            wanted = (
                self.stalled
                or self.stopping
                or entry.held is not None
                or entry.ordered_pause
                or entry.partition.topic in self.topics
            )
            if wanted != entry.paused:
                (to_pause if wanted else to_resume).append(entry)
                entry.paused = wanted
        if to_pause:
            self._consumer.pause([entry.client_partition() for entry in to_pause])
        if to_resume:
            self._consumer.resume([entry.client_partition() for entry in to_resume])

    def forget(self, entries: Iterable[PartitionState]) -> None:
        """A pause outlives revocation and assignment on one client: a new assignment begins by lifting it."""
        self._consumer.resume([entry.client_partition() for entry in entries])
