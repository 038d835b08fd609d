"""What the pipeline gets and needs of the outside: what arrives, and small protocols that the edges implement.

All methods are called on, and all callbacks must arrive on, the one thread that runs the dispatcher.
None of them blocks and none raises for a failure of the outside: failures are values.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

from bridge.model import DeadLetter, LetterRefused, Outcomes, Position, Record, Request, Retried, Verdict
from bridge.pipeline.offsets import OffsetTracker


class FilteredEarly:
    """In place of neighbouring records that one rule filters, told before they were records: how many they are.

    Not a value: it grows as long as the poll thread reads on.
    """

    __slots__ = ("last", "outcomes", "records")

    def __init__(self, outcomes: Outcomes, last: int) -> None:
        self.outcomes = outcomes
        self.last = last
        """Offset of the last of them."""
        self.records = 1


class Oversized(NamedTuple):
    """A record that is larger than what is mapped."""

    record: Record
    """Without its value, of which no second object is made."""
    value_bytes: int
    largest: int
    """Bytes that a record may have."""

    @property
    def offset(self) -> int:
        """The record's."""
        return self.record.offset


Arrival = Record | FilteredEarly | Oversized


class Clock(Protocol):
    """Both kinds of time, in seconds."""

    def monotonic(self) -> float:
        """Never steps; for every duration and deadline."""

    def wall(self) -> float:
        """Unix time; only for what people and other processes read."""


class Mapper(Protocol):
    """Turns one record into requests; never raises, never does I/O."""

    def map(self, record: Record, now: float) -> Outcomes:
        """``now`` is wall time in seconds, for ``max_age``."""

    def rest_follows(self, topic: str, /) -> bool:
        """Whether what comes behind an identify that the API refuses is sent nevertheless."""


class Attempt(Protocol):
    """One request on its way, as the sink sees it."""

    @property
    def request(self) -> Request:
        """What to send."""


AttemptT = TypeVar("AttemptT", bound=Attempt)
AttemptT_contra = TypeVar("AttemptT_contra", bound=Attempt, contravariant=True)
LetterT = TypeVar("LetterT")
"""What the pipeline hands over with a dead letter, to be given back with the receipt."""
LetterT_contra = TypeVar("LetterT_contra", contravariant=True)


class Sink(Protocol[AttemptT_contra]):
    """Sends requests. Each `send` is answered by exactly one `VerdictSink.answered`, also after `abort`."""

    def send(self, attempt: AttemptT_contra, /) -> None:
        """Start one request; the answer never arrives from within this call."""

    def abort(self, attempts: Iterable[AttemptT_contra], /) -> None:
        """Close the connections that carry these requests; each is answered with an ambiguous `Retry`."""


class VerdictSink(Protocol[AttemptT_contra]):
    """Where the sink brings its verdicts."""

    def answered(self, attempt: AttemptT_contra, verdict: Verdict, /) -> None:
        """One request is over."""


class Credentials(Protocol):
    """The API key, known to the pipeline only by a generation that grows with each change."""

    @property
    def generation(self) -> int:
        """Of the key in force."""

    def refresh(self) -> int:
        """Read the key file again; returns the generation then in force. An unreadable file keeps the old key."""


class DeadLetters(Protocol[LetterT_contra]):
    """Writes dead letters, each answered by exactly one `LetterReceipts.letter_written`."""

    def write(self, letter: DeadLetter, token: LetterT_contra, /) -> None:
        """Produce one letter; the receipt never arrives from within this call."""


class LetterReceipts(Protocol[LetterT_contra]):
    """Where the dead-letter producer brings its receipts."""

    def letter_written(self, token: LetterT_contra, refused: LetterRefused | None, /) -> None:
        """``refused`` is None when all in-sync replicas have the letter."""


class Positions(Protocol):
    """Takes committed offsets to the broker."""

    def store(self, positions: Sequence[tuple[OffsetTracker[Any], Position]], /) -> None:
        """Commit these with the next commit; those of trackers that are not current are ignored."""

    def send_heartbeat(self) -> None:
        """Make one round trip with the group coordinator and report it by `Dispatcher.heartbeat_answered`."""

    def pause_topic(self, topic: str, /) -> None:
        """Take nothing more from this topic's partitions; for good, as far as this process goes."""

    def pause_partition(self, tracker: OffsetTracker[Any], /) -> None:
        """Take nothing more from this partition for as long as this assignment lasts, or until it is resumed."""

    def resume_partition(self, tracker: OffsetTracker[Any], /) -> None:
        """Read this partition on from where it was paused."""

    def read_again(self, tracker: OffsetTracker[Any], offset: int, /) -> None:
        """Go back to this offset of a paused partition. `Dispatcher.reads_again` follows what was read before that."""


class SchemaLookups(Protocol):
    """Looks schemas up, so that the mapper knows them. Each `want` is answered by one `LookupReceipts.looked_up`."""

    def want(self, reference: str, /) -> None:
        """Look this up, however long it takes; the answer never arrives from within this call."""

    def forget(self, reference: str, /) -> None:
        """Nobody waits for it any more: it need not be answered."""


class LookupReceipts(Protocol):
    """Where the look-ups bring their answers."""

    def looked_up(self, reference: str, /) -> None:
        """The mapper knows the schema, or that there is none. That a registry is away is no answer."""


class NoLookups:
    """Of a bridge without a registry, whose mapper needs no schema."""

    def want(self, reference: str, /) -> None:
        """Nobody asks."""
        raise LookupError(f"the schema {reference} is wanted, and there is no registry")

    def forget(self, reference: str, /) -> None:
        """See `want`."""


class Alarm(Protocol):
    """Wakes the dispatcher."""

    def at(self, when: float, /) -> None:
        """Call `Dispatcher.pump` at this monotonic time; an earlier alarm that is already set stays set."""


class EventLog(Protocol):
    """Hears what an operator wants to know; observing never changes what the pipeline does."""

    def blocked(self, reason: str, detail: str) -> None:
        """All sending stopped."""

    def unblocked(self, reason: str, seconds: float) -> None:
        """Sending resumes after this long."""

    def asked_to_wait(self, seconds: float, detail: str) -> None:
        """The destination asked all senders to wait this long."""

    def kind_blocked(self, kind: str, detail: str) -> None:
        """Requests of one kind do not get through; kind: never "track", of which `blocked` tells."""

    def kind_unblocked(self, kind: str, seconds: float) -> None:
        """They get through again after this long."""

    def kind_asked_to_wait(self, kind: str, seconds: float, detail: str) -> None:
        """The destination asked the senders of one kind, and of what shares its budget, to wait this long."""

    def identify_refused(self, record: Record, status: int | None, code: str | None, detail: str) -> None:
        """The bridge's own identify of a user, before an event of this record, failed for good; once for a user."""

    def user_forgotten(self, record: Record) -> None:
        """The user of this record is forgotten, as it asks."""

    def retrying(self, event: Retried) -> None:
        """An event failed for the third time and is tried again."""

    def topic_held(self, topic: str, letters: int, messages: str, sample: str) -> None:
        """The dead-letter breaker took a topic out; `messages` counts what the letters in a row say.

        `sample`: where a record of the commonest is, ``TOPIC/PARTITION/OFFSET``.
        """

    def partition_held(self, tracker: OffsetTracker[Any], detail: str) -> None:
        """One partition waits: a dead letter of it cannot be written at all."""

    def dead_letter(self, letter: DeadLetter) -> None:
        """A letter was acknowledged."""

    def letter_refused(self, letter: DeadLetter, detail: str) -> None:
        """One letter was not acknowledged; it is tried again, or its partition held."""

    def letters_unwritable(self, detail: str) -> None:
        """Nothing more is admitted until letters can be written again."""

    def letters_writable(self, seconds: float) -> None:
        """They can, after this long."""

    def drain_forced(self, tracker: OffsetTracker[Any], in_flight: int) -> None:
        """The drain's time was over before the answers came."""
