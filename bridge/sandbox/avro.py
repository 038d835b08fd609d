"""The sample's events as Avro behind a schema registry: a writer of values, and the schemas of the shop's topics.

For whoever wants to see Avro come in: the bridge itself only reads it. Source of the encoding: the Avro specification
1.12; of the framing: a zero byte and the schema's id in 4 bytes, as Confluent's serializers write it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from bridge.decode.protobuf.wire import varint_of
from bridge.sandbox.sample import Sample, SampleRecord

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_CENTS: Final = Decimal(100)


def _event(topic: str, *fields: Mapping[str, Any]) -> dict[str, Any]:
    """What every event of the shop has, around the data of one topic."""
    name = "".join(part.capitalize() for part in topic.split("."))
    data = {"type": "record", "name": f"{name}Data", "fields": [_optional("user_id", "string"), *fields]}
    return {
        "type": "record",
        "name": name,
        "namespace": "example.shop",
        "fields": [
            {"name": "type", "type": "string"},
            {"name": "id", "type": "string"},
            {"name": "time", "type": {"type": "long", "logicalType": "timestamp-millis"}},
            {"name": "data", "type": data},
        ],
    }


def _optional(name: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "type": ["null", schema], "default": None}


_N: Final = {"name": "n", "type": "long"}
_AMOUNT: Final = {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}
_CURRENCY: Final = {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD", "GBP"]}
_TOTAL: Final = {
    "type": "record",
    "name": "Total",
    "fields": [{"name": "amount", "type": _AMOUNT}, {"name": "currency", "type": _CURRENCY}],
}
_LINE: Final = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "n", "type": "int"}],
}
SCHEMAS: Final[Mapping[str, dict[str, Any]]] = {
    "shop.orders": _event(
        "shop.orders",
        _N,
        _optional("total", _TOTAL),
        _optional("lines", {"type": "array", "items": _LINE}),
        _optional("sku", "string"),
    ),
    "shop.accounts": _event("shop.accounts", _N, *(_optional(name, "string") for name in ("action", "plan", "email"))),
    "app.activity": _event("app.activity", _N, *(_optional(name, "string") for name in ("feature", "path"))),
}
"""By topic. A record of another topic's kind keeps what its own topic's schema has."""
IDS: Final[Mapping[str, int]] = {topic: number for number, topic in enumerate(SCHEMAS, start=1)}
"""What a registry calls them."""


def in_avro(sample: Sample) -> Sample:
    """The same records, their values in Avro; what is broken or null stays as it is."""
    return replace(sample, records=tuple(map(_record, sample.records)))


def _record(record: SampleRecord) -> SampleRecord:
    try:
        event = json.loads(record.value or b"")
    except ValueError:
        return record
    if not isinstance(event, dict) or "type" not in event:
        return record
    framing = b"\0" + IDS[record.topic].to_bytes(4, "big")
    return replace(record, value=framing + encoded(SCHEMAS[record.topic], event))


def encoded(schema: Any, value: Any) -> bytes:  # noqa: PLR0911 - one for each type
    """A value in the binary encoding. Knows what the shop's schemas have, and no more: raises `ValueError`."""
    match schema:
        case "null":
            return b""
        case "string":
            text = str(value).encode()
            return _number(len(text)) + text
        case "int" | "long":
            return _number(value)
        case {"logicalType": "timestamp-millis"}:
            return _number((datetime.fromisoformat(value) - _EPOCH) // timedelta(milliseconds=1))
        case {"logicalType": "decimal"}:
            cents = int(Decimal(str(value)) * _CENTS)
            raw = cents.to_bytes((cents.bit_length() + 8) // 8, "big", signed=True)
            return _number(len(raw)) + raw
        case ["null", inner]:
            return _number(0) if value is None else _number(1) + encoded(inner, value)
        case {"type": "enum", "symbols": symbols}:
            return _number(symbols.index(value))
        case {"type": "array", "items": items}:
            return (_number(len(value)) + b"".join(encoded(items, each) for each in value) if value else b"") + b"\0"
        case {"type": "record", "fields": fields}:
            return b"".join(encoded(field["type"], value.get(field["name"])) for field in fields)
        case _:
            raise ValueError(f"no encoding for {schema}")


def _number(value: int) -> bytes:
    """Zigzag, then as Protobuf writes numbers, too."""
    return varint_of(value << 1 if value >= 0 else (~value << 1) | 1)
