"""What decoding Protobuf costs, beside orjson on the same records as JSON and beside Google's package: no Kafka."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory, timestamp_pb2
from google.protobuf.message import Message

from bench.decoders import RECORDS, REFERENCE, TURNS, each, least, mapping, new_schema, record, rows
from bench.session import Session
from bench.table import Row, show
from bridge.decode.protobuf.decoder import make
from bridge.decode.protobuf.reader import reader_of
from bridge.decode.protobuf.schema.sources import pool_of
from bridge.decode.protocol import FAST, FormatSettings, Schema

FRAMING = b"\0\0\0\0\x2a\0"

Kind = descriptor_pb2.FieldDescriptorProto
TIMES = ".google.protobuf.Timestamp"
FIELDS: dict[str, tuple[Any, str]] = {
    "type": (Kind.TYPE_STRING, ""),
    "id": (Kind.TYPE_STRING, ""),
    "user_id": (Kind.TYPE_STRING, ""),
    "created_at": (Kind.TYPE_MESSAGE, TIMES),
    "updated_at": (Kind.TYPE_MESSAGE, TIMES),
    "total": (Kind.TYPE_DOUBLE, ""),
    "currency": (Kind.TYPE_STRING, ""),
    "status": (Kind.TYPE_ENUM, ".shop.Status"),
    "items": (Kind.TYPE_INT32, ""),
    "number": (Kind.TYPE_INT64, ""),
    "weight": (Kind.TYPE_DOUBLE, ""),
    "gift": (Kind.TYPE_BOOL, ""),
    "coupon": (Kind.TYPE_STRING, "optional"),
    "email": (Kind.TYPE_STRING, "optional"),
    "country": (Kind.TYPE_STRING, ""),
    "city": (Kind.TYPE_STRING, ""),
    "discount": (Kind.TYPE_FLOAT, ""),
    "channel": (Kind.TYPE_STRING, ""),
    "tags": (Kind.TYPE_STRING, "repeated"),
    "address": (Kind.TYPE_MESSAGE, ".shop.Address"),
}


def file() -> descriptor_pb2.FileDescriptorProto:
    found = descriptor_pb2.FileDescriptorProto(
        name="shop.proto", package="shop", syntax="proto3", dependency=["google/protobuf/timestamp.proto"]
    )
    status = found.enum_type.add(name="Status")
    for number, name in enumerate(("NEW", "PAID", "SENT")):
        status.value.add(name=name, number=number)
    order = found.message_type.add(name="Order")
    for number, (name, (kind, more)) in enumerate(FIELDS.items(), 1):
        field = order.field.add(name=name, number=number, type=kind, label=Kind.LABEL_OPTIONAL)
        if more.startswith("."):
            field.type_name = more
        elif more == "repeated":
            field.label = Kind.LABEL_REPEATED
        elif more == "optional":
            field.proto3_optional = True
            field.oneof_index = len(order.oneof_decl)
            order.oneof_decl.add(name=f"_{name}")
    address = found.message_type.add(name="Address")
    for number, name in enumerate(("street", "zip"), 1):
        address.field.add(name=name, number=number, type=Kind.TYPE_STRING, label=Kind.LABEL_OPTIONAL)
    return found


def order_class() -> type[Message]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("shop.Order"))


def order(number: int, made: Callable[..., Any], event_type: str = "order.paid") -> Any:
    created = 1_767_323_045_678 + number * 937
    found = made(
        type=event_type,
        id=f"0d5f3c52-6f3a-4a37-9b0c-{2**40 + number * 7919:012x}",
        user_id=f"u-{number}",
        total=129.99 + number,
        currency="EUR",
        status=1,
        items=3,
        number=100_000 + number,
        weight=1.25 + number,
        gift=number % 2 == 0,
        email=f"jane{number}@example.com",
        country="DE",
        city="Hamburg" if number % 10 else "München",
        discount=0.05 * (number % 7),
        channel="web",
        tags=["a", "new"],
    )
    found.created_at.FromMilliseconds(created)
    found.updated_at.FromMilliseconds(created + 123)
    found.address.street, found.address.zip = "Main street 1", "20095"
    return found


KNOWN = Schema("protobuf", b64encode(file().SerializeToString()).decode())


def reading(turns: int) -> Row:
    made = order_class()
    values = [order(number, made).SerializeToString() for number in range(RECORDS)]
    records = [record(FRAMING + value) for value in values]
    decode = make(FormatSettings(), {REFERENCE: KNOWN})
    texts = [orjson.dumps(decode(one, None, FAST)) for one in records]
    for text, value in zip(texts, values, strict=True):
        google = json_format.MessageToDict(made.FromString(value), preserving_proto_field_name=True)
        assert {**json.loads(text), "number": "", "coupon": ""} == {**google, "number": "", "coupon": ""} | {
            name: default for name, default in (("gift", False), ("discount", 0.0)) if name not in google
        }
    found = least(
        turns,
        orjson=each(orjson.loads, texts),
        decode=each(lambda one: decode(one, None, FAST), records),
        google=each(lambda raw: json_format.MessageToDict(made.FromString(raw)), values[:20]),
    )
    times = found["decode"] / found["orjson"]
    return Row(
        "Protobuf, 20 fields, one of them a message, two timestamps",
        f"{found['decode']:.2f} µs, {times:.2f} x orjson ({found['orjson']:.2f}); Google's package into a dict"
        f" {found['google'] * RECORDS / 20:.2f}",
        "≤ 5 x orjson on the same record as JSON",
        met=times <= 5.0,
    )


def filtering(turns: int) -> Row:
    made = order_class()
    plain, protobuf = mapping("json", KNOWN), mapping("protobuf", KNOWN)
    decode = make(FormatSettings(), {REFERENCE: KNOWN})
    records = [record(FRAMING + order(number, made, "order.viewed").SerializeToString()) for number in range(RECORDS)]
    texts = [record(orjson.dumps(decode(one, None, FAST))) for one in records]
    found = least(
        turns,
        mapped=each(lambda one: protobuf.map(one, 0.0), records),
        mapped_json=each(lambda one: plain.map(one, 0.0), texts),
        decode=each(lambda one: decode(one, None, FAST), records),
    )
    return Row(
        "Protobuf, filter by a field",
        f"{found['mapped']:.2f} µs where decoding is {found['decode']:.2f}, JSON's filter {found['mapped_json']:.2f}",
        "≤ decoding: the last value of a field counts, so all of a message is passed over",
        met=found["mapped"] <= found["decode"],
    )


def first_record(turns: int) -> Row:
    value = FRAMING + order(1, order_class()).SerializeToString()

    def first() -> None:
        pool = pool_of(KNOWN)
        reader_of(pool, pool.file.messages[0])(value, len(FRAMING))

    return new_schema("Protobuf", turns, first)


MEASURED = (reading, filtering, first_record)


def decoding(session: Session) -> Iterator[Row]:
    """The decoder alone, filtering by a field, and what a schema costs once."""
    return rows(MEASURED, session.size(TURNS))


if __name__ == "__main__":
    show(rows(MEASURED, TURNS))
