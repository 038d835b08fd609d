"""What became of a dead letter, as records of the compacted topic beside the dead-letter topic.

Three kinds of records, each with a key of its own, so that none of them can undo another:

``ended``    replayed or discarded, and by whom. There is no way back from it.
``attempt``  replays that failed, counted, and which events of a whole record were already accepted.
``change``   a key and value corrected by hand, which replays send in place of the original's.

A key names the event (its origin and which of the record's events), so that two letters of one event share it; where
no header says the origin, it names the letter's place. The record is in the partition of the letter's number.
schemas/resolution.schema.json describes the values.
"""

from __future__ import annotations

import base64
import enum
import hashlib
from typing import Any, Final, NamedTuple

import orjson

from bridge.formats.letters import Letter

VERSION: Final = 1


class ResolutionKind(enum.StrEnum):
    """Which of the three a record is; the first element of its key."""

    ENDED = "ended"
    ATTEMPT = "attempt"
    CHANGE = "change"


class Ending(enum.StrEnum):
    """How a letter ended."""

    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Author(NamedTuple):
    """Who wrote a record, and when."""

    command: str
    """``track-bridge dlq replay``"""
    user: str
    host: str


class Ended(NamedTuple):
    """No replay sends this letter any more."""

    ending: Ending
    at: float
    """Unix seconds."""
    author: Author
    reason: str | None = None
    """Of a discarded letter: why, in the words of who did it."""
    status: int | None = None
    request_sha256: str | None = None
    """Of the request that was accepted; of the last of them, where the record makes several."""


class Attempted(NamedTuple):
    """Replays that did not end it."""

    failures: int
    """All of them, of all replays."""
    delivered: tuple[int, ...]
    """Events of the record that were accepted and must not be sent again, by their number."""
    at: float
    author: Author
    reason: str | None = None
    message: str | None = None
    status: int | None = None
    error_code: str | None = None
    route_hash: str | None = None
    """Of the route that made the request."""
    kind: str | None = None
    """Of the request that failed last; None: it tracked an event."""
    event: int | None = None
    """Which of the record's events that was, by its number; None where it is no step of several. Those behind it were
    not sent, but for what is in `delivered`."""


class Changed(NamedTuple):
    """What is sent in place of the original."""

    key: bytes | None
    value: bytes | None
    at: float
    author: Author
    note: str = ""


Fact = Ended | Attempted | Changed
Identity = tuple[str | int | None, ...]
"""Of an event: equal for two letters of one event."""


class ParsedResolution(NamedTuple):
    """A record of the resolutions topic, understood."""

    kind: ResolutionKind
    identity: Identity
    fact: Fact
    topic_id: str
    """Of the dead-letter topic it speaks of; empty where the brokers did not say."""
    record_sha256: str


def identity(letter: Letter) -> Identity:
    """What a letter's records are keyed by."""
    origin = letter.origin
    if origin is None:
        return ("at", letter.place.partition, letter.place.offset)
    topic, partition, offset, timestamp_ms, group = origin
    return ("of", group, topic, partition, offset, timestamp_ms, _which(letter))


def _which(letter: Letter) -> int:
    """Of the record's events: one by its number; -1 all of them; -2 and below all of an element's."""
    if letter.is_whole_record:
        return -1
    return -2 - (letter.element or 0) if letter.is_whole_element else letter.output


def record_sha256(letter: Letter) -> str:
    """Of the original's key and value: what a record of this topic spoke of can be told from what is there now."""
    digest = hashlib.sha256()
    for part in (letter.key, letter.value):
        digest.update(b"-" if part is None else b"%d:" % len(part) + part)
    return digest.hexdigest()


def key_of(kind: ResolutionKind, letter: Letter) -> bytes:
    """The key of the letter's record of this kind."""
    return orjson.dumps([kind.value, *identity(letter)])


def kind_of(fact: Fact) -> ResolutionKind:
    """Under which kind of key it is stored."""
    if isinstance(fact, Ended):
        return ResolutionKind.ENDED
    return ResolutionKind.ATTEMPT if isinstance(fact, Attempted) else ResolutionKind.CHANGE


def encode(fact: Fact, letter: Letter, topic_id: str) -> tuple[bytes, bytes]:
    """Key and value of the record to write."""
    document: dict[str, Any] = {
        "version": VERSION,
        "kind": _KINDS[fact.ending] if isinstance(fact, Ended) else _NAMES[kind_of(fact)],
        "letter": str(letter.place),
        "origin": None if letter.origin is None else str(letter.origin),
        "output": None if letter.is_whole_record else letter.output,
        "dead_letter_topic_id": topic_id,
        "record_sha256": record_sha256(letter),
        "at": round(fact.at, 3),
        "by": {"command": fact.author.command, "user": fact.author.user, "host": fact.author.host},
    }
    if isinstance(fact, Ended):
        document |= {"reason": fact.reason, "status": fact.status, "request_sha256": fact.request_sha256}
    elif isinstance(fact, Attempted):
        document |= {
            "failures": fact.failures,
            "delivered": list(fact.delivered),
            "reason": fact.reason,
            "message": fact.message,
            "status": fact.status,
            "error_code": fact.error_code,
            "route_hash": fact.route_hash,
            **({} if fact.kind is None else {"kind_of_request": fact.kind}),
            **({} if fact.event is None else {"event": fact.event}),
        }
    else:
        document |= {"key": _text(fact.key), "value": _text(fact.value), "note": fact.note}
    return key_of(kind_of(fact), letter), orjson.dumps(document)


_KINDS: Final = {Ending.REPLAYED: "replayed", Ending.DISCARDED: "discarded"}
_NAMES: Final = {ResolutionKind.ATTEMPT: "failed_again", ResolutionKind.CHANGE: "changed"}


def decode(key: bytes | None, value: bytes | None) -> ParsedResolution | None:
    """None for what this version cannot read: foreign, damaged or newer records decide nothing.

    Everything is taken for what `encode` writes and for nothing near it, because what is returned here is used as a
    key, compared with numbers, and printed.
    """
    found = forgotten(key)
    if found is None or value is None:
        return None
    kind, name = found
    try:
        document = orjson.loads(value)
        if type(document) is not dict or document["version"] != VERSION:
            return None
        fact = _fact(kind, document)
        return ParsedResolution(
            kind, name, fact, _text_in(document, "dead_letter_topic_id"), _text_in(document, "record_sha256")
        )
    except (ValueError, LookupError):
        return None


def forgotten(key: bytes | None) -> tuple[ResolutionKind, Identity] | None:
    """The kind and the event that a key names: what a record without a value takes back. None: foreign or newer."""
    try:
        parts = orjson.loads(key or b"")
    except ValueError:
        return None
    if type(parts) is not list or len(parts) < 2 or type(parts[0]) is not str or parts[0] not in _KIND_NAMES:
        return None
    name = tuple(parts[1:])
    return (ResolutionKind(parts[0]), name) if _is_identity(name) else None


_KIND_NAMES: Final = frozenset(ResolutionKind)


def _is_identity(name: tuple[object, ...]) -> bool:
    """Whether `identity` makes such a one. By exact type: true, 1 and 1.0 are equal keys, and would be taken for one
    another's letters.
    """
    types = tuple(type(each) for each in name)
    if name[0] == "at":
        return types == (str, int, int)
    if name[0] == "of":
        return types in ((str, str, str, int, int, int, int), (str, str, str, int, int, type(None), int))
    return False


_LAST_MOMENT: Final = 253_402_300_800.0
"""Unix seconds of the year 10,000, which no calendar here can show."""


def _fact(kind: ResolutionKind, document: dict[str, Any]) -> Fact:
    """Raises `ValueError` or `LookupError` for anything else than `encode` writes."""
    by, at = document["by"], document["at"]
    if type(by) is not dict or type(at) not in (int, float) or not 0 <= at < _LAST_MOMENT:
        raise ValueError
    author = Author(_text_in(by, "command"), _text_in(by, "user"), _text_in(by, "host"))
    if kind is ResolutionKind.ENDED:
        return Ended(
            Ending(_text_in(document, "kind")),
            float(at),
            author,
            _text_or_none(document, "reason"),
            _number_or_none(document, "status"),
            _text_or_none(document, "request_sha256"),
        )
    if kind is ResolutionKind.ATTEMPT:
        delivered = document["delivered"]
        if type(delivered) is not list:
            raise ValueError
        return Attempted(
            _count(document["failures"]),
            tuple(_count(each) for each in delivered),
            float(at),
            author,
            _text_or_none(document, "reason"),
            _text_or_none(document, "message"),
            _number_or_none(document, "status"),
            _text_or_none(document, "error_code"),
            _text_or_none(document, "route_hash"),
            _text_or_none(document, "kind_of_request"),
            _number_or_none(document, "event"),
        )
    if not {"key", "value"} <= document.keys():
        raise LookupError
    return Changed(
        _bytes(_text_or_none(document, "key")),
        _bytes(_text_or_none(document, "value")),
        float(at),
        author,
        _text_or_none(document, "note") or "",
    )


def _text_in(document: dict[str, Any], name: str) -> str:
    found = document[name]
    if type(found) is not str:
        raise ValueError
    return found


def _text_or_none(document: dict[str, Any], name: str) -> str | None:
    found = document.get(name)
    if found is not None and type(found) is not str:
        raise ValueError
    return found


def _number_or_none(document: dict[str, Any], name: str) -> int | None:
    found = document.get(name)
    return None if found is None else _count(found)


def _count(found: object) -> int:
    if type(found) is not int or found < 0:
        raise ValueError
    return found


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
