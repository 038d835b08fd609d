"""The vocabulary: what flows through the bridge, as plain values.

Everything here is immutable and knows nothing of Kafka clients, HTTP or clocks.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

Header = tuple[str, bytes | None]


def last_header(headers: Sequence[Header], name: str) -> bytes | None:
    """A header's content. The last of several with one name counts, as in Kafka's own clients."""
    for header, content in reversed(headers):
        if header == name:
            return content
    return None


UNREADABLE_HEADERS: Final[Sequence[Header]] = (("bridge.unreadable-headers", None),)
"""Stand in, as this very object, for headers of which a name is not UTF-8: the Kafka client hands out none of them."""


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}"


@dataclass(frozen=True, slots=True)
class LogRange:
    """The offsets that can be read: `first` is the log's start, `end` the offset after its last record."""

    first: int
    end: int


class Record(NamedTuple):
    """What Kafka delivered, byte for byte.

    A tuple, because one is built for every record consumed: it costs a third of a dataclass with slots.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    """Milliseconds since the epoch; None where the broker gave none."""
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header]

    def __repr__(self) -> str:
        # Logs, tracebacks and assertion messages print values; a record's are its owner's business.
        return f"Record({self.coordinates}, {self.size} bytes)"

    @property
    def coordinates(self) -> str:
        """Where the record stands: ``topic/partition/offset``."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def identity(self) -> str:
        """What tells its events from all others, where nothing in them does: where it stands in Kafka."""
        return f"{self.topic}/{self.partition}/{self.offset}"

    @property
    def size(self) -> int:
        """Bytes the record holds in memory, without Python's own overhead."""
        _, _, _, _, key, value, headers = self  # a third of the time of three names: this is asked for every event
        size = (len(value) if value else 0) + (len(key) if key else 0)
        for name, content in headers:
            size += len(name) + (len(content) if content else 0)
        return size


class Disposition(enum.Enum):
    """What became of one record. Only these complete its offset."""

    DELIVERED = "delivered"
    FILTERED = "filtered"
    DEAD_LETTERED = "dead_lettered"
    ALREADY_DONE = "already_done"


class FilterReason(enum.StrEnum):
    """Why a record, by its owner's rule, causes no request."""

    TOMBSTONE = "tombstone"
    UNMAPPED = "unmapped"
    RULE = "rule"
    """Its type is mapped to ``drop``."""
    WHEN = "when"
    EXPIRED = "expired"
    SAMPLED_OUT = "sampled_out"
    TOPIC = "topic"
    """Every route of its type is limited to other topics."""
    BRIDGE_RECORD = "bridge_record"
    """A dead letter or a resolution that a bridge wrote, told by its headers: never an event."""
    UNTYPED = "untyped"
    """It has no type, and `on_untyped` is drop."""
    NO_USER = "no_user"
    """It names no user, and `on_no_user` is drop."""
    NO_ELEMENTS = "no_elements"
    """Its list of elements is empty."""
    HEARTBEAT = "heartbeat"
    TRANSACTION = "transaction"
    """Debezium's mark of where a transaction begins or ends."""
    SCHEMA_CHANGE = "schema_change"
    TRUNCATE = "truncate"
    FORGET = "forget"
    """Its route says that the user is to be forgotten."""


class LetterReason(enum.StrEnum):
    """Why a record is in the dead-letter topic."""

    UNDECODABLE = "undecodable"
    UNMAPPABLE = "unmappable"
    INVALID = "invalid"
    REJECTED = "rejected"
    UNAUTHORIZED = "unauthorized"
    EXPIRED = "expired"
    RETRIES_EXHAUSTED = "retries_exhausted"
    TOO_LARGE = "too_large"
    """Larger than `kafka.max_record_bytes`. The only letters without the original's value."""


# --- what mapping says of a record ----------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """The identity of one mapping rule, as metrics, logs and dead letters name it."""

    name: str
    """The rule's key and, in a list, its place: ``order.completed[1]``."""
    hash: str
    """Changes with anything that could change the request this route makes (12 hex digits)."""
    event_name: str
    """The literal name, or the template's source."""


@dataclass(frozen=True, slots=True, eq=False)
class Filtered:
    """No request, by a rule. Compared by identity: mapping hands out one instance per rule and reason."""

    reason: FilterReason
    route: Route | None = None
    event_type: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Failed:
    """The record cannot become a request; it belongs in the dead-letter topic."""

    reason: LetterReason
    message: str
    """One sentence: expression, type of the value, what was expected; never the value itself."""
    route: Route | None = None
    unmapped_type: str | None = None
    """Set where the only fault is that no route names the type."""
    value_left_out: int = 0
    """Bytes of a value that the record does not carry any more."""
    schema: str | None = None
    """Set where it cannot be decoded because the registry does not know this schema; see `SchemaNeeded`."""
    kind: str = "track"
    """Of the request that it cannot become, see `RequestKind.name`."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestKind:
    """A kind of request that the API takes. Compared by identity: there is one instance of each, in `KINDS`."""

    name: str
    path: str
    """Where it is posted, below the endpoint."""
    refuse_all: frozenset[int] = frozenset({401, 403, 404, 405})
    """Statuses that say of the key or of the address, and so of every request, what is wrong."""


TRACK: Final = RequestKind("track", "/v1/track")
IDENTIFY: Final = RequestKind("identify", "/v1/identify")
COMPANY: Final = RequestKind("company", "/v1/companies/identify")
KINDS: Final = (TRACK, IDENTIFY, COMPANY)
"""The table of kinds. Each has a governor of its own; what the API documents of its body is in
`sandbox.emulator.contract`."""


class Request:
    """One request, ready to send. Not a dataclass: one is built for every event delivered."""

    __slots__ = ("body", "event_name", "kind", "left_out", "route", "user_id")

    def __init__(
        self, kind: RequestKind, user_id: str, event_name: str, body: bytes, route: Route, left_out: int = 0
    ) -> None:
        self.kind = kind
        self.user_id = user_id
        """Whose order it is in: the user, or ``company:<id>`` where it is of a company alone."""
        self.event_name = event_name
        """Empty unless it tracks an event."""
        self.body = body
        """The JSON document of the request, UTF-8."""
        self.route = route
        self.left_out = left_out
        """Metadata values that have no flat form (lists of objects) and were left out."""

    def __repr__(self) -> str:
        size = len(self.body)  # and not the body itself, which is its owner's business
        return f"Request({self.path}, route={self.route.name!r}, event_name={self.event_name!r}, {size} bytes)"

    @property
    def path(self) -> str:
        """Where it is posted, below the endpoint."""
        return self.kind.path


@dataclass(frozen=True, slots=True)
class SchemaNeeded:
    """The record cannot be mapped before a schema is known: no failure of the record. No other outcome is beside it."""

    reference: str
    """What the record names its schema by: ``id:42``, ``guid:…``, ``contentId:7``, ``globalId:7``, ``glue:…``."""

    @property
    def route(self) -> None:
        """None has looked at it yet."""


class Elements(abc.ABC):
    """The record holds many records, its elements: each is mapped when it is asked for. It is the only outcome then."""

    __slots__ = ("count", "size", "way")

    route: Final = None
    """None has looked at it yet."""

    def __init__(self, count: int, size: int, way: int = 0) -> None:
        self.count = count
        """One at least."""
        self.size = size
        """Bytes of the record, with everything undone that was put around it."""
        self.way = way
        """In which it was taken apart, as a number of 32 bits: only with the same one are its elements the same."""

    @abc.abstractmethod
    def map(self, element: int, now: float) -> tuple[Outcome, ...]:
        """What the element of this number becomes, none of it another `Elements` or a `SchemaNeeded`. Never raises.

        ``now`` in Unix seconds.
        """


MOST_ELEMENTS: Final = 1_000_000
"""Of one record."""


def output_of(element: int, route: int) -> int:
    """The number, among all events of a record, of what a route makes of an element.

    The first route's is the element's own number; no change of the mapping makes it another element's.
    """
    return route * MOST_ELEMENTS + element


def element_of(output: int) -> int:
    """The element that the number of an event is of, where its record has elements."""
    return output % MOST_ELEMENTS


def route_of(output: int) -> int:
    """Which of the element's routes makes the event of this number."""
    return output // MOST_ELEMENTS


@dataclass(frozen=True, slots=True)
class Forget:
    """Nothing is sent: the user is forgotten, and never identified again unless a record asks for it."""

    user_id: str
    filtered: Filtered
    """What the record counts as."""

    @property
    def route(self) -> Route | None:
        """Whose rule it is; None: the record is a tombstone."""
        return self.filtered.route


Outcome = Request | Filtered | Failed | SchemaNeeded | Elements | Forget
Outcomes = tuple[Outcome, ...]
"""What one record becomes: one entry per route that looked at it, never empty."""


class Steps(tuple[Outcome, ...]):
    """Outcomes of one record (or element), each of which is sent only after the one before it was accepted.

    Those that are filtered are passed over. In a plain tuple no outcome waits for another.
    """

    __slots__ = ()


# --- what the destination says of an attempt ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Delivered:
    """Any 2xx: accepted, which is not yet ingested."""

    status: int = 202


@dataclass(frozen=True, slots=True)
class Retry:
    """The same request may succeed later; nothing is known to be wrong with it."""

    reason: str
    """rate_limited | timeout | connection | redirect | too_early | server_error"""
    detail: str
    status: int | None = None
    """None: no whole answer came."""
    after: float | None = None
    """Seconds the destination asked to wait."""
    ambiguous: bool = False
    """The request may have been accepted although no answer said so: sending it again can duplicate it."""
    stale: bool = False
    """It was written to a connection that had carried others, and that ended without a byte for this one. Most likely
    it had ended before: that says nothing of the destination or of the event."""
    request_id: str | None = None
    """The destination's name for the request, as it answered it."""
    error_code: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Reject:
    """The request will never be accepted."""

    detail: str
    status: int
    error_code: str | None = None
    request_id: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Unauthorized:
    """401, 403, 404, 405: not this request but the key or the address is wrong, which concerns every request."""

    detail: str
    status: int
    key: int
    """Generation of the key the request carried, see `pipeline.ports.Credentials`."""
    error_code: str | None = None
    request_id: str | None = field(default=None, compare=False)


Verdict = Delivered | Retry | Reject | Unauthorized


@dataclass(frozen=True, slots=True)
class FailedAnswer:
    """One way in which requests failed lately: nothing of a record, and nothing that the API wrote but its code."""

    kind: str
    """Of the requests, see `RequestKind.name`."""
    reason: str
    """Of the retry (`Retry.reason`), or ``rejected`` or ``unauthorized``."""
    status: int | None
    """None: no whole answer came."""
    code: str | None
    """``error_code`` of the answer."""
    count: int
    first: float
    """Unix seconds."""
    last: float
    request_ids: tuple[str, ...]
    """x-request-id of the last ones, the last first."""


@dataclass(frozen=True, slots=True)
class Retried:
    """An event that failed and is tried again, as an operator sees it: places and answers, nothing of its record."""

    partition: TopicPartition
    offset: int
    output: int
    route: str | None
    attempts: int
    counted: int
    """Attempts that count: those that failed while others were accepted."""
    allowed: int
    """How many of these it has."""
    next_in: float | None
    """Seconds until the next attempt; None: it waits for its turn, or is on the wire."""
    answer: Retry | None
    """The last one; None: that was in another process."""
    behind: int = 0
    """Events that wait behind it."""
    trace: str | None = None
    """The W3C ``traceparent`` of its record's span, where that is traced."""


# --- dead letters -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FailedStep:
    """Which of a record's steps failed. All before it were accepted, or filtered."""

    number: int
    """From 0, among the outcomes of the record, or of the element."""
    of: int
    rest_sent: bool = False
    """The steps behind it are sent nevertheless; else they are left with the letter."""
    automatic: bool = False
    """It was the identify that the bridge itself sends before a user's first event; `number` is that of the event."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that left the pipeline without being delivered, with all that is known about why."""

    record: Record
    reason: LetterReason
    message: str
    output: int = 0
    """Which of the record's events, counted from 0."""
    route: Route | None = None
    status: int | None = None
    error_code: str | None = None
    request: bytes | None = field(default=None, repr=False)
    """The body that was (or would have been) sent."""
    attempts: int = 0
    first_attempt_ms: int | None = None
    last_attempt_ms: int | None = None
    value_left_out: int = 0
    """Bytes of the original's value, which stands at its offset only."""
    element: int | None = None
    """Which of the record's elements it is of, from 0; None: its record has none, or it is of all of it."""
    schema: str | None = None
    """The schema that the registry did not know, where that is the reason."""
    kind: str = TRACK.name
    """Of the request that failed, see `RequestKind.name`."""
    step: FailedStep | None = None
    """None: it is no step of several."""
    trace: str | None = None
    """The W3C ``traceparent`` of what wrote it, where its record is traced."""


@dataclass(frozen=True, slots=True)
class LetterRefused:
    """A dead letter was not acknowledged."""

    message: str
    too_large: bool = False
    """The original itself does not fit the dead-letter topic: trying again cannot help."""


# --- positions -------------------------------------------------------------------------------------


class Position(NamedTuple):
    """What is committed for a partition: the lowest open offset, and text that says which later ones are done."""

    offset: int
    metadata: str
    leader_epoch: int | None
