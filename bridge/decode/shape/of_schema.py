"""The shape of a schema, in whichever language it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bridge.decode.avro import shape as avro_shape
from bridge.decode.protobuf import shape as protobuf_shape
from bridge.decode.protocol import FormatSettings, Schema
from bridge.decode.shape import json_schema
from bridge.decode.shape.shapes import NoMember, Shape, follow

_LANGUAGES: Final[Mapping[str, Callable[[Schema, FormatSettings], Shape | str]]] = {
    "avro": avro_shape.shape_of,
    "protobuf": protobuf_shape.shape_of,
    "json": json_schema.shape_of,
}


def shape_of(schema: Schema, settings: FormatSettings) -> Shape | str:
    """What expressions see of values of the schema; why that cannot be told, as a part of a sentence."""
    if settings.layers or settings.unwrap != "none":
        return "layers or an envelope are taken off its values, of which the schema says nothing"
    shape = _LANGUAGES[schema.form](schema, settings)
    if settings.each is None or isinstance(shape, str):
        return shape
    found = follow(shape, () if settings.each == "@" else tuple(settings.each.split(".")))
    if isinstance(found, NoMember) or found.items is None:
        return f"mapping.each is {settings.each}, which is no array in its schema"
    return found.items()
