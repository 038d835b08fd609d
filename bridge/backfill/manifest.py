"""What a run directory says of itself: one document, replaced as a whole with every step forward.

A field that this version does not know is kept out, one that is missing has its default: only `FORM` says that a
manifest cannot be read.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bridge.model import TopicPartition

FORM: Final = 1
"""Raised with a change that makes what was written before mean something else."""
FILE_BYTES: Final = 45_000_000
"""A file is closed before it has more. The API documents 50 MB of the imports that it says a size of."""

TimeForm = Literal["space", "iso_z"]


class Stage(enum.StrEnum):
    """How far a run is as a whole; what became of each file after that, the files say."""

    PLANNED = "planned"
    WRITING = "writing"
    WRITTEN = "written"
    """All ranges are read and all files closed."""
    CHECKED = "checked"
    """They were looked at; see `CheckResult`."""


class RowKind(enum.StrEnum):
    """What the rows of a file are: its value is how the file's name begins. In the order they are submitted in."""

    COMPANIES = "companies"
    USERS = "users"
    EVENTS = "events"


class FileState(enum.StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    SENDING = "sending"
    """A request with it was begun, and no answer is recorded: it may be accepted."""
    SUBMITTED = "submitted"
    """The API has made a job of it."""
    COMPLETED = "completed"
    PARTIAL = "partial"
    """The job is over and completed fewer rows than were written."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class BackfillSettings:
    """What rows and files are like. Fixed by the plan, so that a `write` that continues makes the same bytes."""

    inserted_at: TimeForm = "space"
    """``2024-07-28 08:55:35.874555``, or ``iso_z``: ``2024-07-28T08:55:35.874555Z``."""
    company_id: bool = False
    """Whether track rows have a `company_id`: that of the company which the same record is a step for."""
    file_bytes: int = FILE_BYTES


@dataclass(frozen=True, slots=True)
class PlannedTopic:
    """A topic as it was when the plan was made."""

    id: str
    """Empty on a cluster that has none."""
    partitions: int


@dataclass(frozen=True, slots=True)
class PlannedRange:
    """Offsets of one partition, of which `end` is the first that is not meant, and how far they are written."""

    topic: str
    partition: int
    start: int
    end: int
    chosen: str
    """How, for people: ``from the log's start to the group's committed offset``."""
    overlap: int = 0
    """Offsets in it that the running bridge may have delivered, with --overlap."""
    next: int | None = None
    """The lowest offset that is not written; None: none is."""
    records: int = 0
    """Read so far. The other offsets hold none: a transaction's marks, aborted records, what compaction removed."""
    gone: int = 0
    """Offsets that left the log between the plan and `write`, and were accepted as gone."""

    @property
    def of(self) -> TopicPartition:
        """Its partition."""
        return TopicPartition(self.topic, self.partition)

    @property
    def at(self) -> int:
        """Where to go on."""
        return self.start if self.next is None else self.next

    @property
    def is_done(self) -> bool:
        """Nothing of it is left."""
        return self.at >= self.end


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A closed file of rows, which never changes again."""

    name: str
    kind: RowKind
    number: int
    """Within its kind, from 1."""
    rows: int
    bytes: int
    sha256: str
    state: FileState = FileState.WRITTEN
    job: Mapping[str, Any] = field(default_factory=dict)
    """What is known of the job that the API made of it; whoever submits says what."""


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that rows are still added to: as many bytes of it as the ranges say are written. What is behind them was
    not recorded before the process ended, and is cut off.
    """

    number: int = 0
    """0: no file is open."""
    rows: int = 0
    bytes: int = 0
    ids: int = 0
    """Bytes of the hashes of event ids beside it."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the records that are written, and the files that are not closed."""

    records: int = 0
    rows: Mapping[str, int] = field(default_factory=dict)
    """By `RowKind`."""
    filtered: Mapping[str, int] = field(default_factory=dict)
    """By `FilterReason`."""
    rejects: Mapping[str, int] = field(default_factory=dict)
    """By `LetterReason`."""
    reject_bytes: int = 0
    """Of the rejects file."""
    open: Mapping[str, OpenFile] = field(default_factory=dict)
    """By `RowKind`."""
    samples: Mapping[str, str] = field(default_factory=dict)
    """The first row of each kind and event name, of some of them, as it may be shown."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What `check` came to."""

    at: str
    """ISO 8601."""
    blocking: tuple[str, ...] = ()
    """Findings for which nothing should be submitted, each a sentence."""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole of it."""

    bridge: str
    """The version that made the plan."""
    created: str
    mapping_hash: str
    """Another one makes other rows: neither `write` nor `submit` continues with it."""
    engine: int
    cluster_id: str
    """Empty where the brokers do not say."""
    group: str
    topics: Mapping[str, PlannedTopic]
    ranges: tuple[PlannedRange, ...]
    """In the order they are written in: by topic and partition."""
    settings: BackfillSettings = BackfillSettings()
    cut: bool = False
    """Whether the plan set where the group starts: at the ranges' ends."""
    stage: Stage = Stage.PLANNED
    written: Written = Written()
    files: tuple[ImportFile, ...] = ()
    """In the order they are submitted in."""
    checked: CheckResult | None = None
    submission: Mapping[str, Any] = field(default_factory=dict)
    """What is known of submitting as a whole; whoever submits says what."""
    form: int = FORM

    @property
    def offsets(self) -> int:
        """How many are planned: an upper bound of the records."""
        return sum(each.end - each.start for each in self.ranges)

    @property
    def offsets_written(self) -> int:
        """How many of these are written."""
        return sum(each.at - each.start for each in self.ranges)
