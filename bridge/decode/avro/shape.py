"""The shape of what is read by a schema of Avro."""

from __future__ import annotations

from typing import Final

from bridge.decode.avro.nodes import (
    AvroArray,
    AvroEnum,
    AvroFixed,
    AvroMap,
    AvroNode,
    AvroPrimitive,
    AvroRecord,
    AvroSchema,
    AvroUnion,
    AvroUse,
)
from bridge.decode.avro.schema import AvroSchemaError, parse_schema
from bridge.decode.beyond_json.meanings import MeaningKind
from bridge.decode.protocol import FormatSettings, Schema
from bridge.decode.shape.shapes import Shape, ShapeKind, either

_STORED: Final[dict[str, ShapeKind]] = {
    "null": "null",
    "boolean": "boolean",
    "int": "integer",
    "long": "integer",
    "float": "number",
    "double": "number",
    "bytes": "string",
    "string": "string",
}
_NUMBERS: Final[frozenset[MeaningKind]] = frozenset({"decimal", "big-decimal"})


def shape_of(schema: Schema, settings: FormatSettings) -> Shape | str:
    """Why there is none, as a part of a sentence, for what is no schema."""
    try:
        parsed = parse_schema(schema.text, schema.references, logical_types=settings.logical_types)
    except AvroSchemaError as fault:
        return f"its schema is none that values can be read by: {fault}"
    return _shape(parsed, parsed.root)


def _shape(schema: AvroSchema, node: AvroNode) -> Shape:  # noqa: PLR0911 - one for each kind of type
    match node:
        case AvroPrimitive(kind, None):
            return Shape(_STORED[kind])
        case AvroPrimitive(_, meaning) | AvroFixed(_, _, meaning) if meaning is not None:
            return Shape("number" if meaning.kind in _NUMBERS else "string")
        case AvroFixed() | AvroEnum():
            return Shape("string")
        case AvroArray(items):
            return Shape("array", items=lambda: _shape(schema, items))
        case AvroMap(items):
            return Shape("map", items=lambda: _shape(schema, items))
        case AvroUnion(branches):
            return either(tuple(_shape(schema, branch) for branch in branches))
        case AvroUse():
            return _of_record(schema, schema.record(node))
        case _:
            raise AssertionError(node)


def _of_record(schema: AvroSchema, record: AvroRecord) -> Shape:
    if record.is_decimal:
        return Shape("number")
    nodes = dict(record.fields)
    return Shape("object", tuple(nodes), lambda name: _shape(schema, nodes[name]))
