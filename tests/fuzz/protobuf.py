"""Protobuf: whatever is where a message or its schema was said to be is read, or refused with one clean sentence."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any, Final

from bridge.decode.failures import MappingError, Unusable
from bridge.decode.protobuf.decoder import make, peek
from bridge.decode.protobuf.reader import read_carefully
from bridge.decode.protobuf.schema.sources import pool_of
from bridge.decode.protocol import FAST, FormatSettings, Schema
from bridge.model import Record, SchemaNeeded
from tests.fuzz.choices import Choices

TEXT: Final = """
syntax = "proto3"; package shop;
import "google/protobuf/timestamp.proto"; import "google/protobuf/struct.proto"; import "google/protobuf/any.proto";
import "google/protobuf/duration.proto"; import "google/protobuf/wrappers.proto"; import "confluent/type/decimal.proto";
message M {
  string s = 1; int32 i = 2; sint64 z = 3; double d = 4; float f = 5; bool b = 6; bytes y = 7; E e = 8;
  M m = 9; repeated M many = 10; repeated int32 numbers = 11; repeated float floats = 12; repeated string texts = 13;
  map<string, M> by = 14; map<int32, E> names = 15;
  oneof c { string ca = 16; int64 cb = 17; M cc = 18; }
  google.protobuf.Timestamp t = 19; google.protobuf.Duration du = 20; google.protobuf.Struct st = 21;
  google.protobuf.Value v = 22; google.protobuf.Any any = 23; google.protobuf.Int64Value w = 24;
  confluent.type.Decimal price = 25; optional uint64 u = 26; fixed32 x = 27; sfixed64 q = 28;
}
enum E { A = 0; B = 1; C = -1; }
"""
SCHEMA: Final = Schema("protobuf", TEXT)
POOL: Final = pool_of(SCHEMA)
_DECODE: Final = make(FormatSettings(), {"id:7": SCHEMA})
_PEEKS: Final = [peek(FormatSettings(), {"id:7": SCHEMA}, path) for path in (("s",), ("m", "s"), ("e",))]
_CLEAN: Final = re.compile("[\x20-\x7e\xa0-\uffff]+")


def fuzz(data: bytes) -> None:
    """A payload of the schema above, or a schema itself."""
    choices = Choices(data)
    if choices.number(4):
        check_payload(choices.rest())
    else:
        check_schema(choices.rest())


def check_payload(raw: bytes) -> None:
    """Both readers agree, and a routing type told early is the one that is there."""
    record = Record("t", 0, 0, None, None, b"\0\0\0\0\7\0" + raw, ())
    generated = _outcome(lambda: _DECODE(record, None, FAST))
    careful = _outcome(lambda: read_carefully(POOL, POOL.file.messages[0], record.value or b"", 6))
    assert repr(generated) == repr(careful)
    for read, path in zip(_PEEKS, (("s",), ("m", "s"), ("e",)), strict=True):
        assert read is not None
        found: Any = read(record)
        if found is not None and isinstance(generated, dict):
            value: Any = generated
            for name in path:
                value = value[name]
            assert value == found


def check_schema(raw: bytes) -> None:
    """Descriptors and texts alike."""
    for text in (b64encode(raw).decode(), raw.decode("latin-1"), "syntax = " + raw.decode("latin-1")):
        decode = make(FormatSettings(), {"id:7": Schema("protobuf", text)})
        for payload in (b"", b"\x0a\0\x12\0\x1a\0", raw[:40]):
            outcome = _outcome(lambda: decode(Record("t", 0, 0, None, None, b"\0\0\0\0\7\0" + payload, ()), None, FAST))  # noqa: B023 - called at once
            assert not isinstance(outcome, SchemaNeeded)


def _outcome(read: Any) -> Any:
    try:
        value = read()
    except MappingError as failure:
        return _checked(failure.message)
    return _shown(value)


def _checked(message: str) -> str:
    assert _CLEAN.fullmatch(message), message
    assert len(message) < 2000
    return message


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shown(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shown(inner) for inner in value]
    return value.what if isinstance(value, Unusable) else value
