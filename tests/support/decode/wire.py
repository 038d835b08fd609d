"""Bytes of Protobuf written by hand: what no writer writes as well."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from bridge.decode.protobuf.decoder import make
from bridge.decode.protocol import FAST, FormatSettings, NoSchema, Schema, Schemas
from bridge.model import Header, Record

FRAMING = b"\0\0\0\0\7\0"


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def tag(number: int, kind: int) -> bytes:
    return varint(number << 3 | kind)


def number(field: int, value: int) -> bytes:
    return tag(field, 0) + varint(value)


def block(field: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return tag(field, 2) + varint(len(raw)) + raw


def proto(text: str, *, syntax: str = "proto3", **references: str) -> Schema:
    """A schema of a registry that gives the text of .proto files; references are of files named ``NAME.proto``."""
    given = tuple((f"{name}.proto", f'syntax = "{syntax}"; {each}') for name, each in references.items())
    return Schema("protobuf", f'syntax = "{syntax}"; {text}', given)


def serialized(raw: bytes, **references: bytes) -> Schema:
    """A schema of a registry that gives descriptors."""
    given = tuple((f"{name}.proto", b64encode(each).decode()) for name, each in references.items())
    return Schema("protobuf", b64encode(raw).decode(), given)


def read(
    schema: Schema | NoSchema | None,
    payload: bytes,
    framing: bytes = FRAMING,
    headers: tuple[Header, ...] = (),
    reference: str = "id:7",
) -> Any:
    """A record's value, decoded as a topic's first."""
    schemas: Schemas = {} if schema is None else {reference: schema}
    return make(FormatSettings(), schemas)(Record("t", 0, 0, None, None, framing + payload, headers), None, FAST)
