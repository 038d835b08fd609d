"""What bytes are that are not plain JSON, or not text: schema-registry framing, and a name for all that is recognised.

Names are what fits into "the value is NAME, not JSON" and "key is NAME, not text". They show nothing of what is inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Final

from bridge.model import Header

_CONFLUENT: Final = 5
"""Magic byte 0 and a schema id of four bytes: Confluent's wire format."""
_APICURIO: Final = 9
"""The same with an id of eight bytes, as Apicurio Registry's older clients write it."""

SCHEMA_HEADER: Final = "__value_schema_id"
"""Where newer Confluent serializers put the schema's id instead: magic byte 1 and a GUID of 16 bytes."""
KEY_SCHEMA_HEADER: Final = "__key_schema_id"
"""The same for the key."""

_LOOKED_AT: Final = 1024
"""Bytes from the beginning that are enough to tell forms apart: what a record costs does not grow with its size."""

_GZIP: Final = b"\x1f\x8b"
_SIGNATURES: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32 and not UTF-8"),
    (b"\x00\x00\xfe\xff", "UTF-32 and not UTF-8"),
    (b"\xff\xfe", "UTF-16 and not UTF-8"),
    (b"\xfe\xff", "UTF-16 and not UTF-8"),
    (b"Obj\x01", "an Avro object container file"),
    (b"\xc3\x01", "Avro in single-object encoding"),
    (b"PAR1", "a Parquet file"),
    (_GZIP, "compressed with gzip"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "compressed with snappy"),
    (b"\x82SNAPPY\x00", "compressed with snappy"),
    (b"BZh", "compressed with bzip2"),
    (b"\xfd7zXZ\x00", "compressed with xz"),
    (b"x\x01", "compressed with zlib"),
    (b"x\x9c", "compressed with zlib"),
    (b"x\xda", "compressed with zlib"),
    (b"PK\x03\x04", "a zip file"),
    (b"\xac\xed\x00\x05", "a serialized Java object"),
    (b"\x80\x04\x95", "a Python pickle"),
    (b"\x80\x05\x95", "a Python pickle"),
    (b"\xd9\xd9\xf7", "CBOR"),
    (b":)\n", "Smile, a binary form of JSON"),
)

_XML: Final = re.compile(rb"\s*<(?:\?xml|!DOCTYPE|!--|[A-Za-z_][\w.:-]*[\s/>])", re.IGNORECASE)
_FORM: Final = re.compile(rb"[\w.%+\[\]~*-]+=[\w.%+~*:/@!$'(),;-]*(?:&[\w.%+\[\]~*-]+=[\w.%+~*:/@!$'(),;-]*)*&?\s*")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}\s*")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


def unframed(raw: bytes) -> bytes:
    """What follows schema-registry framing, where that can be a JSON object, array or null; else `raw` itself."""
    if not raw or raw[0] != 0:
        return raw
    for length in (_CONFLUENT, _APICURIO):
        payload = raw[length:]
        if payload.lstrip(b" \t\r\n")[:1] in {b"{", b"["} or payload.strip(b" \t\r\n") == b"null":
            return payload
    return raw


def recognise(raw: bytes, headers: Sequence[Header], schema_header: str = SCHEMA_HEADER) -> str | None:
    """The name of what the bytes are instead of JSON; None where nothing is recognised."""
    for signature, name in _SIGNATURES:
        if raw.startswith(signature):
            return name
    if raw[:1] not in {b"{", b"["} and any(name == schema_header for name, _ in headers):
        return f"{_format(raw)} whose schema id is in the header {schema_header}"
    if raw[:1] == b"\x00":
        return _recognise_zero(raw)
    if raw[:2] in {b"{\x00", b"[\x00"}:
        return "UTF-16 or UTF-32 and not UTF-8"
    return _recognise_packed(raw) or _recognise_text(raw)


def recognise_plain(text: str) -> str | None:
    """The name of what a text is that stands where an object was needed: an encoding that nobody undid."""
    content = text[:_LOOKED_AT].lstrip()
    if content[:1] in {"{", "["}:
        return "a string that holds JSON, encoded twice"
    return "a string that holds base64" if _base64_of(content.encode("utf-8", "replace"), len(text)) else None


def _recognise_zero(raw: bytes) -> str | None:
    """As `recognise`, for a first byte of 0: the mark of schema registries, or half a character of a wide encoding."""
    if raw[1:2] in {b"{", b"["} and raw[2:3] == b"\x00":
        return "UTF-16 and not UTF-8"
    if raw[1:3] == b"\x00\x00" and raw[3:4] in {b"{", b"["}:
        return "UTF-32 and not UTF-8"
    if len(raw) <= _CONFLUENT or unframed(raw) is not raw:
        return None
    schema = int.from_bytes(raw[1:_CONFLUENT])
    return f"{_format(raw[_CONFLUENT:])} behind schema-registry framing (schema id {schema})"


def _recognise_packed(raw: bytes) -> str | None:
    """Maps in MessagePack, CBOR and BSON: a first byte that no JSON begins with, then a key that is a text."""
    first = raw[0] if raw else 0
    if 0x81 <= first <= 0x8F and _is_text(raw[1:2], 0xA1, 0xBF, raw[2:]):
        return "MessagePack"
    if first == 0xDE and _is_text(raw[3:4], 0xA1, 0xBF, raw[4:]):
        return "MessagePack"
    if (0xA1 <= first <= 0xB7 or first == 0xBF) and _is_text(raw[1:2], 0x61, 0x77, raw[2:]):
        return "CBOR"
    if len(raw) > 5 and int.from_bytes(raw[:4], "little") == len(raw) and raw[-1] == 0:
        return "BSON"
    return None


def _is_text(length: bytes, shortest: int, longest: int, following: bytes) -> bool:
    """Whether a length byte of that range is followed by so many printable characters."""
    if not length or not shortest <= length[0] <= longest:
        return False
    size = length[0] - shortest + 1
    return len(following) >= size and following[:size].isascii() and following[:size].decode("ascii").isprintable()


def _recognise_text(raw: bytes) -> str | None:
    """Forms that are text themselves."""
    beginning = raw[:_LOOKED_AT]
    if _XML.match(beginning):
        return "XML or HTML"
    inside = _base64_of(beginning, len(raw))
    if inside is not None:
        return inside
    if b"=" in beginning and _FORM.fullmatch(_whole_words(beginning, len(raw))):
        return "form data (name=value&…)"
    return None


def _whole_words(beginning: bytes, size: int) -> bytes:
    """Without what was cut off in the middle."""
    return beginning if len(beginning) == size else beginning.rpartition(b"&")[0]


def _base64_of(beginning: bytes, size: int) -> str | None:
    """Base64 by its alphabet, and by what is inside where that is told by its first bytes."""
    piece = beginning[: len(beginning) // 4 * 4] if len(beginning) < size else beginning
    if _BASE64.fullmatch(piece) is None:
        return None
    letters = piece.strip().translate(_URL_SAFE)
    try:
        content = base64.b64decode(letters + b"=" * (-len(letters) % 4), validate=True)
    except binascii.Error:
        return None
    if content.lstrip()[:1] in {b"{", b"["} and content[:64].isascii():
        return "base64 of JSON"
    for signature, name in _SIGNATURES:
        if (len(signature) > 2 or signature == _GZIP) and content.startswith(signature):
            return f"base64 of what is {name}"
    is_mixed = letters.lower() != letters and letters.upper() != letters and not letters.isalpha()
    return "what looks like base64" if is_mixed and len(letters) % 4 == 0 and len(letters) >= 16 else None


def _format(payload: bytes) -> str:
    """Avro has no marks of its own; Protobuf comes after a list of message indexes and has fields that add up."""
    if len(payload) > 1 and payload[:1] == payload[-1:] == b'"':
        return "a JSON string"
    return "Protobuf" if _is_protobuf(payload) else "Avro"


def _is_protobuf(payload: bytes) -> bool:
    beginning = payload[:_LOOKED_AT]
    count, position = _varint(beginning, 0)
    indexes = _unzigzag(count)
    if not 0 <= indexes <= 16:
        return False
    for _ in range(indexes):
        _, position = _varint(beginning, position)
    return 0 < position < len(payload) and _has_whole_fields(beginning, position, len(payload))


def _has_whole_fields(beginning: bytes, position: int, size: int) -> bool:
    """Whether Protobuf fields follow each other up to the very end, or beyond what is looked at."""
    while 0 < position < len(beginning):
        tag, position = _varint(beginning, position)
        if position == 0:
            break
        match tag & 7:
            case 0:
                _, position = _varint(beginning, position)
            case 1:
                position += 8
            case 2:
                length, position = _varint(beginning, position)
                position += length if position else 0
            case 5:
                position += 4
            case _:
                return False
        if tag >> 3 == 0:
            return False
    if size <= len(beginning):
        return position == size
    # A number that the end of the beginning cuts in two reads as none.
    return position == 0 or position <= size


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
