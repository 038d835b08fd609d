"""From bytes to the decoded value: a JSON object, for plain JSON and both kinds of CloudEvents; nothing for null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal

import orjson

from bridge.decode import cloud_events, exact_json, plain_text
from bridge.decode.failures import kind, undecodable, unmappable
from bridge.decode.framing import recognise, recognise_plain, unframed
from bridge.model import Header, Record

Decode = Literal["auto", "json", "cloudevents"]

_LARGE: Final = exact_json.LARGE
_MORE: Final = "unexpected content after document"


def decode_value(record: Record, mode: Decode, *, exact: bool = False) -> dict[str, Any] | None:
    """The object that expressions see; `exact` keeps every number as written. None for ``null`` written as JSON.

    Raises for undecodable bytes. Not for binary CloudEvents: see `decode_data`.
    """
    raw = record.value
    try:
        # Nearly every record; whatever is special about the others is looked into afterwards.
        value = orjson.loads(raw) if raw and not exact and len(raw) < _LARGE else decode_json(record, exact=exact)
    except orjson.JSONDecodeError:
        value = decode_json(record, exact=exact)
    if value.__class__ is not dict:
        if value is None:
            return None
        what = (recognise_plain(value) if value.__class__ is str else None) or kind(value)
        raise undecodable(f"the value is {what}; a JSON object is needed")
    if mode == "json":
        return value
    stated = mode == "cloudevents" or (bool(record.headers) and cloud_events.is_structured(record.headers))
    if stated:
        cloud_events.check_structured(value)
    if "specversion" in value and (stated or cloud_events.looks_structured(value)):
        data = cloud_events.embedded(value)
        if data is not None:
            # Its digits do not stand in the record's bytes, where whoever needs exact numbers looks for long ones.
            value["data"] = _loads(data, record, exact=exact or exact_json.may_be_inexact(data))
    return value


def decode_data(record: Record, attributes: dict[str, Any], *, exact: bool = False) -> dict[str, Any]:
    """The object that expressions see of a binary CloudEvent: its attributes, and under ``data`` its data, if any."""
    if not record.value:
        return attributes
    media = attributes.get("datacontenttype", "")
    if cloud_events.is_json(media):
        attributes["data"] = decode_json(record, exact=exact)
    elif media.startswith("text/"):
        attributes["data"] = _text(record.value)
    else:
        raise undecodable(f"the CloudEvent's data is {media}; JSON is needed")
    return attributes


def decode_json(record: Record, *, exact: bool = False) -> Any:
    """The record's value, decoded."""
    raw = record.value or b""
    if raw and raw[0] == 0:
        raw = unframed(raw)
    return _loads(raw, record, exact=exact)


def decode_key(key: bytes, headers: Sequence[Header], *, exact: bool) -> Any:
    """A key, decoded as JSON."""
    try:
        return exact_json.decode(unframed(key), exact=exact)
    except orjson.JSONDecodeError:
        form = plain_text.form_of(key, headers) if plain_text.text_of(key) is None else None
        raise unmappable(f"key is {f'{form}, ' if form else ''}not JSON, which key:PATH needs") from None


def _loads(raw: bytes, record: Record, *, exact: bool) -> Any:
    try:
        return exact_json.decode(raw, exact=exact)
    except orjson.JSONDecodeError as error:
        raise undecodable(_explain(raw, record, error)) from None


def _explain(raw: bytes, record: Record, error: orjson.JSONDecodeError) -> str:
    """What the bytes are instead, if that is known, else what the decoder says and the byte where it stopped."""
    if not raw:
        return "the value is empty; JSON is needed"
    if raw.startswith(b"\xef\xbb\xbf"):
        return "the value starts with a UTF-8 byte order mark; JSON has none"
    recognised = recognise(raw, record.headers)
    if recognised is not None:
        return f"the value is {recognised}, not JSON"
    framing = len(record.value or b"") - len(raw) if (record.value or b"").endswith(raw) else 0
    try:
        # The decoder counts characters; a byte is what an operator can find in the record.
        offset = len(raw.decode()[: error.pos].encode())
    except UnicodeDecodeError as broken:
        return f"the value is not UTF-8: the byte at offset {broken.start + framing} belongs to no character"
    reason = error.msg.partition(": line")[0]
    if reason.startswith(_MORE) and raw[:offset].rstrip(b" \t\r").endswith(b"\n"):
        second = offset + framing
        return f"the value is several JSON documents, one per line (NDJSON), not one: the second is at byte {second}"
    return f"the value is not JSON: {reason} at byte {offset + framing}"


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise undecodable(f"the CloudEvent's data is not UTF-8 text: byte {error.start}") from None
