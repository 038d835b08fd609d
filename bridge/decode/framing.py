"""What schema registries put in front of a value, or beside it: a zero byte and the id of its schema."""

from __future__ import annotations

from typing import Final

CONFLUENT: Final = 5
"""Bytes of Confluent's wire format: the magic byte 0, and a schema id of four bytes."""
_APICURIO: Final = 9
"""The same with an id of eight bytes, as Apicurio Registry's older clients write it."""

VALUE_SCHEMA_HEADER: Final = "__value_schema_id"
"""Where newer Confluent serializers put the schema's id instead: magic byte 1 and a GUID of 16 bytes."""
KEY_SCHEMA_HEADER: Final = "__key_schema_id"
"""The same for the key."""


def unframed(raw: bytes) -> bytes:
    """What follows the framing, where that can be a JSON object, array or null; else `raw` itself."""
    if not raw or raw[0] != 0:
        return raw
    for length in (CONFLUENT, _APICURIO):
        payload = raw[length:]
        if payload.lstrip(b" \t\r\n")[:1] in {b"{", b"["} or payload.strip(b" \t\r\n") == b"null":
            return payload
    return raw


def described(raw: bytes) -> str:
    """The framing of framed bytes, for messages."""
    return f"behind schema-registry framing (schema id {int.from_bytes(raw[1:CONFLUENT])})"
