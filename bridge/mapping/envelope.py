"""From bytes to the decoded value: always a JSON object, for plain JSON and both kinds of CloudEvents."""

from __future__ import annotations

from typing import Any, Final, Literal

import orjson

from bridge.mapping import cloud_events, exact_json
from bridge.mapping.failures import kind, undecodable
from bridge.mapping.framing import recognise, unframed
from bridge.model import Record

Decode = Literal["auto", "json", "cloudevents"]

_BEYOND_DOUBLE: Final = "number is infinity"
"""orjson refuses a number such as 1e400, which is JSON; the slow decoder keeps it for whoever maps it."""


def decode_value(record: Record, mode: Decode, *, exact: bool = False) -> dict[str, Any]:
    """The object that expressions see; `exact` keeps every number as written. Raises for undecodable bytes.

    Not for binary CloudEvents: see `decode_data`.
    """
    raw = record.value
    try:
        # Nearly every record; whatever is special about the others is looked into afterwards.
        value = orjson.loads(raw) if raw and not exact else decode_json(record, exact=exact)
    except orjson.JSONDecodeError:
        value = decode_json(record, exact=exact)
    if value.__class__ is not dict:
        raise undecodable(f"the value is {kind(value)}; a JSON object is needed")
    if mode == "json":
        return value
    stated = mode == "cloudevents" or (bool(record.headers) and cloud_events.is_structured(record.headers))
    if stated:
        cloud_events.check_structured(value)
    if "specversion" in value and (stated or cloud_events.looks_structured(value)):
        data = cloud_events.embedded(value)
        if data is not None:
            value["data"] = _loads(data, record, exact=exact)
    return value


def decode_data(record: Record, attributes: dict[str, Any], *, exact: bool = False) -> dict[str, Any]:
    """The object that expressions see of a binary CloudEvent: its attributes, and its data under ``data``."""
    media = attributes.get("datacontenttype", "")
    if cloud_events.is_json(media):
        attributes["data"] = decode_json(record, exact=exact)
    elif media.startswith("text/"):
        attributes["data"] = _text(record.value or b"")
    else:
        raise undecodable(f"the CloudEvent's data is {media}; JSON is needed")
    return attributes


def decode_json(record: Record, *, exact: bool = False) -> Any:
    """The record's value, decoded."""
    raw = record.value or b""
    if raw and raw[0] == 0:
        raw = unframed(raw)
    return _loads(raw, record, exact=exact)


def _loads(raw: bytes, record: Record, *, exact: bool) -> Any:
    if exact:
        return exact_json.loads(raw)
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if error.msg.startswith(_BEYOND_DOUBLE):
            return exact_json.loads(raw)
        raise undecodable(_explain(raw, record, error)) from None


def _explain(raw: bytes, record: Record, error: orjson.JSONDecodeError) -> str:
    """What the bytes are instead, if that is known, else what the decoder says and the byte where it stopped."""
    recognised = recognise(raw, record.headers)
    if recognised is not None:
        return f"the value {recognised}"
    framing = len(record.value or b"") - len(raw) if (record.value or b"").endswith(raw) else 0
    try:
        # The decoder counts characters; a byte is what an operator can find in the record.
        offset = len(raw.decode()[: error.pos].encode())
    except UnicodeDecodeError as broken:
        return f"the value is not UTF-8: the byte at offset {broken.start + framing} belongs to no character"
    reason = error.msg.partition(": line")[0]
    return f"the value is not JSON: {reason} at byte {offset + framing}"


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise undecodable(f"the CloudEvent's data is not UTF-8 text: byte {error.start}") from None
