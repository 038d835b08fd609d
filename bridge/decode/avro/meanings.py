"""Which types of Avro, Kafka Connect and Debezium mean more than how they are stored.

Avro's are named by ``logicalType``, those of Connect and Debezium by ``connect.name``, which counts first: Connect's
converter writes both where Avro has such a type. What has parameters that cannot be is read as it is stored, as the
Avro specification says; so is a name that nobody knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from bridge.decode.avro.nodes import Meaning

MOST_PLACES: Final = 400
"""Behind the point of a decimal: beyond that nothing is a number of this world, and arithmetic takes its time."""

_MS, _US, _NS = 1_000, 1_000_000, 1_000_000_000
_DURATION_SIZE: Final = 12
_UUID_SIZE: Final = 16

_CONNECT: Final = "org.apache.kafka.connect.data."
_DEBEZIUM: Final = "io.debezium.time."
VARIABLE_SCALE: Final = "io.debezium.data.VariableScaleDecimal"
"""A record of a scale and a number's bytes."""

_BY_LOGICAL_TYPE: Final[Mapping[tuple[str, str], Meaning]] = {
    ("int", "date"): Meaning("date"),
    ("int", "time-millis"): Meaning("time", ticks=_MS),
    ("long", "time-micros"): Meaning("time", ticks=_US),
    ("long", "timestamp-millis"): Meaning("timestamp", ticks=_MS),
    ("long", "timestamp-micros"): Meaning("timestamp", ticks=_US),
    ("long", "timestamp-nanos"): Meaning("timestamp", ticks=_NS),
    ("long", "local-timestamp-millis"): Meaning("local-timestamp", ticks=_MS),
    ("long", "local-timestamp-micros"): Meaning("local-timestamp", ticks=_US),
    ("long", "local-timestamp-nanos"): Meaning("local-timestamp", ticks=_NS),
    ("string", "uuid"): Meaning("uuid"),
    ("bytes", "big-decimal"): Meaning("big-decimal"),
}
_BY_CONNECT_NAME: Final[Mapping[tuple[str, str], Meaning]] = {
    ("int", f"{_CONNECT}Date"): Meaning("date"),
    ("int", f"{_CONNECT}Time"): Meaning("time", ticks=_MS),
    ("long", f"{_CONNECT}Timestamp"): Meaning("timestamp", ticks=_MS),
    ("int", f"{_DEBEZIUM}Date"): Meaning("date"),
    ("int", f"{_DEBEZIUM}Time"): Meaning("time", ticks=_MS),
    ("long", f"{_DEBEZIUM}MicroTime"): Meaning("time", ticks=_US),
    ("long", f"{_DEBEZIUM}NanoTime"): Meaning("time", ticks=_NS),
    # Debezium counts these as if the column's own clock were UTC.
    ("long", f"{_DEBEZIUM}Timestamp"): Meaning("timestamp", ticks=_MS),
    ("long", f"{_DEBEZIUM}MicroTimestamp"): Meaning("timestamp", ticks=_US),
    ("long", f"{_DEBEZIUM}NanoTimestamp"): Meaning("timestamp", ticks=_NS),
    ("long", f"{_DEBEZIUM}MicroDuration"): Meaning("span", ticks=_US),
    ("long", f"{_DEBEZIUM}NanoDuration"): Meaning("span", ticks=_NS),
}
"""All others of Debezium's are texts that say what they mean (ZonedTimestamp, Interval, Json), or numbers (Year)."""


def meaning_of_primitive(kind: str, schema: Mapping[str, Any]) -> Meaning | None:
    """What values of a primitive type mean; None where they are what they are."""
    name, logical = schema.get("connect.name"), schema.get("logicalType")
    if isinstance(name, str):
        if kind == "bytes" and name == f"{_CONNECT}Decimal":
            return _decimal(schema, None)
        if (meaning := _BY_CONNECT_NAME.get((kind, name))) is not None:
            return meaning
    if not isinstance(logical, str):
        return None
    return _decimal(schema, None) if kind == "bytes" and logical == "decimal" else _BY_LOGICAL_TYPE.get((kind, logical))


def meaning_of_fixed(size: int, schema: Mapping[str, Any]) -> Meaning | None:
    """The same for a type of so many bytes."""
    match schema.get("logicalType"):
        case "decimal":
            return _decimal(schema, size)
        case None if schema.get("connect.name") == f"{_CONNECT}Decimal":
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
    parameters = schema.get("connect.parameters")
    if scale is None and isinstance(parameters, Mapping):
        text = parameters.get("scale")
        scale = int(text) if isinstance(text, str) and text.lstrip("-").isdecimal() and len(text) < 6 else None
    if scale is None:
        scale = 0
    if not isinstance(scale, int) or abs(scale) > MOST_PLACES or size == 0:
        return None
    if schema.get("connect.name") != f"{_CONNECT}Decimal" and not (
        isinstance(precision, int) and 0 <= scale <= precision > 0
    ):
        return None
    return Meaning("decimal", scale=scale)
