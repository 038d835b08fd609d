"""Brings what the pipeline reports to the log, and remembers since when things are held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.commands import Operand, command
from bridge.holds import Reason
from bridge.model import DeadLetter, LetterReason, Record, Retried, TopicPartition
from bridge.ops.log.events import Events
from bridge.ops.snapshot import PartitionHold, TopicHold
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import Clock


class ServiceEventLog:
    """`pipeline.ports.EventLog` for the running service."""

    def __init__(self, events: Events, clock: Clock, hold_after: int) -> None:
        self._events = events
        self._clock = clock
        self._hold_after = hold_after
        self.on_letter: Callable[[DeadLetter], None] = lambda _letter: None
        """Called for each letter acknowledged."""
        self.topic_holds: dict[str, TopicHold] = {}
        self.partition_holds: dict[TopicPartition, PartitionHold] = {}

    def blocked(self, reason: str, detail: str) -> None:
        """All sending stopped."""
        if reason == Reason.UNAUTHORIZED:
            self._events.held(Reason.UNAUTHORIZED, detail=detail)
        else:
            self._events.outage_began(detail=detail)

    def unblocked(self, reason: str, seconds: float) -> None:
        """Sending resumes."""
        if reason == Reason.UNAUTHORIZED:
            self._events.released(Reason.UNAUTHORIZED, seconds=seconds)
        else:
            self._events.outage_ended(seconds=seconds)

    def asked_to_wait(self, seconds: float, detail: str) -> None:
        """The destination asked all senders to wait."""
        self._events.asked_to_wait(seconds=seconds, detail=detail)

    def kind_blocked(self, kind: str, detail: str) -> None:
        """Requests of one kind do not get through."""
        self._events.kind_outage_began(kind=kind, detail=detail)

    def kind_unblocked(self, kind: str, seconds: float) -> None:
        """They do again."""
        self._events.kind_outage_ended(kind=kind, seconds=seconds)

    def kind_asked_to_wait(self, kind: str, seconds: float, detail: str) -> None:
        """The destination asked the senders of one kind to wait."""
        self._events.asked_to_wait(seconds=seconds, detail=detail, kind=kind)

    def identify_refused(self, record: Record, status: int | None, code: str | None, detail: str) -> None:
        """The API will not have a user of whom an event comes."""
        self._events.identify_refused(record, status=status, error_code=code, detail=detail)

    def user_forgotten(self, record: Record) -> None:
        """A record asked for it."""
        self._events.user_forgotten(record)

    def retrying(self, event: Retried) -> None:
        """An event failed for the third time and is tried again."""
        self._events.retrying(event)

    def topic_held(self, topic: str, letters: int, messages: str, sample: str) -> None:
        """The dead-letter breaker took a topic out."""
        shown = f" `{command('dlq', 'show', Operand(sample))}` shows one of the commonest." if sample else ""
        sentence = (
            f"{letters} records of {topic} in a row became dead letters and none was delivered: {messages}.{shown} "
            f"Nothing more of it is read until `{command('release', Operand(topic))}` or a restart "
            f"(dead_letter.hold_after: {self._hold_after})."
        )
        self.topic_holds[topic] = TopicHold(topic, self._clock.wall(), sentence)
        self._events.held(Reason.DEAD_LETTER_HOLD, detail=sentence, topic=topic)

    def release_topic(self, topic: str) -> None:
        """An operator released it."""
        hold = self.topic_holds.pop(topic, None)
        if hold is not None:
            self._events.released(Reason.DEAD_LETTER_HOLD, seconds=self._clock.wall() - hold.since, topic=topic)

    def partition_held(self, tracker: OffsetTracker[Any], detail: str) -> None:
        """One partition waits: a dead letter of it cannot be written at all."""
        partition = tracker.partition
        self.hold_partition(partition, Reason.DEAD_LETTERS_UNWRITABLE, detail)

    def hold_partition(self, partition: TopicPartition, why: Reason, detail: str, seconds: float = 0.0) -> None:
        """A partition is assigned and not read, or not read on, for this reason, for so many seconds already."""
        known = self.partition_holds.get(partition)
        same = known if known is not None and known.why is why else None
        since = self._clock.wall() - seconds if same is None else same.since
        self.partition_holds[partition] = PartitionHold(why, since, detail)
        if same is None:
            self._events.held(why, detail=detail, topic=partition.topic, partition=partition.partition)

    def release_partition(self, partition: TopicPartition, why: Reason | None = None) -> None:
        """It is read again, or is not ours any more; or this one reason is gone."""
        hold = self.partition_holds.get(partition)
        if hold is not None and why in {None, hold.why}:
            del self.partition_holds[partition]
            if hold.why is Reason.SCHEMA_REGISTRY:
                return  # Told once for all partitions: see `RegistryWatch`.
            seconds = self._clock.wall() - hold.since
            self._events.released(hold.why, seconds=seconds, topic=partition.topic, partition=partition.partition)

    def await_schema(self, partition: TopicPartition, hold: PartitionHold) -> None:
        """It waits for a schema. What it waits for beside that is shown first."""
        known = self.partition_holds.get(partition)
        if known is None or known.why is Reason.SCHEMA_REGISTRY:
            self.partition_holds[partition] = hold

    def schema_is_known(self, partition: TopicPartition) -> None:
        """It does not wait for one any more."""
        self.release_partition(partition, Reason.SCHEMA_REGISTRY)

    def dead_letter(self, letter: DeadLetter) -> None:
        """A letter was acknowledged."""
        self._events.dead_letter(letter)
        self.on_letter(letter)
        if letter.reason is LetterReason.RETRIES_EXHAUSTED:
            self._events.poison(letter)

    def letter_refused(self, letter: DeadLetter, detail: str) -> None:
        """One letter was not acknowledged."""
        self._events.dead_letter_refused(letter, detail=detail)

    def letters_unwritable(self, detail: str) -> None:
        """Nothing more is admitted until letters can be written again."""
        self._events.held(Reason.DEAD_LETTERS_UNWRITABLE, detail=detail)

    def letters_writable(self, seconds: float) -> None:
        """They can, after this long."""
        self._events.released(Reason.DEAD_LETTERS_UNWRITABLE, seconds=seconds)

    def drain_forced(self, tracker: OffsetTracker[Any], in_flight: int) -> None:
        """The drain's time was over before the answers came; told with the revocation."""
