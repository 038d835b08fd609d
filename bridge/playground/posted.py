"""A record that somebody posts: a plain value, or a whole record with its key and headers. Pure."""

from __future__ import annotations

import base64
import json
from typing import Any, Final

from pydantic import ValidationError

from bridge.config.events.example_section import RecordExample
from bridge.config.reading import translate
from bridge.decode import exact_json
from bridge.decode.failures import MappingError
from bridge.errors import InvalidError
from bridge.inputs.records import kcat_record
from bridge.mapping.review.examples import record_of
from bridge.sandbox.sample import SampleRecord

EMPTY: Final = (
    'The body is empty: POST a record\'s value, such as curl -d \'{"type":"order.completed"}\', or a file:'
    ' curl --data-binary @FILE. A tombstone is {"topic":"NAME","value":null}.'
)
_VALUES: Final = frozenset({"value", "value_base64"})


def record(topic: str, body: bytes, key: bytes | None = None) -> SampleRecord:
    """What goes into `topic`: what `kcat -J` wrote of a record, or a whole record as `map --record` reads it, with its
    key and headers; anything else is a value, byte for byte. `key` counts above the record's own.

    Raises `InvalidError`, with a sentence, for an empty body and for a whole record with a mistake.
    """
    if not body.strip():
        raise InvalidError(EMPTY)
    found = kcat_record(body, topic)
    if found is None and (document := _whole(body)) is not None:
        try:
            found = record_of(RecordExample.model_validate(document))
        except ValidationError as error:
            wrong = "; ".join(translate.sentences(error, unknown="is no part of a record"))
            raise InvalidError(f"This is no whole record: {wrong}.") from None
        except ValueError as error:
            raise InvalidError(f"This is no whole record: {error}.") from None
    if found is None:
        return SampleRecord(topic, key, body)
    return SampleRecord(topic, found.key if key is None else key, found.value, tuple(found.headers))


def written(record: SampleRecord) -> bytes:
    """The body that becomes this record."""
    value = record.value
    if value is not None and value.strip() and record.key is None and not record.headers and not _is_a_record(value):
        return value
    whole: dict[str, Any] = {"topic": record.topic}
    if record.key is not None:
        whole["key_base64"] = base64.b64encode(record.key).decode()
        if (text := _text(record.key)) is not None:
            whole["key"] = text
            del whole["key_base64"]
    headers = {name: text for name, held in record.headers if (text := _text(held or b"")) is not None}
    whole |= {"headers": headers} if headers else {}
    if value is None:
        return json.dumps({**whole, "value": None}, ensure_ascii=False).encode()
    try:
        read = exact_json.read(value)
    except (ValueError, MappingError):
        read = None
    if read is None:
        return json.dumps({**whole, "value_base64": base64.b64encode(value).decode()}, ensure_ascii=False).encode()
    return exact_json.encoded({**whole, "value": read})


def _is_a_record(value: bytes) -> bool:
    return kcat_record(value, None) is not None or _whole(value) is not None


def _whole(body: bytes) -> dict[str, Any] | None:
    """An object with a topic, a value and no member that a record has not; an event has others, too."""
    if b'"topic"' not in body:
        return None
    try:
        found = exact_json.read(body)
    except (ValueError, MappingError):
        return None
    if type(found) is not dict or not found.keys() <= RecordExample.model_fields.keys():
        return None
    return found if "topic" in found and found.keys() & _VALUES else None


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
