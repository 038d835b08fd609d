"""All that a verdict is decided from: values, read beforehand from Kafka, the dead letters and the replicas."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bridge.explain.fates import Retrying
from bridge.formats.losses import ParsedLoss
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets
from bridge.model import TopicPartition
from bridge.reprocess.reading.selection import LetterEntry


class RecordPresence(enum.Enum):
    """What is at the offset."""

    THERE = "there"
    GONE = "gone"
    """The log begins above it."""
    NOT_YET = "not_yet"
    """The log ends below it."""
    OPEN_TRANSACTION = "open_transaction"
    """It is in the log, behind a transaction that has not ended, or in it."""
    ABORTED = "aborted"
    """It is of a transaction that was aborted."""
    NO_RECORD = "no_record"
    """A transaction's mark, or compaction removed it."""
    UNREADABLE = "unreadable"
    """Nobody could look."""


@dataclass(frozen=True, slots=True)
class Halt:
    """Why a partition moves or does not, as the replica that has it says."""

    why: str
    """A name of `holds.SHOWN`, or ``unowned``."""
    sentence: str = ""
    since: float | None = None
    until: float | None = None
    next_try: float | None = None
    action: str = ""
    empty_at: float | None = None


@dataclass(frozen=True, slots=True)
class LettersKnown:
    """The dead letters of one record, and whether there may have been others."""

    entries: tuple[LetterEntry, ...] = ()
    problem: str | None = None
    """Why the dead letters could not be read: a sentence; None: they were."""
    whole_since: float | None = None
    """Letters written before (Unix seconds) may have been removed by retention; None: none was."""


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """One record."""

    partition: TopicPartition
    offset: int
    presence: RecordPresence
    group: str
    is_consumed: bool = True
    """Whether `kafka.topics` takes its topic."""
    offsets: PartitionOffsets | None = None
    """None: the brokers did not say."""
    timestamp: float | None = None
    """Kafka's, in Unix seconds."""
    letters: LettersKnown = LettersKnown()
    losses: tuple[ParsedLoss, ...] = ()
    """Those recorded that this offset lies in."""
    halt: Halt | None = None
    """None: no replica told."""
    no_halt: str = ""
    """Why none did: a sentence."""
    retrying: Retrying | None = None
    is_same_mapping: bool | None = None
    """Whether the last commit of its partition was made by today's mapping; None: it does not say."""
    now: float = 0.0
    """Unix seconds at which all this was so."""
    elements_way: int = 0
    """In which today's mapping takes the record apart, see `Elements.way`."""
    unread: str = ""
    """Of an UNREADABLE one: why."""
