"""What is inside a letter, as the present mapping reads it: its event type, its users, its value."""

from __future__ import annotations

from typing import Any

from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.decode.protocol import EXACT, FAST
from bridge.formats.letters import Letter
from bridge.mapping.expressions.scope import InexactNumberError
from bridge.mapping.mapper import CompiledMapping
from bridge.mapping.review.explain import explain
from bridge.model import Record, Request
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
    """Those its events are of; none where it becomes no event."""
    outcomes = mapping.map_all(record, ANY_AGE)
    return frozenset(outcome.user_id for outcome in outcomes if isinstance(outcome, Request))


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
