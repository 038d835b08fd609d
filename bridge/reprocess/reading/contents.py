"""What is inside a letter, as the present mapping reads it: its event type, its users, its value."""

from __future__ import annotations

from typing import Any, NamedTuple

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.decode.protocol import EXACT, FAST
from bridge.formats.letters import Letter
from bridge.mapping.expressions.scope import InexactNumberError
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.explain import explain
from bridge.model import COMPANY, Record, Request, SchemaNeeded
from bridge.reprocess.reading.ledger import LetterStanding

ANY_AGE = float("nan")
"""As the mapping's "now": no event is too old."""


def current(letter: Letter, standing: LetterStanding) -> Record | None:
    """The record as a replay maps it: the original, or what somebody made of it by hand. None without an origin."""
    record = letter.record()
    if record is None or standing.changed is None:
        return record
    return record._replace(key=standing.changed.key, value=standing.changed.value)


def event_type(mapping: CompiledMapping, record: Record) -> str | None:
    """None where it cannot be read."""
    return explain(mapping, record, ANY_AGE).event_type


def users(mapping: CompiledMapping, record: Record) -> frozenset[str]:
    """Those its events are of, with ``company:<id>`` for what is of a company; none where it becomes no event."""
    return frozenset(each.user_id for each in _requests(mapping, record))


def user(mapping: CompiledMapping, record: Record) -> str | None:
    """One of them, to name the record by: a company only where nothing is of a user."""
    found = [(each.kind is COMPANY, each.user_id) for each in _requests(mapping, record)]
    return min(found)[1] if found else None


def _requests(mapping: CompiledMapping, record: Record) -> list[Request]:
    return [outcome for outcome in mapping.map_all(record, ANY_AGE) if isinstance(outcome, Request)]


def schema_needed(mapping: CompiledMapping, record: Record | None) -> str | None:
    """Which schema has to be looked up before the mapping can make anything of the record, see `SchemaNeeded`."""
    outcome = None if record is None else mapping.map(record, ANY_AGE)[0]
    return outcome.reference if isinstance(outcome, SchemaNeeded) else None


class Legible(NamedTuple):
    """A value as people and redaction can read it."""

    text: bytes | None
    """JSON where it can be made of it, else the bytes as they are."""
    is_decoded: bool = False
    """Whether the bytes are something else: Avro, Protobuf, layers around JSON."""
    why_not: str | None = None
    """Why it is neither JSON nor could be decoded."""


def legible(mapping: CompiledMapping, record: Record | None, content: bytes | None) -> Legible:
    """The value of a letter, or what it was corrected to; `record` is None where its topic is not known."""
    if content is None or record is None or _looks_like_json(content):
        return Legible(content)
    topic, given = mapping.topic(record.topic), record._replace(value=content)
    try:
        decoded = topic.whole(given)
        if isinstance(decoded, dict | list) and topic.attributes(given) is None:
            return Legible(exact_json.encoded(decoded), is_decoded=True)
        return Legible(content)
    except MappingError as failure:
        return Legible(content, why_not=failure.message)
    except (InexactNumberError, RecursionError, TypeError):
        return Legible(content)


def _looks_like_json(content: bytes) -> bool:
    return content[:1] in {b"{", b"["} and content.rstrip()[-1:] in {b"}", b"]"}


def value(mapping: CompiledMapping, record: Record) -> dict[str, Any] | None:
    """The decoded value that expressions see; None where it cannot be decoded."""
    if record.value is None:
        return None
    topic = mapping.topic(record.topic)
    try:
        # A selection compares numbers: those that the fast decoder would round are read as written.
        how = EXACT if exact_json.may_be_inexact(record.value) else FAST
        decoded = topic.decode(record, topic.attributes(record), how)
    except (MappingError, InexactNumberError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None
