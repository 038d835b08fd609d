"""Topics whose records name their schema."""

from __future__ import annotations

import io
import json
import struct
from decimal import Decimal

import fastavro

from bridge.decode.protocol import Schema
from tests.support.proposal.made import Maker, Right, Topic, ms

AVRO = {
    "type": "record", "name": "OrderPlaced", "namespace": "shop",
    "fields": [
        {"name": "order_id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "customer_id", "type": "string"},
        {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2}},
        {"name": "currency", "type": {"type": "enum", "name": "Currency", "symbols": ["EUR", "USD"]}},
        {"name": "coupon", "type": ["null", "string"], "default": None},
    ],
}  # fmt: skip
PROTO = """syntax = "proto3";
package shop.v1;
import "google/protobuf/timestamp.proto";
message OrderPlaced {
  string order_id = 1;
  string customer_id = 2;
  google.protobuf.Timestamp placed_at = 3;
  int64 amount_cents = 4;
  Channel channel = 5;
  enum Channel { CHANNEL_UNSPECIFIED = 0; WEB = 1; APP = 2; }
}
"""


def orders_in_avro() -> Topic:
    made = Maker("shop.orders", 1)
    schema = fastavro.parse_schema(json.loads(json.dumps(AVRO)))
    for number in range(45):
        moment, own, user = made.when(number), made.uuid(), f"u-{made.chance.randrange(14)}"
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        out = io.BytesIO()
        order = {
            "order_id": own, "customer_id": user, "placed_at": moment, "amount": Decimal(number * 100 + 34) / 100,
            "currency": made.chance.choice(["EUR", "USD"]), "coupon": "SPRING" if number % 5 == 0 else None,
        }  # fmt: skip
        fastavro.schemaless_writer(out, schema, order)
        made.add(b"\0\0\0\0\x2a" + out.getvalue(), Right("Order Placed", user, moment, own), key=user, at=moment)
    return made.done({"id:42": Schema("avro", json.dumps(AVRO))})


def orders_in_protobuf() -> Topic:
    made = Maker("shop.orders.v2", 10)
    for number in range(45):
        moment, own, user = made.when(number), made.uuid(), f"u-{made.chance.randrange(14)}"
        moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        stamp = _field(1, ms(moment) // 1000) + _field(2, ms(moment) % 1000 * 1_000_000)
        payload = (
            _text(1, own.encode())
            + _text(2, user.encode())
            + _text(3, stamp)
            + _field(4, 1000 + number)
            + _field(5, 1 + number % 2)
        )
        made.add(b"\0" + struct.pack(">I", 7) + b"\0" + payload, Right("Order Placed", user, moment, own), at=moment)
    return made.done({"id:7": Schema("protobuf", PROTO)})


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _field(tag: int, number: int) -> bytes:
    return _varint(tag << 3) + _varint(number) if number else b""


def _text(tag: int, content: bytes) -> bytes:
    return _varint(tag << 3 | 2) + _varint(len(content)) + content
