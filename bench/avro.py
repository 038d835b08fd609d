"""What decoding Avro costs, beside orjson on the same records as JSON and beside fastavro: in one process, no Kafka."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import fastavro
import orjson

from bench.decoders import RECORDS, REFERENCE, TURNS, each, least, mapping, new_schema, record, rows
from bench.session import Session
from bench.table import Row, show
from bridge.decode.avro.decoder import make
from bridge.decode.avro.reader import AvroReader
from bridge.decode.protocol import FAST, FormatSettings, Schema

FRAMING = b"\0\0\0\0\x2a"


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


PRICE = logical("bytes", "decimal", precision=12, scale=2)
STATUS = {"type": "enum", "name": "Status", "symbols": ["NEW", "PAID", "SENT"]}
FIELDS: dict[str, Any] = {
    "type": "string",
    "id": logical("string", "uuid"),
    "user_id": "string",
    "created_at": logical("long", "timestamp-millis"),
    "updated_at": ["null", logical("long", "timestamp-micros")],
    "total": PRICE,
    "currency": "string",
    "status": STATUS,
    "items": "int",
    "number": "long",
    "weight": "double",
    "gift": "boolean",
    "coupon": ["null", "string"],
    "email": ["null", "string"],
    "country": "string",
    "city": "string",
    "ship_on": logical("int", "date"),
    "discount": ["null", PRICE],
    "channel": "string",
    "tags": {"type": "array", "items": "string"},
}
SCHEMA = {"type": "record", "name": "Order", "fields": [{"name": name, "type": kind} for name, kind in FIELDS.items()]}
KNOWN = Schema("avro", json.dumps(SCHEMA))


def order(number: int, event_type: str = "order.paid") -> dict[str, Any]:
    created = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC) + timedelta(milliseconds=number * 937)
    return {
        "type": event_type,
        "id": uuid.UUID(int=2**100 + number * 7_919),
        "user_id": f"u-{number}",
        "created_at": created,
        "updated_at": created + timedelta(microseconds=123),
        "total": Decimal(12_999 + number).scaleb(-2),
        "currency": "EUR",
        "status": "PAID",
        "items": 3,
        "number": 100_000 + number,
        "weight": 1.25 + number,
        "gift": number % 2 == 0,
        "coupon": None,
        "email": f"jane{number}@example.com",
        "country": "DE",
        "city": "Hamburg" if number % 10 else "München",
        "ship_on": date(2026, 1, 5),
        "discount": Decimal("1.50"),
        "channel": "web",
        "tags": ["a", "new"],
    }


def as_avro(value: dict[str, Any], parsed: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, parsed, value)
    return out.getvalue()


def as_json(value: dict[str, Any]) -> bytes:
    def other(found: Any) -> Any:
        if isinstance(found, Decimal):
            return float(found)
        if isinstance(found, datetime):
            return found.isoformat(timespec="microseconds" if found.microsecond % 1000 else "milliseconds")[:-6] + "Z"
        return str(found)

    return json.dumps(value, default=other, ensure_ascii=False, separators=(",", ":")).encode()


def reading(turns: int) -> Row:
    parsed = fastavro.parse_schema(SCHEMA)
    orders = [order(number) for number in range(RECORDS)]
    texts, values = [as_json(value) for value in orders], [as_avro(value, parsed) for value in orders]
    records = [record(FRAMING + value) for value in values]
    decode = make(FormatSettings(), {REFERENCE: KNOWN})
    reader = AvroReader(KNOWN, REFERENCE, logical_types=True)
    reader.read(values[0], 0)
    fast = reader.fast
    for text, one in zip(texts, records, strict=True):
        found, expected = decode(one, None, FAST), orjson.loads(text)
        assert isinstance(found, dict)
        assert {**found, "created_at": ""} == {**expected, "created_at": ""}
    found_cost = least(
        turns,
        orjson=each(orjson.loads, texts),
        reader=each(fast, values, 0),
        decode=each(decode, records, None, FAST),
        fastavro=each(lambda raw: fastavro.schemaless_reader(io.BytesIO(raw), parsed, None), values),
    )
    times, beside = found_cost["decode"] / found_cost["orjson"], found_cost["decode"] / found_cost["fastavro"]
    return Row(
        "Avro, 20 fields, logical types",
        f"{found_cost['decode']:.2f} µs ({found_cost['reader']:.2f} without framing), {times:.2f} x orjson"
        f" ({found_cost['orjson']:.2f}), {beside:.2f} x fastavro ({found_cost['fastavro']:.2f})",
        "≤ 4 x orjson on the same record as JSON, ≤ 0.8 x fastavro",
        met=times <= 4.0 and beside <= 0.8,
    )


def filtering(turns: int) -> Row:
    parsed = fastavro.parse_schema(SCHEMA)
    orders = [order(number, "order.viewed") for number in range(RECORDS)]
    avro, plain = mapping("avro", KNOWN), mapping("json", KNOWN)
    records = [record(FRAMING + as_avro(value, parsed)) for value in orders]
    texts = [record(as_json(value)) for value in orders]
    for one, other in zip(records, texts, strict=True):
        avro.map(one, 0.0)
        plain.map(other, 0.0)
    early, early_json = avro.early_filter("orders"), plain.early_filter("orders")
    assert early is not None
    assert early_json is not None
    found = least(
        turns,
        early=each(lambda one: early.outcomes_of(None, one.value), records),
        early_json=each(lambda one: early_json.outcomes_of(None, one.value), texts),
        mapped=each(avro.map, records, 0.0),
        mapped_json=each(plain.map, texts, 0.0),
    )
    return Row(
        "Avro, filter by its first field",
        f"on the poll thread {found['early']:.2f} µs where JSON is {found['early_json']:.2f}; in the mapping"
        f" {found['mapped']:.2f} where JSON is {found['mapped_json']:.2f}",
        "≤ the JSON filter",
        met=found["early"] <= found["early_json"] and found["mapped"] <= found["mapped_json"],
    )


def first_record(turns: int) -> Row:
    value = as_avro(order(1), fastavro.parse_schema(SCHEMA))
    return new_schema("Avro", turns, lambda: AvroReader(KNOWN, REFERENCE, logical_types=True).read(value, 0))


MEASURED = (reading, filtering, first_record)


def decoding(session: Session) -> Iterator[Row]:
    """The decoder alone, filtering by a leading field, and what a schema costs once."""
    return rows(MEASURED, session.size(TURNS))


if __name__ == "__main__":
    show(rows(MEASURED, TURNS))
