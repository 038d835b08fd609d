"""Schemas and bytes of Avro, whatever they are: a value or one clean sentence, and both readers say the same."""

from __future__ import annotations

import json
from typing import Any, Final

from bridge.decode.avro.careful import AvroBytesError, CarefulReader
from bridge.decode.avro.decoder import make, peek
from bridge.decode.avro.reader import AvroReader, AvroSchemaError
from bridge.decode.failures import MappingError, Unusable
from bridge.decode.protocol import FAST, FormatSettings, Schema
from bridge.model import Record
from tests.fuzz.choices import Choices

FRAMING: Final = b"\0\0\0\0\x2a"
REFERENCE: Final = "id:42"


def _logical(base: str, logical_type: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": logical_type, **more}


_LINE: Final = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "sub", "type": ["null", "Line"]}],
}
_EVERYTHING: Final = [
    "string",
    ["null", "string"],
    _logical("long", "timestamp-millis"),
    _logical("long", "timestamp-micros"),
    _logical("long", "local-timestamp-nanos"),
    _logical("int", "date"),
    _logical("int", "time-millis"),
    _logical("bytes", "decimal", precision=20, scale=3),
    _logical("bytes", "big-decimal"),
    _logical("fixed", "duration", name="D", size=12),
    _logical("fixed", "uuid", name="U", size=16),
    {"type": "array", "items": _LINE},
    {"type": "map", "values": ["null", "double", "Line", {"type": "enum", "name": "E", "symbols": ["a", "b"]}]},
    {"type": "long", "connect.name": "io.debezium.time.NanoDuration"},
    ["float", "boolean", "bytes", "null"],
    {"type": "array", "items": "null"},
    {"type": "array", "items": {"type": "array", "items": {"type": "fixed", "name": "F", "size": 2}}},
    "long",
]
SCHEMAS: Final = (
    {
        "type": "record",
        "name": "Everything",
        "fields": [{"name": f"f{place}", "type": kind} for place, kind in enumerate(_EVERYTHING)],
    },
    {"type": "record", "name": "Tree", "fields": [{"name": "of", "type": {"type": "array", "items": "Tree"}}]},
    {"type": "record", "name": "Wide", "fields": [{"name": f"f{n}", "type": ["null", "long"]} for n in range(40)]},
)
READERS: Final = tuple(
    AvroReader(Schema("avro", json.dumps(tree)), REFERENCE, logical_types=logical)
    for tree in SCHEMAS
    for logical in (True, False)
)


def _shown(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shown(inner) for name, inner in value.items()}
        case list():
            return [_shown(inner) for inner in value]
        case Unusable():
            return value.what
        case _:
            return repr(value)


def _read(reader: AvroReader, raw: bytes, *, carefully: bool) -> tuple[Any, str]:
    """What it is, or why it is nothing."""
    try:
        if carefully:
            return _shown(CarefulReader(reader.schema, raw, 0, most=1_000_000).read()), ""
        return _shown(reader.read(raw, 0)), ""
    except AvroBytesError as fault:
        return None, str(fault)


def check_value(reader: AvroReader, raw: bytes) -> None:
    """Both readers, of whatever bytes."""
    found, said = _read(reader, raw, carefully=False)
    assert found == _read(reader, raw, carefully=True)[0]
    assert said == "" or " at byte " in said
    assert len(said) < 1_000


def _reader(schema: Schema) -> AvroReader | str:
    try:
        return AvroReader(schema, REFERENCE, logical_types=True)
    except AvroSchemaError as fault:
        return str(fault)


def check_schema(text: str, raw: bytes) -> None:
    """A schema that somebody sent: it is refused in a sentence, or reads whatever bytes."""
    schema = Schema("avro", text)
    reader = _reader(schema)
    if isinstance(reader, str):
        assert reader.startswith("schema id 42 is no Avro schema that can be read by: ")
        assert len(reader) < 1_500
        return
    check_value(reader, raw)
    record = Record("t", 0, 0, None, None, FRAMING + raw, ())
    look = peek(FormatSettings(), {REFERENCE: schema}, ("type",))
    assert look is not None
    told, value = look(record), _decoded(record, schema)
    if isinstance(told, str) and isinstance(value, dict):
        assert value["type"] == told


def _decoded(record: Record, schema: Schema) -> Any:
    try:
        return make(FormatSettings(), {REFERENCE: schema})(record, None, FAST)
    except MappingError as failure:
        return failure


def fuzz(data: bytes) -> None:
    """Bytes of a value, or a schema and bytes."""
    choices = Choices(data)
    which = choices.number(len(READERS) + 3)
    if which < len(READERS):
        check_value(READERS[which], choices.rest())
        return
    raw = choices.block()
    check_schema(choices.rest().decode("utf-8", "replace"), raw)
