"""A change of Debezium behind Confluent's converter: one type for before and after, Connect's names on columns."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

from bridge.config.mapping_section import MappingConfig
from bridge.decode.protocol import Schema
from bridge.mapping.compile import compile_mapping
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Filtered, FilterReason, Record, Request
from tests.support.avro import block, long, text

DECIMAL: Final = {
    "type": "bytes",
    "scale": 2,
    "precision": 10,
    "connect.version": 1,
    "connect.parameters": {"scale": "2", "connect.decimal.precision": "10"},
    "connect.name": "org.apache.kafka.connect.data.Decimal",
    "logicalType": "decimal",
}
ROW: Final = {
    "type": "record",
    "name": "Value",
    "fields": [
        {"name": "id", "type": "int"},
        {"name": "email", "type": "string"},
        {"name": "balance", "type": ["null", DECIMAL], "default": None},
        {"name": "created_at", "type": {"type": "long", "connect.name": "io.debezium.time.MicroTimestamp"}},
    ],
    "connect.name": "shop.public.customers.Value",
}
ENVELOPE: Final = {
    "type": "record",
    "name": "Envelope",
    "namespace": "shop.public.customers",
    "fields": [
        {"name": "before", "type": ["null", ROW], "default": None},
        {"name": "after", "type": ["null", "Value"], "default": None},
        {
            "name": "source",
            "type": {
                "type": "record",
                "name": "Source",
                "namespace": "io.debezium.connector.postgresql",
                "fields": [
                    {"name": "snapshot", "type": [{"type": "string", "connect.default": "false"}, "null"]},
                    {"name": "table", "type": "string"},
                    {"name": "lsn", "type": ["null", "long"], "default": None},
                    {"name": "ts_ms", "type": "long"},
                ],
            },
        },
        {"name": "op", "type": "string"},
        {"name": "ts_ms", "type": ["null", "long"], "default": None},
    ],
}
CONFIG: Final = {
    "decode": "avro",
    "unwrap": "debezium",
    "event_type": "source.table",
    "user_id": "after.id",
    "events": {
        "customers": {
            "event_name": "Balance Changed",
            "when": "changed('balance')",
            "metadata": {"balance": "after.balance", "since": "after.created_at"},
        }
    },
}


def row(balance: int) -> bytes:
    cents = balance.to_bytes(2, "big", signed=True)
    return long(7) + text("a@b.example") + b"\2" + block(cents) + long(1_767_323_045_678_901)


def outcome(before: int, after: int) -> Any:
    value = (
        (b"\0\0\0\0\x2a\2" + row(before) + b"\2" + row(after))
        + (b"\0" + text("false") + text("customers") + b"\2" + long(33) + long(1_767_323_045_678))
        + (text("u") + b"\2" + long(1_767_323_045_679))
    )
    mapping = compile_mapping(MappingConfig.model_validate(CONFIG), {"id:42": Schema("avro", json.dumps(ENVELOPE))})
    assert isinstance(mapping, CompiledMapping), mapping
    (found,) = mapping.map(Record("shop.public.customers", 0, 5, 1_767_323_045_678, None, value, ()), 0.0)
    return found


def test_a_change_is_read_with_its_decimals_and_times() -> None:
    request = outcome(1_234, 1_250)

    assert isinstance(request, Request)
    metadata = orjson.loads(request.body)["metadata"]
    assert request.user_id == "7"
    assert (metadata["balance"], metadata["since"]) == (12.5, "2026-01-02T03:04:05.678901Z")
    assert metadata["occurred_at"].startswith("2026-01-02T03:04:05.678")


def test_a_column_that_did_not_change_is_no_change() -> None:
    filtered = outcome(1_234, 1_234)

    assert isinstance(filtered, Filtered)
    assert filtered.reason is FilterReason.WHEN
