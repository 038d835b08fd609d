"""What can have become of an event: one of these. Frozen values; `decide` chooses, others only show.

A committed offset says that the record is done. It does not say which way: a bridge commits after a 202, after a
filter, and after a dead letter. So each verdict comes with what it rests on, and with what nobody can know.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from bridge.formats.letters import LetterPlace
from bridge.reprocess.reading.ledger import LetterState


class FateState(enum.StrEnum):
    """In one word, for scripts and for columns."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    FILTERED = "filtered"
    DEAD_LETTER = "dead_letter"
    LOST = "lost"
    NOT_READ = "not_read"
    """No bridge of this group reads it."""
    NO_RECORD = "no_record"
    """Nothing is at this offset that could become an event."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Retrying:
    """Its attempts so far, as the replica that makes them says."""

    attempts: int
    reason: str | None = None
    """Of the last answer; None: it came in another process."""
    status: int | None = None
    request_id: str | None = None
    next_attempt: str | None = None
    """ISO 8601; None: it waits for its turn, or is on the wire."""
    trace: str | None = None
    """Id of the trace of its attempts, where it is traced."""


@dataclass(frozen=True, slots=True)
class WaitingFate:
    """It is not done yet."""

    why: str | None
    """A name of `holds.SHOWN`; None: not known."""
    sentence: str
    before: int
    """Records that wait before it on its partition, at most."""
    then: str
    """What today's mapping makes of it when its turn comes."""
    since: float | None = None
    until: float | None = None
    next_try: float | None = None
    action: str = ""
    needs_someone: bool = False
    empty_at: float | None = None
    """When nothing is forecast to wait on its partition any more."""
    retrying: Retrying | None = None
    state: FateState = field(default=FateState.WAITING, init=False)


@dataclass(frozen=True, slots=True)
class DeliveredFate:
    """The API accepted it."""

    sentence: str
    at: float | None = None
    """Unix seconds, where a replay tells."""
    by: str | None = None
    """Who replayed it."""
    place: LetterPlace | None = None
    """Of the dead letter that was replayed; None: it never was one."""
    state: FateState = field(default=FateState.DELIVERED, init=False)


@dataclass(frozen=True, slots=True)
class FilteredFate:
    """No request was to be made of it."""

    reason: str | None
    """A `FilterReason`."""
    sentence: str
    route: str | None = None
    state: FateState = field(default=FateState.FILTERED, init=False)


@dataclass(frozen=True, slots=True)
class DeadLetterFate:
    """It is in the dead-letter topic."""

    place: LetterPlace
    letter_state: LetterState
    reason: str
    sentence: str
    command: str
    """Which shows it."""
    trace: str | None = None
    """Id of the trace in which it failed, where that was traced."""
    is_rest: bool = False
    """Not it failed, but a step before it; it is left with that one's letter."""
    state: FateState = field(default=FateState.DEAD_LETTER, init=False)


@dataclass(frozen=True, slots=True)
class LostFate:
    """It was not sent, and will not be."""

    sentence: str
    at: float | None = None
    """When that was found; None: nobody has recorded it."""
    action: str = ""
    state: FateState = field(default=FateState.LOST, init=False)


@dataclass(frozen=True, slots=True)
class NotReadFate:
    """The group does not read it, or has not begun."""

    sentence: str
    action: str = ""
    state: FateState = field(default=FateState.NOT_READ, init=False)


@dataclass(frozen=True, slots=True)
class NoRecordFate:
    """No record that could be sent is at this offset."""

    sentence: str
    state: FateState = field(default=FateState.NO_RECORD, init=False)


@dataclass(frozen=True, slots=True)
class UnknownFate:
    """It cannot be known."""

    sentence: str
    action: str = ""
    state: FateState = field(default=FateState.UNKNOWN, init=False)


Fate = WaitingFate | DeliveredFate | FilteredFate | DeadLetterFate | LostFate | NotReadFate | NoRecordFate | UnknownFate


@dataclass(frozen=True, slots=True)
class DecidedFate:
    """A verdict, and what it leaves open."""

    fate: Fate
    unknown: tuple[str, ...] = ()
    """Sentences: what could be otherwise, and why nobody can tell."""

    @property
    def needs_a_look(self) -> bool:
        """Whether somebody has to do something, or nobody knows: the command ends with 1."""
        fate = self.fate
        if isinstance(fate, DeadLetterFate):
            return fate.letter_state.is_open
        if isinstance(fate, WaitingFate):
            return fate.needs_someone
        return fate.state in {FateState.LOST, FateState.UNKNOWN, FateState.NO_RECORD, FateState.NOT_READ}
