"""Bytes that are not plain JSON: schema-registry framing, and a name for whatever else is recognised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from bridge.model import Header

_CONFLUENT: Final = 5
"""Magic byte 0 and a schema id of four bytes: Confluent's wire format."""
_APICURIO: Final = 9
"""The same with an id of eight bytes, as Apicurio Registry's older clients write it."""

SCHEMA_HEADER: Final = "__value_schema_id"
"""Where newer Confluent serializers put the schema's id instead: magic byte 1 and a GUID of 16 bytes."""

_SIGNATURES: Final = (
    (b"\xef\xbb\xbf", "starts with a UTF-8 byte order mark; JSON has none"),
    (b"\xff\xfe\x00\x00", "is UTF-32, not UTF-8"),
    (b"\x00\x00\xfe\xff", "is UTF-32, not UTF-8"),
    (b"\xff\xfe", "is UTF-16, not UTF-8"),
    (b"\xfe\xff", "is UTF-16, not UTF-8"),
    (b"Obj\x01", "is an Avro object container file, not JSON"),
    (b"\xc3\x01", "is Avro in single-object encoding, not JSON"),
    (b"\x1f\x8b", "is gzip-compressed, not JSON"),
    (b"\x28\xb5\x2f\xfd", "is zstd-compressed, not JSON"),
    (b"\xac\xed\x00\x05", "is a serialized Java object, not JSON"),
)


def unframed(raw: bytes) -> bytes:
    """What follows schema-registry framing, where that can be a JSON object or array; else `raw` itself."""
    if not raw or raw[0] != 0:
        return raw
    for length in (_CONFLUENT, _APICURIO):
        payload = raw[length:]
        if payload.lstrip(b" \t\r\n")[:1] in {b"{", b"["}:
            return payload
    return raw


def recognise(raw: bytes, headers: Sequence[Header]) -> str | None:
    """What the bytes are instead of JSON, as the end of a sentence; None where nothing is recognised."""
    if not raw:
        return "is empty; JSON is needed"
    for signature, what in _SIGNATURES:
        if raw.startswith(signature):
            return what
    if raw[0] not in b"{[" and any(name == SCHEMA_HEADER for name, _ in headers):
        return f"is {_format(raw)} whose schema id is in the header {SCHEMA_HEADER}, not JSON"
    if raw[0] == 0:
        return _recognise_zero(raw)
    if raw[:2] in {b"{\x00", b"[\x00"}:
        return "is UTF-16 or UTF-32, not UTF-8"
    return None


def _recognise_zero(raw: bytes) -> str | None:
    """As `recognise`, for a first byte of 0: the mark of schema registries, or half a character of a wide encoding."""
    if raw[1:2] in {b"{", b"["} and raw[2:3] == b"\x00":
        return "is UTF-16, not UTF-8"
    if raw[1:3] == b"\x00\x00" and raw[3:4] in {b"{", b"["}:
        return "is UTF-32, not UTF-8"
    if len(raw) <= _CONFLUENT or unframed(raw) is not raw:
        return None
    schema = int.from_bytes(raw[1:_CONFLUENT])
    return f"is {_format(raw[_CONFLUENT:])} behind schema-registry framing (schema id {schema}), not JSON"


def _format(payload: bytes) -> str:
    """Avro has no marks of its own; Protobuf comes after a list of message indexes and has fields that add up."""
    return "Protobuf" if _is_protobuf(payload) else "Avro"


def _is_protobuf(payload: bytes) -> bool:
    count, position = _varint(payload, 0)
    indexes = _unzigzag(count)
    if not 0 <= indexes <= 16:
        return False
    for _ in range(indexes):
        _, position = _varint(payload, position)
    return 0 < position < len(payload) and _has_whole_fields(payload, position)


def _has_whole_fields(payload: bytes, position: int) -> bool:
    """Whether Protobuf fields follow each other up to the very end."""
    while 0 < position < len(payload):
        tag, position = _varint(payload, position)
        match tag & 7:
            case 0:
                _, position = _varint(payload, position)
            case 1:
                position += 8
            case 2:
                length, position = _varint(payload, position)
                position += length
            case 5:
                position += 4
            case _:
                return False
        if tag >> 3 == 0:
            return False
    return position == len(payload)


def _varint(payload: bytes, position: int) -> tuple[int, int]:
    """A number and the position after it; position 0 where there is none."""
    number = shift = 0
    for place in range(position, min(position + 10, len(payload))):
        number |= (payload[place] & 0x7F) << shift
        if payload[place] < 0x80:
            return number, place + 1
        shift += 7
    return 0, 0


def _unzigzag(number: int) -> int:
    return (number >> 1) ^ -(number & 1)
