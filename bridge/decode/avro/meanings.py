"""Which types of Avro, Kafka Connect and Debezium mean more than how they are stored.

Avro's are named by ``logicalType``, those of Connect and Debezium by ``connect.name``, which counts first: Connect's
converter writes both where Avro has such a type. What has parameters that cannot be is read as it is stored, as the
Avro specification says; so is a name that nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.decode.beyond_json.meanings import (
    BY_CONNECT_NAME,
    DECIMAL,
    MS,
    NS,
    US,
    Meaning,
    decimal_of_scale,
    scale_in,
)

_DURATION_SIZE: Final = 12
_UUID_SIZE: Final = 16

_BY_LOGICAL_TYPE: Final[Mapping[tuple[str, str], Meaning]] = {
    ("int", "date"): Meaning("date"),
    ("int", "time-millis"): Meaning("time", ticks=MS),
    ("long", "time-micros"): Meaning("time", ticks=US),
    ("long", "timestamp-millis"): Meaning("timestamp", ticks=MS),
    ("long", "timestamp-micros"): Meaning("timestamp", ticks=US),
    ("long", "timestamp-nanos"): Meaning("timestamp", ticks=NS),
    ("long", "local-timestamp-millis"): Meaning("local-timestamp", ticks=MS),
    ("long", "local-timestamp-micros"): Meaning("local-timestamp", ticks=US),
    ("long", "local-timestamp-nanos"): Meaning("local-timestamp", ticks=NS),
    ("string", "uuid"): Meaning("uuid"),
    ("bytes", "big-decimal"): Meaning("big-decimal"),
}


def meaning_of_primitive(kind: str, schema: Mapping[str, Any]) -> Meaning | None:
    """What values of a primitive type mean; None where they are what they are."""
    name, logical = schema.get("connect.name"), schema.get("logicalType")
    if isinstance(name, str):
        if kind == "bytes" and name == DECIMAL:
            return _decimal(schema, None)
        if (meaning := BY_CONNECT_NAME.get((kind, name))) is not None:
            return meaning
    if not isinstance(logical, str):
        return None
    return _decimal(schema, None) if kind == "bytes" and logical == "decimal" else _BY_LOGICAL_TYPE.get((kind, logical))


def meaning_of_fixed(size: int, schema: Mapping[str, Any]) -> Meaning | None:
    """The same for a type of so many bytes."""
    match schema.get("logicalType"):
        case "decimal":
            return _decimal(schema, size)
        case None if schema.get("connect.name") == DECIMAL:
            return _decimal(schema, size)
        case "duration" if size == _DURATION_SIZE:
            return Meaning("duration")
        case "uuid" if size == _UUID_SIZE:
            return Meaning("uuid")
        case _:
            return None


def _decimal(schema: Mapping[str, Any], size: int | None) -> Meaning | None:
    """By its scale, which is 0 where none is given. Connect may give it among its parameters only, as a text."""
    scale, precision = schema.get("scale"), schema.get("precision")
    if scale is None:
        scale = scale_in(schema.get("connect.parameters"))
    if (scale is not None and not isinstance(scale, int)) or size == 0:
        return None
    if schema.get("connect.name") != DECIMAL and not (
        isinstance(precision, int) and 0 <= (scale or 0) <= precision > 0
    ):
        return None
    return decimal_of_scale(scale)
