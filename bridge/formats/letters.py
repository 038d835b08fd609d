"""A dead letter as it is in its topic, whoever wrote it: this bridge, Kafka Connect, Spring, or somebody unknown.

What this bridge writes is in `letter_headers`, and schemas/dead-letter-headers.schema.json describes it. Parsing never
fails. A header that cannot be read leaves its field empty and is named in `Letter.damaged`, because a
letter whose reason is illegible is still an event that was not delivered.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple

from bridge.formats import letter_headers as own
from bridge.formats.header_values import (
    LONGEST_TEXT,
    LetterHeaders,
    digits_of,
    failed_step,
    partition_of,
    text_of,
    time_of,
    topic_of,
)
from bridge.formats.letter_headers import CONNECT, LONGEST_REQUEST, NAMES, OWN
from bridge.model import TRACK, UNREADABLE_HEADERS, FailedStep, Header, LetterReason, Record

SPRING: Final = "kafka_dlt-"
UNKNOWN_REASON: Final = "unknown"
"""Stands where no header says why."""


class Dialect(enum.StrEnum):
    """Whose headers a letter carries."""

    BRIDGE = "bridge"
    CONNECT = "connect"
    SPRING = "spring"
    UNKNOWN = "unknown"


_BRIDGE: Final = Dialect.BRIDGE
"""Asked for with every letter, and slow to find in its class."""
_TRACK: Final = TRACK.name
_TOO_LARGE: Final = LetterReason.TOO_LARGE.value
_BEFORE_ANY_ROUTE: Final = frozenset({LetterReason.UNDECODABLE.value, LetterReason.UNMAPPABLE.value, _TOO_LARGE})


class LetterPlace(NamedTuple):
    """Where a letter is in the dead-letter topic."""

    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}:{self.offset}"


class Origin(NamedTuple):
    """Where the record came from. The timestamp tells the records of a recreated topic from the old ones."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    group: str
    """The consumer group (or connector) that gave it up; empty where nothing says so."""

    def __str__(self) -> str:
        return f"{self.topic}/{self.partition}/{self.offset}"


class Letter(NamedTuple):
    """One dead letter. A tuple for the reason `Record` is one: a hundred thousand are parsed in a few seconds."""

    place: LetterPlace
    timestamp_ms: int | None
    """When it was written, in milliseconds since 1970."""
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    """The original's own."""
    dialect: Dialect
    origin: Origin | None
    """None: no header says it (or not legibly)."""
    output: int = 0
    reason: str = UNKNOWN_REASON
    """A `LetterReason` of a bridge's letter, the exception's class of another's."""
    message: str = ""
    status: int | None = None
    error_code: str | None = None
    route: str | None = None
    route_hash: str | None = None
    request_sha256: str | None = None
    request: str | None = None
    """The body that was sent, where it was short enough to be kept."""
    attempts: int | None = None
    first_attempt: str | None = None
    last_attempt: str | None = None
    damaged: tuple[str, ...] = ()
    """Headers that are there and cannot be read."""
    element: int | None = None
    """Which of the record's elements it is of; None: the record had none, or it is of all of them."""
    schema: str | None = None
    """The schema that the registry did not know, as the record names it, where that is why it is here."""
    kind: str = TRACK.name
    """Of the request that failed, see `RequestKind.name`."""
    step: FailedStep | None = None
    """Which of the steps of its record, or element, failed; None: there are no several."""
    trace: str | None = None
    """The W3C ``traceparent`` of what wrote it, where its record was traced."""

    def __repr__(self) -> str:
        # Values are printed by logs and assertions; what is in a letter is its owner's business.
        return f"Letter({self.place}, {self.reason}, origin={self.origin})"

    @property
    def is_whole_record(self) -> bool:
        """Whether it is of all events of its record, and not of one of them.

        What failed before any route looked at it never became events; mapped again, it becomes all of them.
        """
        return self.dialect is not _BRIDGE or (
            self.route is None and self.element is None and self.reason in _BEFORE_ANY_ROUTE
        )

    @property
    def is_whole_element(self) -> bool:
        """The same of an element: mapped again, it becomes all of the element's events."""
        return self.element is not None and self.route is None and self.reason in _BEFORE_ANY_ROUTE

    @property
    def request_kind(self) -> str | None:
        """Of which kind the request is that failed or could not be made; None: it failed before any route saw it."""
        return None if self.route is None and self.request_sha256 is None and self.kind == _TRACK else self.kind

    @property
    def has_rest(self) -> bool:
        """Whether the steps behind the one that failed are left with it."""
        step = self.step
        return step is not None and step.of > 1 and not step.rest_sent

    @property
    def is_without_value(self) -> bool:
        """Whether the original's value was left out, so that nothing can be made of what is here."""
        return self.dialect is _BRIDGE and self.reason == _TOO_LARGE

    def record(self) -> Record | None:
        """The original as Kafka first delivered it; None without an origin, on which topic and event id depend."""
        origin = self.origin
        if origin is None:
            return None
        return Record(
            origin.topic, origin.partition, origin.offset, origin.timestamp_ms, self.key, self.value, self.headers
        )


def parse(record: Record) -> Letter:
    """The letter in a record of a dead-letter topic."""
    if record.headers is UNREADABLE_HEADERS:
        return _letter(record, Dialect.UNKNOWN, (), None)._replace(damaged=("a name that is not UTF-8",))
    named = dict(record.headers)
    if own.VERSION_NAME in named:
        try:
            return _undamaged(record, named)
        except (ValueError, LookupError, OverflowError):
            pass  # Something is missing or illegible: once more, slowly, naming what it is.
    headers = LetterHeaders(named)
    for dialect, prefix, read in _DIALECTS:
        if any(name.startswith(prefix) for name in named):
            # Another dialect's headers may be the original's own: a letter of somebody's dead-letter topic.
            return read(record, headers, _original(record, (OWN, CONNECT) if dialect is Dialect.BRIDGE else (prefix,)))
    return _letter(record, Dialect.UNKNOWN, tuple(record.headers), None)


def _original(record: Record, added: tuple[str, ...]) -> tuple[Header, ...]:
    return tuple([each for each in record.headers if each[0] not in NAMES and not each[0].startswith(added)])


def _undamaged(record: Record, named: Mapping[str, bytes | None]) -> Letter:
    """A letter of this bridge as nearly all of them are, in less time; raises where `_of_bridge` is needed."""
    get = named.get
    topic, partition, offset = named[own.TOPIC], named[own.PARTITION], named[own.OFFSET]
    output, reason = named[own.OUTPUT], named[own.REASON]
    if topic is None or partition is None or offset is None or output is None or reason is None:
        raise ValueError
    status, attempts, element, step = get(own.STATUS), get(own.ATTEMPTS), get(own.ELEMENT), get(own.STEP)
    _, at_partition, at_offset, written_ms, key, value, _ = record
    return Letter(
        LetterPlace(at_partition, at_offset),
        written_ms,
        key,
        value,
        () if named.keys() <= NAMES else _original(record, (OWN, CONNECT)),
        _BRIDGE,
        Origin(
            topic_of(topic),
            partition_of(partition),
            digits_of(offset),
            time_of(get(own.TIMESTAMP)),
            text_of(get(own.GROUP)) or "",
        ),
        digits_of(output),
        reason.decode(),
        (text_of(get(own.MESSAGE)) or "")[:LONGEST_TEXT],
        None if status is None else digits_of(status),
        text_of(get(own.CODE)),
        text_of(get(own.ROUTE)),
        text_of(get(own.ROUTE_HASH)),
        text_of(get(own.SHA256)),
        text_of(get(own.REQUEST)),
        None if attempts is None else digits_of(attempts),
        text_of(get(own.FIRST)),
        text_of(get(own.LAST)),
        (),
        None if element is None else digits_of(element),
        text_of(get(own.SCHEMA)),
        text_of(get(own.KIND)) or _TRACK,
        None if step is None else failed_step(step, get(own.REST), get(own.AUTOMATIC)),
        text_of(get(own.TRACE)),
    )


def _of_bridge(record: Record, headers: LetterHeaders, original: tuple[Header, ...]) -> Letter:
    origin = _origin(
        headers.topic(own.TOPIC),
        headers.partition(own.PARTITION),
        headers.number(own.OFFSET),
        headers.time(own.TIMESTAMP),
        headers.text(own.GROUP),
    )
    schema, kind = headers.text(own.SCHEMA), headers.text(own.KIND)
    output, element, step = (
        headers.number(own.OUTPUT),
        headers.number(own.ELEMENT),
        headers.step(own.STEP, own.REST, own.AUTOMATIC),
    )
    if any(
        found is None and name in headers.named
        for name, found in ((own.OUTPUT, output), (own.ELEMENT, element), (own.STEP, step))
    ):
        # Which of the record's events it is of, or which are left with it, is illegible: it must not be taken for
        # another one, nor for all there is.
        origin = None
    return Letter(
        LetterPlace(record.partition, record.offset),
        record.timestamp_ms,
        record.key,
        record.value,
        original,
        Dialect.BRIDGE,
        origin,
        output or 0,
        headers.text(own.REASON) or UNKNOWN_REASON,
        headers.text(own.MESSAGE) or "",
        headers.number(own.STATUS),
        headers.text(own.CODE),
        headers.text(own.ROUTE),
        headers.text(own.ROUTE_HASH),
        headers.text(own.SHA256),
        headers.text(own.REQUEST, LONGEST_REQUEST),
        headers.number(own.ATTEMPTS),
        headers.text(own.FIRST),
        headers.text(own.LAST),
        tuple(headers.damaged),
        element,
        schema,
        kind or _TRACK,
        step,
        headers.text(own.TRACE),
    )


def _of_connect(record: Record, headers: LetterHeaders, original: tuple[Header, ...]) -> Letter:
    origin = _origin(
        headers.topic(f"{CONNECT}topic"),
        headers.partition(f"{CONNECT}partition"),
        headers.number(f"{CONNECT}offset"),
        None,
        headers.text(f"{CONNECT}connector.name"),
    )
    reason = headers.text(f"{CONNECT}exception.class.name")
    message = headers.text(f"{CONNECT}exception.message")
    return _letter(record, Dialect.CONNECT, original, origin, reason, message, headers)


def _of_spring(record: Record, headers: LetterHeaders, original: tuple[Header, ...]) -> Letter:
    origin = _origin(
        headers.topic(f"{SPRING}original-topic"),
        headers.binary_partition(f"{SPRING}original-partition"),
        headers.binary(f"{SPRING}original-offset"),
        headers.binary(f"{SPRING}original-timestamp"),
        headers.text(f"{SPRING}original-consumer-group"),
    )
    reason = headers.text(f"{SPRING}exception-fqcn")
    message = headers.text(f"{SPRING}exception-message")
    return _letter(record, Dialect.SPRING, original, origin, reason, message, headers)


_DIALECTS: Final = (
    (Dialect.BRIDGE, OWN, _of_bridge),
    (Dialect.CONNECT, CONNECT, _of_connect),
    (Dialect.SPRING, SPRING, _of_spring),
)
"""A bridge's letter carries Kafka Connect's names too, so its own are looked for first."""


def _origin(
    topic: str | None, partition: int | None, offset: int | None, timestamp_ms: int | None, group: str | None
) -> Origin | None:
    if not topic or partition is None or offset is None:
        return None
    return Origin(topic, partition, offset, timestamp_ms, group or "")


def _letter(
    record: Record,
    dialect: Dialect,
    original: tuple[Header, ...],
    origin: Origin | None,
    reason: str | None = None,
    message: str | None = None,
    headers: LetterHeaders | None = None,
) -> Letter:
    return Letter(
        LetterPlace(record.partition, record.offset),
        record.timestamp_ms,
        record.key,
        record.value,
        original,
        dialect,
        origin,
        reason=reason or UNKNOWN_REASON,
        message=message or "",
        damaged=tuple(headers.damaged) if headers is not None else (),
    )
