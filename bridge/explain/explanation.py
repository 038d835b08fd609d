"""What is answered: frozen values that a terminal, a page and a script show alike.

Nothing of a record's content is in them unless its values may be shown; then it is there as redaction leaves it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from bridge.explain.fates import DecidedFate, Fate, FateState
from bridge.mapping.review.walk import WalkStep
from bridge.model import TopicPartition

_GRAVEST: Final = (
    FateState.LOST,
    FateState.DEAD_LETTER,
    FateState.UNKNOWN,
    FateState.WAITING,
    FateState.NOT_READ,
    FateState.NO_RECORD,
    FateState.DELIVERED,
    FateState.FILTERED,
)


@dataclass(frozen=True, slots=True)
class ShownRequest:
    """A request as it would be sent now."""

    method_and_path: str
    fields: tuple[tuple[str, str], ...]
    """Names that the configuration or the API has, each with its JSON type."""
    further: int = 0
    """Fields whose names are out of the record, and so are not among them."""
    body: bytes | None = field(default=None, repr=False)
    """As redaction leaves it; None where values may not be shown."""


@dataclass(frozen=True, slots=True)
class EventFate:
    """One of a record's events, and what became of it."""

    decided: DecidedFate
    number: int = 0
    element: int | None = None
    route: str | None = None
    kind: str | None = None
    step: int = 0
    of: int = 1
    """Steps that wait for each other; 1: none."""
    made: str = ""
    """What today's mapping makes of it, as a sentence; empty: not known."""
    request: ShownRequest | None = None

    @property
    def fate(self) -> Fate:
        """The verdict alone."""
        return self.decided.fate


@dataclass(frozen=True, slots=True)
class ExplainedPart:
    """A whole record, or one of its elements: how the mapping went, and what it made."""

    steps: tuple[WalkStep, ...]
    events: tuple[EventFate, ...]
    element: int | None = None


@dataclass(frozen=True, slots=True)
class ExplainedRecord:
    """One record."""

    partition: TopicPartition
    offset: int
    timestamp: float | None
    """Kafka's, in Unix seconds; None: none, or not read."""
    source: str
    """Where its content was read: ``topic``, ``dead letter 3:17``; empty: nowhere."""
    parts: tuple[ExplainedPart, ...]
    size: int | None = None
    """Bytes."""
    trace: str | None = None
    """Id of the trace that its producer began, by its header ``traceparent``."""
    elements: int | None = None
    """How many it has; None: it is no list of them. Not all of many are among `parts`."""
    key: bytes | None = field(default=None, repr=False)
    """As redaction leaves them, these two; None where values may not be shown."""
    value: bytes | None = field(default=None, repr=False)

    @property
    def coordinates(self) -> str:
        """``topic/partition/offset``"""
        return f"{self.partition}/{self.offset}"

    @property
    def events(self) -> tuple[EventFate, ...]:
        """Those of all parts."""
        return tuple(event for part in self.parts for event in part.events)

    @property
    def gravest(self) -> EventFate:
        """The event that says most of how the record is: what is lost before what is delivered."""
        return min(self.events, key=lambda each: _GRAVEST.index(each.fate.state))


@dataclass(frozen=True, slots=True)
class SearchedPartition:
    """Which offsets of one log a search looked at."""

    partition: TopicPartition
    start: int
    stop: int
    """Exclusive; as `start` where none was."""
    first: int
    """What the log has, or what of it is not older than was asked for."""
    end: int

    @property
    def left(self) -> int:
        """Offsets that were not looked at."""
        return max(0, self.end - self.first - (self.stop - self.start))


@dataclass(frozen=True, slots=True)
class Searched:
    """How far a search came."""

    partitions: tuple[SearchedPartition, ...]
    records: int
    """That were read."""
    seconds: float
    unreadable: int = 0
    """Of these: that could not be decoded, so that nobody knows whose they are."""
    letters: int | None = None
    """Dead letters that were looked at; None: they could not be read."""
    letters_problem: str | None = None
    out_of_time: bool = False
    found: int = 0
    """Records that match; of many not all are explained."""

    @property
    def left(self) -> int:
        """Offsets that were not looked at."""
        return sum(each.left for each in self.partitions)

    @property
    def is_whole(self) -> bool:
        """Whether what was not found is not there."""
        return self.left == 0 and self.letters_problem is None and not self.unreadable


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to one question."""

    records: tuple[ExplainedRecord, ...]
    """The newest first; none: not found."""
    searched: Searched | None = None
    """None: it was asked about one place."""
    notes: tuple[str, ...] = ()
    """What could not be asked, and what that leaves open."""

    @property
    def needs_a_look(self) -> bool:
        """Whether nothing was found, or somebody has to do something about what was."""
        return not self.records or any(event.decided.needs_a_look for each in self.records for event in each.events)
