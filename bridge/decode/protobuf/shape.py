"""The shape of what is read by a schema of Protobuf."""

from __future__ import annotations

from typing import Final

from bridge.decode.protobuf.schema.nodes import DescriptorError, EnumNode, FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.schema.sources import DescriptorSet, pool_of
from bridge.decode.protocol import FormatSettings, Schema
from bridge.decode.shape.shapes import ANY, Shape, ShapeKind

_FRACTIONS: Final = frozenset({FieldType.DOUBLE, FieldType.FLOAT})
_TEXTS: Final = frozenset({FieldType.STRING, FieldType.BYTES, FieldType.ENUM})
_GOOGLE: Final = "google.protobuf."
_WELL_KNOWN: Final[dict[str, Shape]] = {
    f"{_GOOGLE}Timestamp": Shape("string"),
    f"{_GOOGLE}Duration": Shape("string"),
    f"{_GOOGLE}FieldMask": Shape("string"),
    f"{_GOOGLE}Struct": Shape("map", items=lambda: ANY),
    f"{_GOOGLE}Value": ANY,
    f"{_GOOGLE}ListValue": Shape("array", items=lambda: ANY),
    f"{_GOOGLE}Any": ANY,
    "confluent.type.Decimal": Shape("number"),
    **{f"{_GOOGLE}{name}Value": Shape("integer") for name in ("Int64", "UInt64", "Int32", "UInt32")},
    **{f"{_GOOGLE}{name}Value": Shape("number") for name in ("Double", "Float")},
    **{f"{_GOOGLE}{name}Value": Shape("string") for name in ("String", "Bytes")},
    f"{_GOOGLE}BoolValue": Shape("boolean"),
}


def shape_of(schema: Schema, _settings: FormatSettings) -> Shape | str:
    """Why there is none, as a part of a sentence: which of several messages it is, each record says itself."""
    try:
        pool = pool_of(schema)
    except DescriptorError as fault:
        return f"its schema is none that values can be read by: {fault}"
    messages = pool.file.messages
    if len(messages) != 1:
        names = ", ".join(message.name for message in messages[:8])
        return f"its schema has {len(messages)} messages ({names}), of which each record names one"
    return _of_message(pool, messages[0])


def shape_of_set(settings: FormatSettings) -> Shape | str | None:
    """The same by `descriptor_set_file` and `message_type`; None where there is no such file."""
    if settings.descriptor_set is None:
        return None
    try:
        found = DescriptorSet(settings.descriptor_set, settings.message_type).message()
    except DescriptorError as fault:
        return f"descriptor_set_file serves no record: {fault}"
    return (
        "the last file of its descriptor_set_file has several messages, and message_type names none"
        if found is None
        else _of_message(*found)
    )


def _of_message(pool: Pool, message: MessageNode) -> Shape:
    known = _WELL_KNOWN.get(message.name)
    if known is not None:
        return known
    fields = {field.name: field for field in message.fields}
    return Shape("object", tuple(fields), lambda name: _of_field(pool, message, fields[name]))


def _of_field(pool: Pool, message: MessageNode, field: FieldNode) -> Shape:
    try:
        field, target = pool.field(message, field)
    except DescriptorError:
        return ANY
    if isinstance(target, MessageNode) and target.is_map_entry:
        entry, content = target, target.fields[1]
        return Shape("map", items=lambda: _of_field(pool, entry, content))
    one = _of_message(pool, target) if isinstance(target, MessageNode) else Shape(_kind(field, target))
    return Shape("array", items=lambda: one) if field.repeated else one


def _kind(field: FieldNode, target: MessageNode | EnumNode | None) -> ShapeKind:
    if target is not None or field.type in _TEXTS:
        return "string"
    if field.type is FieldType.BOOL:
        return "boolean"
    return "number" if field.type in _FRACTIONS else "integer"
