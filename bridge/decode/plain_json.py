"""JSON, plain or behind the framing of a schema registry: the decoder, and why bytes are none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from bridge.decode import exact_json, plain_text
from bridge.decode.failures import kind, undecodable, unmappable
from bridge.decode.protocol import Attributes, Decode, DecodedRecord, DecodeSettings, FormatSettings, Schemas
from bridge.decode.recognition import form_of_key, form_of_string, form_of_value, unframed
from bridge.model import Header, Record

_LARGE: Final = exact_json.LARGE
MARK: Final = b"\xef\xbb\xbf"
"""The byte order mark of UTF-8: it belongs to the encoding and not to the text."""
_MORE: Final = "unexpected content after document"


def decode(record: Record, _attributes: Attributes | None, settings: DecodeSettings) -> DecodedRecord:
    """See `Decode`: the value is a JSON object."""
    return read_object(record, settings)


def decode_anything(record: Record, _attributes: Attributes | None, settings: DecodeSettings) -> Any:
    """The same of any JSON: something is taken off it, or it is taken apart, before it has to be an object."""
    return read(record, settings)


def make(given: FormatSettings, _schemas: Schemas) -> Decode:
    """See `MakeDecode`."""
    return decode_anything if given.takes_anything else decode


def form(_attributes: Attributes | None, _value: dict[str, Any]) -> str:
    """See `Decoder.form`."""
    return "JSON"


def read_object(record: Record, settings: DecodeSettings) -> DecodedRecord:
    """The record's value; None for ``null`` written as JSON.

    Raises for undecodable bytes, and for JSON that is no object.
    """
    raw = record.value
    try:
        # Nearly every record; whatever is special about the others is looked into afterwards.
        value = orjson.loads(raw) if raw and not settings.exact and len(raw) < _LARGE else read(record, settings)
    except orjson.JSONDecodeError:
        value = read(record, settings)
    if value.__class__ is not dict and value is not None:
        what = (form_of_string(value) if value.__class__ is str else None) or kind(value)
        raise undecodable(f"the value is {what}; a JSON object is needed")
    return value


def read(record: Record, settings: DecodeSettings) -> Any:
    """The record's value, any JSON."""
    raw = record.value or b""
    if raw and raw[0] in b"\0\3":
        raw = unframed(raw)
    raw = raw.removeprefix(MARK)
    return read_bytes(raw, record, exact=settings.exact)


def read_key(key: bytes, headers: Sequence[Header], *, exact: bool) -> Any:
    """A key, decoded as JSON."""
    try:
        return exact_json.decode(unframed(key).removeprefix(MARK), exact=exact)
    except orjson.JSONDecodeError:
        name = form_of_key(key, headers) if plain_text.text_of(key) is None else None
        raise unmappable(f"key is {f'{name}, ' if name else ''}not JSON, which key:PATH needs") from None


def read_bytes(raw: bytes, record: Record, *, exact: bool) -> Any:
    """Bytes that are in a record, or encoded in it; a failure says at which byte of the record, if it is there."""
    try:
        return exact_json.decode(raw, exact=exact)
    except orjson.JSONDecodeError as error:
        raise undecodable(_explain(raw, record, error)) from None


def _explain(raw: bytes, record: Record, error: orjson.JSONDecodeError) -> str:
    """What the bytes are instead, if that is known, else what the decoder says and the byte where it stopped."""
    if not raw:
        return "the value is empty; JSON is needed"
    other = form_of_value(raw, record.headers)
    if other is not None:
        return f"the value is {other}, not JSON"
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
