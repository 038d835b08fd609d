"""What became of a dead letter, as records of the compacted topic beside the dead-letter topic.

Three kinds of records, each with a key of its own, so that none of them can undo another:

``ended``    replayed or discarded, and by whom. There is no way back from it.
``attempt``  replays that failed, counted, and which events of a whole record were already accepted.
``change``   a key and value corrected by hand, which replays send in place of the original's.

A key names the event (its origin and which of the record's events), so that two letters of one event share it; where
no header says the origin, it names the letter's place. The record stands in the partition of the letter's number.
schemas/resolution.schema.json describes the values.
"""

from __future__ import annotations

import base64
import binascii
import enum
import hashlib
from typing import Any, Final, NamedTuple

import orjson

from bridge.reprocess.letters import Letter

VERSION: Final = 1


class Kind(enum.StrEnum):
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
    """``bridge dlq replay``"""
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


class Written(NamedTuple):
    """A record of the resolutions topic, understood."""

    kind: Kind
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
    return ("of", group, topic, partition, offset, timestamp_ms, -1 if letter.is_whole_record else letter.output)


def record_sha256(letter: Letter) -> str:
    """Of the original's key and value: what a record of this topic spoke of can be told from what stands there now."""
    digest = hashlib.sha256()
    for part in (letter.key, letter.value):
        digest.update(b"-" if part is None else b"%d:" % len(part) + part)
    return digest.hexdigest()


def key_of(kind: Kind, letter: Letter) -> bytes:
    """The key of the letter's record of this kind."""
    return orjson.dumps([kind.value, *identity(letter)])


def kind_of(fact: Fact) -> Kind:
    """Under which kind of key it stands."""
    if isinstance(fact, Ended):
        return Kind.ENDED
    return Kind.ATTEMPT if isinstance(fact, Attempted) else Kind.CHANGE


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
        }
    else:
        document |= {"key": _text(fact.key), "value": _text(fact.value), "note": fact.note}
    return key_of(kind_of(fact), letter), orjson.dumps(document)


_KINDS: Final = {Ending.REPLAYED: "replayed", Ending.DISCARDED: "discarded"}
_NAMES: Final = {Kind.ATTEMPT: "failed_again", Kind.CHANGE: "changed"}


def decode(key: bytes | None, value: bytes | None) -> Written | None:
    """None for what this version cannot read: foreign, damaged or newer records decide nothing."""
    if key is None or value is None:
        return None
    try:
        parts, document = orjson.loads(key), orjson.loads(value)
        if document["version"] != VERSION:
            return None
        kind = Kind(parts[0])
        fact = _fact(kind, document)
        return Written(
            kind, tuple(parts[1:]), fact, str(document["dead_letter_topic_id"]), str(document["record_sha256"])
        )
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError, binascii.Error):
        return None


def forgotten(key: bytes | None) -> tuple[Kind, Identity] | None:
    """What a record without a value takes back; None for a key this version cannot read."""
    try:
        parts = orjson.loads(key or b"")
        return Kind(parts[0]), tuple(parts[1:])
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError):
        return None


def _fact(kind: Kind, document: dict[str, Any]) -> Fact:
    by = document["by"]
    author, at = Author(str(by["command"]), str(by["user"]), str(by["host"])), float(document["at"])
    if kind is Kind.ENDED:
        return Ended(
            Ending(document["kind"]),
            at,
            author,
            document.get("reason"),
            document.get("status"),
            document.get("request_sha256"),
        )
    if kind is Kind.ATTEMPT:
        return Attempted(
            int(document["failures"]),
            tuple(int(each) for each in document["delivered"]),
            at,
            author,
            document.get("reason"),
            document.get("message"),
            document.get("status"),
            document.get("error_code"),
            document.get("route_hash"),
        )
    return Changed(_bytes(document["key"]), _bytes(document["value"]), at, author, str(document.get("note") or ""))


def _text(content: bytes | None) -> str | None:
    return None if content is None else base64.b64encode(content).decode("ascii")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
