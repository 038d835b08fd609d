"""A name for what bytes are that are not JSON, or not text, told by their first bytes and by what adds up in them.

What schema registries put in front of a value or beside it is known to `schema_ids`; here it gets a name.
Names fit into "the value is NAME, not JSON" and "key is NAME, not text". They show nothing of what is inside.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from bridge.decode.failures import MappingError
from bridge.decode.schema_ids import APICURIO, CONFLUENT, GLUE, KEY_HEADERS, VALUE_HEADERS, inflated
from bridge.model import Header

_AZURE: Final = re.compile(rb"avro/binary\+([0-9a-fA-F]{32})\s*(?:;.*)?")
"""The media type by which Azure's serializer says where the schema is."""


def unframed(raw: bytes) -> bytes:
    """What follows the framing, where that can be a JSON object, array or null; else `raw` itself."""
    if not raw or raw[0] not in {0, 3}:
        return raw
    payloads = (raw[CONFLUENT:], raw[APICURIO:]) if raw[0] == 0 else _of_glue(raw)
    for payload in payloads:
        if payload.lstrip(b" \t\r\n")[:1] in {b"{", b"["} or payload.strip(b" \t\r\n") == b"null":
            return payload
    return raw


def described(raw: bytes) -> str:
    """The framing of framed bytes, for messages."""
    if raw[:1] == b"\3":
        return f"behind AWS Glue's framing (schema version {UUID(bytes=raw[2:GLUE])})"
    return f"behind schema-registry framing (schema id {int.from_bytes(raw[1:CONFLUENT])})"


def unnamed_schema(what: str, raw: bytes, headers: Sequence[Header]) -> str:
    """The sentence of a value or key (`what`) whose schema was looked for, and nothing says which it is."""
    azure = _azure(headers)
    if azure:
        return f"the {what} is {azure}, which the bridge does not read"
    if not raw:
        return f"the {what} is empty; a schema id and a payload are needed"
    form = _known_form(raw, headers, VALUE_HEADERS)
    form = form or ("what looks like JSON" if raw.lstrip()[:1] in {b"{", b"["} else None)
    names = f"no schema id stands before it (its first byte is {raw[0]:02x}, and not 00) or in a header"
    if raw[0] in {0, 1, 3}:
        names = f"its {len(raw)} bytes begin with {raw[0]:02x} and with no schema id that a registry hands out"
    return f"the {what} names no schema: {f'it is {form}, and ' if form else ''}{names}"


def _of_glue(raw: bytes) -> tuple[bytes, ...]:
    """The payload behind Glue's framing, if it is one."""
    if not _is_glue(raw):
        return ()
    try:
        return (raw[GLUE:] if raw[1] == 0 else inflated(raw),)
    except MappingError:
        return ()


def _is_glue(raw: bytes) -> bool:
    return len(raw) > GLUE and raw[0] == 3 and raw[1] in {0, 5}


def _azure(headers: Sequence[Header]) -> str | None:
    """What Azure's serializer for Event Hubs writes: bare Avro, and its schema in the media type."""
    for name, content in headers:
        if len(name) == 12 and name.lower() == "content-type" and content and (found := _AZURE.match(content)):
            return f"Avro whose schema (id {found[1].decode().lower()}) is in Azure's schema registry"
    return None


_LOOKED_AT: Final = 1024
"""Bytes from the beginning that are enough to tell forms apart: what a record costs does not grow with its size."""

BINARY: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Control characters that are in no text. Tabs and line ends are."""

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
_FORM_DATA: Final = re.compile(
    rb"[\w.%+\[\]~*-]+=[\w.%+~*:/@!$'(),;-]*(?:&[\w.%+\[\]~*-]+=[\w.%+~*:/@!$'(),;-]*)*&?\s*"
)
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/_-]{8,}={0,2}\s*")
_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")


# --- values


def form_of_value(raw: bytes, headers: Sequence[Header]) -> str | None:
    """What the bytes of a value are instead of JSON; None where nothing is recognised."""
    return _known_form(raw, headers, VALUE_HEADERS)


def form_of_string(text: str) -> str | None:
    """What a string is that is where an object was needed: an encoding that nobody undid. None where it is none."""
    content = text[:_LOOKED_AT].lstrip()
    if content[:1] in {"{", "["}:
        return "a string that holds JSON, encoded twice"
    return "a string that holds base64" if _base64_of(content.encode("utf-8", "replace"), len(text)) else None


def _known_form(raw: bytes, headers: Sequence[Header], schema_headers: Collection[str]) -> str | None:
    for signature, name in _SIGNATURES:
        if raw.startswith(signature):
            return name
    if raw[:1] not in {b"{", b"["} and (named := _named_beside(raw, headers, schema_headers)):
        return named
    if raw[:1] == b"\x00":
        return _form_after_zero(raw)
    if _is_glue(raw):
        return f"{_serialization(raw[GLUE:]) if raw[1] == 0 else 'compressed'} {described(raw)}"
    if raw[:2] in {b"{\x00", b"[\x00"}:
        return "UTF-16 or UTF-32 and not UTF-8"
    return _packed_form(raw) or _form_of_text(raw)


def _named_beside(raw: bytes, headers: Sequence[Header], schema_headers: Collection[str]) -> str | None:
    """As `_known_form`, where a header says which schema the bare bytes have."""
    for name, content in headers:
        if name in schema_headers and content is not None:
            return f"{_serialization(raw)} whose schema id is in the header {name}"
    return _azure(headers) if schema_headers is VALUE_HEADERS else None


def _form_after_zero(raw: bytes) -> str | None:
    """As `_known_form`, for a first byte of 0: the mark of schema registries, or half a wide character."""
    if raw[1:2] in {b"{", b"["} and raw[2:3] == b"\x00":
        return "UTF-16 and not UTF-8"
    if raw[1:3] == b"\x00\x00" and raw[3:4] in {b"{", b"["}:
        return "UTF-32 and not UTF-8"
    if len(raw) <= CONFLUENT or unframed(raw) is not raw:
        return None
    return f"{_serialization(raw[CONFLUENT:])} {described(raw)}"


def _packed_form(raw: bytes) -> str | None:
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


def _form_of_text(raw: bytes) -> str | None:
    """Forms that are text themselves."""
    beginning = raw[:_LOOKED_AT]
    if _XML.match(beginning):
        return "XML or HTML"
    inside = _base64_of(beginning, len(raw))
    if inside is not None:
        return inside
    if b"=" in beginning and _FORM_DATA.fullmatch(_whole_words(beginning, len(raw))):
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


def _serialization(payload: bytes) -> str:
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


# --- keys and headers


def form_of_key(content: bytes, headers: Sequence[Header]) -> str | None:
    """What the bytes of a key or header are that are no text; None where they are not UTF-8 and nothing known."""
    if content.startswith(b"\xef\xbb\xbf"):
        return "a text behind a UTF-8 byte order mark"
    if unframed(content) is not content:
        return f"JSON {described(content)}"
    known = form_of_identifier(content) or _recognised(content, headers)
    return known or _fixed_width(content) or _text_with_control(content)


def form_of_identifier(content: bytes) -> str | None:
    """What serializers write where a text was meant, and what may decode as one; None where it is neither."""
    return _framed_text(content) or _integer(content)


def _framed_text(content: bytes) -> str | None:
    """An Avro string behind framing: its length, and so many bytes of text. Looked for before numbers of 8 bytes."""
    if content[:1] != b"\0" or not 6 < len(content) < 70 or content[5] & 1 or content[5] >> 1 != len(content) - 6:
        return None
    payload = content[6:]
    return form_of_value(content, ()) if payload.isascii() and payload.decode("ascii").isprintable() else None


def _integer(content: bytes) -> str | None:
    """Java's serializers write an int and a long in so many bytes, the most significant one first."""
    if len(content) not in {4, 8} or content[0] not in {0x00, 0xFF}:
        return None
    return f"{len(content)} bytes that look like a big-endian {'int' if len(content) == 4 else 'long'}"


def _fixed_width(content: bytes) -> str | None:
    """Looked for last: any bytes may be a double or a UUID."""
    forms = {8: "8 bytes that look like a big-endian long or double", 16: "16 bytes that look like a binary UUID"}
    form = forms.get(len(content))
    return form if form and _is_mostly_binary(content) else None


def _is_mostly_binary(content: bytes) -> bool:
    try:
        return len(BINARY.findall(content.decode())) * 4 > len(content)
    except UnicodeDecodeError:
        return True


def _recognised(content: bytes, headers: Sequence[Header]) -> str | None:
    name = _known_form(content, headers, KEY_HEADERS)
    return None if name is None or "base64" in name or "form data" in name else name


def _text_with_control(content: bytes) -> str | None:
    try:
        found = BINARY.search(content.decode())
    except UnicodeDecodeError:
        return None
    return None if found is None else f"{len(content)} bytes with the control character U+{ord(found[0]):04X}"
