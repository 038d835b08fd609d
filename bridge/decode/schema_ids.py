"""Which schema a record's bytes refer to, and where in them the payload begins. Pure, and asked for every record.

What stands before a payload, or beside it (sources: the clients of Confluent, Apicurio and AWS, read in source):

====================  =============================================================================================
``00`` + 4 bytes      Confluent, Karapace, Redpanda, Apicurio since 3: ``id:42``
``00`` + 8 bytes      Apicurio's older clients: ``globalId:7``. Told by its upper half, which is 0 in every id that a
                      registry has ever handed out, while none hands out 0 itself
``01`` + 16 bytes     Confluent, by GUID: ``guid:0f8f…``
``__value_schema_id`` Confluent, in a header: either of its two forms, and for Protobuf the message indexes
``apicurio.value.…``  Apicurio, in a header: ``contentId`` or ``globalId``, 8 bytes. ``contentId:7``, ``globalId:7``
``03`` + ``00|05``    AWS Glue, then 16 bytes: ``glue:0f8f…``; after 05 the payload is compressed with zlib
====================  =============================================================================================

A header counts before what the bytes begin with, as in the clients. Protobuf's message indexes are the decoder's to
read: behind the framing, or in `Framed.indexes`.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from bridge.decode.failures import undecodable
from bridge.model import Header, last_header

CONFLUENT: Final = 5
"""Bytes of Confluent's wire format: the magic byte 0, and a schema id of four bytes."""
APICURIO: Final = 9
"""The same with an id of eight bytes, as Apicurio Registry's older clients write it."""
GUID: Final = 17
"""Bytes of Confluent's framing by GUID: the magic byte 1, and the GUID."""
GLUE: Final = 18
"""Bytes of AWS Glue's framing: version 3, how the payload is compressed, and the schema version's UUID."""

VALUE_SCHEMA_HEADER: Final = "__value_schema_id"
"""Where newer Confluent serializers put the schema's id instead: magic byte 1 and a GUID of 16 bytes."""
KEY_SCHEMA_HEADER: Final = "__key_schema_id"
"""The same for the key."""

INFLATED_LIMIT: Final = 20_000_000
"""Bytes that a payload of Glue's may have once it is inflated."""

_GLUE_ZLIB: Final = 5
_KEPT: Final = 4096
"""Framings whose texts are kept: topics have a few schemas, and bytes that are no framing must not fill the memory."""


class Framed(NamedTuple):
    """A record's value or key that names its schema."""

    reference: str
    """The key in `Schemas`."""
    start: int
    """Where the payload begins: in `inflated` where that is set, else in the record's own bytes."""
    inflated: bytes | None = None
    """The payload, where the framing says that it was compressed."""
    indexes: bytes | None = None
    """Protobuf's message indexes where a header has them, empty for the first message; None: they begin the payload."""


_PREFIXES: Final[dict[bytes, Framed]] = {}
"""By the first `CONFLUENT` bytes. Nearly every record is answered from here."""
_LONGER: Final[dict[bytes, Framed]] = {}
"""The same for longer framings, by all of their bytes."""
_HEADERS: Final[dict[bytes, Framed]] = {}
"""By what a header of Confluent's holds."""

VALUE_HEADERS: Final = frozenset({VALUE_SCHEMA_HEADER, "apicurio.value.contentId", "apicurio.value.globalId"})
"""All headers that may say which schema a value has."""
KEY_HEADERS: Final = frozenset({KEY_SCHEMA_HEADER, "apicurio.key.contentId", "apicurio.key.globalId"})
"""The same for the key."""


def framed_value(raw: bytes, headers: Sequence[Header]) -> Framed | None:
    """The schema of a record's value; None where nothing says which. Raises `MappingError` for half a framing."""
    if headers:
        for name, _ in headers:
            if name in VALUE_HEADERS:
                return _of_headers(headers, VALUE_SCHEMA_HEADER, "apicurio.value.") or _of_bytes(raw)
    return _PREFIXES.get(raw[:CONFLUENT]) or _of_bytes(raw)


def framed_key(raw: bytes, headers: Sequence[Header]) -> Framed | None:
    """As `framed_value`, of a record's key."""
    if headers:
        for name, _ in headers:
            if name in KEY_HEADERS:
                return _of_headers(headers, KEY_SCHEMA_HEADER, "apicurio.key.") or _of_bytes(raw)
    return _PREFIXES.get(raw[:CONFLUENT]) or _of_bytes(raw)


def _of_bytes(raw: bytes) -> Framed | None:
    """The schema that the bytes themselves begin with."""
    magic = raw[0] if raw else -1
    if magic == 0:
        return _of_zero(raw)
    if magic == 1 and len(raw) >= GUID:
        prefix = raw[:GUID]
        return _LONGER.get(prefix) or _kept(_LONGER, prefix, Framed(f"guid:{UUID(bytes=prefix[1:])}", GUID))
    if magic == 3 and len(raw) >= GLUE and raw[1] in {0, _GLUE_ZLIB}:
        return _of_glue(raw)
    return None


def _of_zero(raw: bytes) -> Framed | None:
    prefix = raw[:CONFLUENT]
    number = int.from_bytes(prefix[1:])
    if number and len(prefix) == CONFLUENT:
        return _kept(_PREFIXES, prefix, Framed(f"id:{number}", CONFLUENT))
    if len(raw) >= APICURIO and (number := int.from_bytes(raw[1:APICURIO])):
        prefix = raw[:APICURIO]
        return _LONGER.get(prefix) or _kept(_LONGER, prefix, Framed(f"globalId:{number}", APICURIO))
    return None


def _of_glue(raw: bytes) -> Framed:
    prefix = raw[:GLUE]
    known = _LONGER.get(prefix) or _kept(_LONGER, prefix, Framed(f"glue:{UUID(bytes=prefix[2:])}", GLUE))
    return known if prefix[1] == 0 else known._replace(start=0, inflated=inflated(raw))


def inflated(raw: bytes) -> bytes:
    """The payload of a framing of Glue's that says zlib, bounded. Raises `MappingError`."""
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(raw[GLUE:], INFLATED_LIMIT + 1)
    except zlib.error:
        raise undecodable(
            f"AWS Glue's framing says zlib, and what begins at byte {GLUE} is none that is whole"
        ) from None
    if len(content) > INFLATED_LIMIT:
        raise undecodable(f"what AWS Glue's framing compressed has more than {INFLATED_LIMIT} bytes")
    if not inflater.eof:
        raise undecodable(f"what AWS Glue's framing compressed ends too early, after {len(content)} bytes of payload")
    if inflater.unused_data:
        raise undecodable(f"{len(inflater.unused_data)} bytes follow what AWS Glue's framing compressed")
    return content


def _of_headers(headers: Sequence[Header], confluent: str, apicurio: str) -> Framed | None:
    """Whoever writes both of Apicurio's means one schema by them; None where each is null."""
    if (content := last_header(headers, confluent)) is not None:
        return _HEADERS.get(content) or _kept(_HEADERS, content, _of_confluent_header(confluent, content))
    for kind in ("contentId", "globalId"):
        if (content := last_header(headers, apicurio + kind)) is not None:
            if len(content) != 8:
                raise undecodable(f"the header {apicurio}{kind} has {len(content)} bytes; an id has 8")
            return Framed(f"{kind}:{int.from_bytes(content)}", 0)
    return None


def _of_confluent_header(name: str, content: bytes) -> Framed:
    if content[:1] == b"\1" and len(content) >= GUID:
        return Framed(f"guid:{UUID(bytes=content[1:GUID])}", 0, indexes=content[GUID:])
    if content[:1] == b"\0" and len(content) >= CONFLUENT:
        return Framed(f"id:{int.from_bytes(content[1:CONFLUENT])}", 0, indexes=content[CONFLUENT:])
    raise undecodable(f"the header {name} has {len(content)} bytes that are neither 01 and a GUID nor 00 and an id")


def _kept(known: dict[bytes, Framed], key: bytes, found: Framed) -> Framed:
    if len(known) >= _KEPT:
        known.clear()
    known[key] = found
    return found
