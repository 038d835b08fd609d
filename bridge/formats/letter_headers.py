"""The headers of a dead letter: all that is known about why, in two dialects.

``bridge.dead-letter.*`` is this program's own; ``__connect.errors.*`` are the names of Kafka Connect, which existing
tools recognise. Both are replaced, never appended: a letter that comes back would otherwise outgrow its topic.
schemas/dead-letter-headers.schema.json describes them.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Sequence
from typing import Final

from bridge.model import TRACK, DeadLetter, FailedStep, Header, LetterReason
from bridge.text import moments
from bridge.text.printable import cut_bytes

LETTER: Final[Header] = ("bridge.dead-letter.version", b"1")
"""On every dead letter of every bridge."""
RESOLUTION: Final[Header] = ("bridge.resolution.version", b"1")
"""On every resolution."""


def is_of_a_bridge(headers: Sequence[Header]) -> bool:
    """Whether a bridge wrote it about an event: a dead letter or a resolution, which are never events themselves.

    A pattern in kafka.topics may take another bridge's topics. A dead letter has its original's value, so that mapped
    as an event it would be sent a second time, by somebody else, while it is still open.
    """
    # Whole headers are compared, which is one step of the interpreter for all of them.
    return LETTER in headers or RESOLUTION in headers


VERSION: Final = (LETTER[1] or b"").decode()
OWN: Final = LETTER[0].removesuffix("version")
CONNECT: Final = "__connect.errors."

VERSION_NAME: Final = LETTER[0]
REASON: Final = f"{OWN}reason"
MESSAGE: Final = f"{OWN}message"
STATUS: Final = f"{OWN}http-status"
CODE: Final = f"{OWN}error-code"
TOPIC: Final = f"{OWN}origin-topic"
PARTITION: Final = f"{OWN}origin-partition"
OFFSET: Final = f"{OWN}origin-offset"
TIMESTAMP: Final = f"{OWN}origin-timestamp"
GROUP: Final = f"{OWN}origin-group"
OUTPUT: Final = f"{OWN}output"
ELEMENT: Final = f"{OWN}element"
ROUTE: Final = f"{OWN}route"
ROUTE_HASH: Final = f"{OWN}route-hash"
SHA256: Final = f"{OWN}request-sha256"
REQUEST: Final = f"{OWN}request"
ATTEMPTS: Final = f"{OWN}attempts"
FIRST: Final = f"{OWN}first-attempt"
LAST: Final = f"{OWN}last-attempt"
REPLAYS: Final = f"{OWN}replays"
VALUE_LEFT_OUT: Final = f"{OWN}value-left-out"
SCHEMA: Final = f"{OWN}schema"
KIND: Final = f"{OWN}kind"
STEP: Final = f"{OWN}step"
REST: Final = f"{OWN}rest"
AUTOMATIC: Final = f"{OWN}automatic"
TRACE: Final = f"{OWN}trace"

LONGEST_MESSAGE: Final = 1024
"""Bytes."""
LONGEST_REQUEST: Final = 4096
"""Bytes of the request that are worth a header; a longer one is known by its hash."""
_LONGEST_NAME: Final = 256
"""Bytes of values that come from elsewhere and are short by nature: error codes, route names."""

_STAGES: Final = {
    LetterReason.UNDECODABLE: ("VALUE_CONVERTER", "bridge.mapping"),
    LetterReason.UNMAPPABLE: ("TRANSFORMATION", "bridge.mapping"),
    LetterReason.INVALID: ("TRANSFORMATION", "bridge.mapping"),
    LetterReason.EXPIRED: ("TRANSFORMATION", "bridge.mapping"),
    LetterReason.REJECTED: ("TASK_PUT", "bridge.track"),
    LetterReason.UNAUTHORIZED: ("TASK_PUT", "bridge.track"),
    LetterReason.RETRIES_EXHAUSTED: ("TASK_PUT", "bridge.track"),
    LetterReason.TOO_LARGE: ("KAFKA_CONSUME", "bridge.kafka"),
}
"""Where in Kafka Connect's pipeline, and in which part of this program, it went wrong."""


class Detail(enum.IntEnum):
    """How much is said, where the topic's limit leaves little room beside the original."""

    WHOLE = 0
    WITHOUT_MESSAGE = 1
    ESSENTIAL = 2
    """Only what identifies the letter: without that it could not be replayed or resolved."""


_ESSENTIAL: Final = frozenset(
    {
        *(VERSION_NAME, REASON, OUTPUT, ELEMENT, ROUTE, ROUTE_HASH, REPLAYS, VALUE_LEFT_OUT, SCHEMA),
        *(KIND, STEP, REST, AUTOMATIC),
        *(TOPIC, PARTITION, OFFSET, TIMESTAMP, GROUP),
    }
)
NAMES: Final = frozenset(
    {
        *_ESSENTIAL,
        *(MESSAGE, STATUS, CODE, SHA256, REQUEST, ATTEMPTS, FIRST, LAST, TRACE),
        *(f"{CONNECT}{name}" for name in ("topic", "partition", "offset", "connector.name", "stage", "class.name")),
        *(f"{CONNECT}{name}" for name in ("exception.class.name", "exception.message")),
    }
)
"""All that `build` adds: whoever reads a hundred thousand letters knows these without looking at their prefixes."""


def build(letter: DeadLetter, group: str, detail: Detail = Detail.WHOLE) -> list[Header]:
    """The original's headers, byte for byte, and ours. `group` is the consumer group that gave the record up."""
    own = _own(letter, group)
    if detail is Detail.ESSENTIAL:
        own = {name: value for name, value in own.items() if name in _ESSENTIAL}
        connect: dict[str, str] = {}
    else:
        connect = _connect(letter, group)
    if detail is not Detail.WHOLE:
        own.pop(MESSAGE, None)
        own.pop(REQUEST, None)
        connect.pop("exception.message", None)
    return [
        *(header for header in letter.record.headers if not header[0].startswith((OWN, CONNECT))),
        *((name, value.encode()) for name, value in own.items()),
        *((CONNECT + name, value.encode()) for name, value in connect.items()),
    ]


def _own(letter: DeadLetter, group: str) -> dict[str, str]:
    record = letter.record
    known: dict[str, str | None] = {
        VERSION_NAME: VERSION,
        REASON: letter.reason.value,
        MESSAGE: cut_bytes(letter.message, LONGEST_MESSAGE),
        STATUS: None if letter.status is None else str(letter.status),
        CODE: None if letter.error_code is None else cut_bytes(letter.error_code, _LONGEST_NAME),
        TOPIC: record.topic,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        TIMESTAMP: _record_time(record.timestamp_ms),
        GROUP: group,
        OUTPUT: str(letter.output),
        ELEMENT: None if letter.element is None else str(letter.element),
        ROUTE: None if letter.route is None else cut_bytes(letter.route.name, _LONGEST_NAME),
        ROUTE_HASH: None if letter.route is None else letter.route.hash,
        SHA256: None if letter.request is None else hashlib.sha256(letter.request).hexdigest(),
        REQUEST: _short(letter.request),
        ATTEMPTS: str(letter.attempts),
        FIRST: _time(letter.first_attempt_ms),
        LAST: _time(letter.last_attempt_ms),
        REPLAYS: str(_replays(record.headers)),
        VALUE_LEFT_OUT: str(letter.value_left_out) if letter.value_left_out else None,
        SCHEMA: None if letter.schema is None else cut_bytes(letter.schema, _LONGEST_NAME),
        KIND: None if letter.kind == TRACK.name else letter.kind,
        **_step(letter.step),
        TRACE: letter.trace,
    }
    return {name: value for name, value in known.items() if value is not None}


def _step(step: FailedStep | None) -> dict[str, str | None]:
    """Nothing of a record that has one step: its letters are what they always were."""
    if step is None:
        return {}
    return {
        STEP: f"{step.number + 1}/{step.of}",
        REST: "sent" if step.rest_sent else "open",
        AUTOMATIC: "true" if step.automatic else None,
    }


def _connect(letter: DeadLetter, group: str) -> dict[str, str]:
    stage, part = _STAGES[letter.reason]
    return {
        "topic": letter.record.topic,
        "partition": str(letter.record.partition),
        "offset": str(letter.record.offset),
        "connector.name": group,
        "stage": stage,
        "class.name": part,
        "exception.class.name": f"{part}.{letter.reason.value}",
        "exception.message": cut_bytes(letter.message, LONGEST_MESSAGE),
    }


def _short(request: bytes | None) -> str | None:
    """What was sent, so that it can be compared with what would be sent later."""
    return None if request is None or len(request) > LONGEST_REQUEST else request.decode()


def _replays(headers: Sequence[Header]) -> int:
    """How often this letter was replayed before; kept, so that a letter that always fails shows."""
    for name, value in headers:
        if name == REPLAYS and value is not None and value.isdigit() and len(value) < 10:
            return int(value)
    return 0


def _record_time(epoch_ms: int | None) -> str | None:
    """As `_time`; what no calendar holds as the digits that Kafka has.

    Left out, the record would be another one when it is replayed: one without a time, which is sent, where the one with
    that time was refused.
    """
    return None if epoch_ms is None else _time(epoch_ms) or str(epoch_ms)


def _time(epoch_ms: int | None) -> str | None:
    """ISO 8601 in UTC with milliseconds; nothing for what no calendar holds."""
    return None if epoch_ms is None else moments.iso_of_millis(epoch_ms)
