"""Bytes that are no message, and schemas that are none: sentences with field and byte, in bounded time and memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto

from bridge.decode.failures import MappingError
from bridge.decode.protocol import NoSchema, Schema
from bridge.model import LetterReason, SchemaNeeded
from tests.support.decode.wire import FRAMING, block, number, proto, read, serialized, tag, varint

ORDER = proto(
    "package shop; message Order { string id = 1; repeated Item items = 2; int64 total = 3; map<string, Item> by = 4;"
    " repeated int32 many = 5; } message Item { string sku = 1; double price = 2; Item inner = 3; }"
)


def failure(schema: Schema | NoSchema, payload: bytes, framing: bytes = FRAMING) -> str:
    with pytest.raises(MappingError) as raised:
        read(schema, payload, framing)
    assert raised.value.reason is LetterReason.UNDECODABLE
    return raised.value.message


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (block(1, "abc")[:-1], "id: a length of 3 bytes, where 2 are left at byte 7"),
        (tag(1, 2), "id: the bytes end inside of a number at byte 7"),
        (b"\x80", "the bytes end inside of a number at byte 7"),
        (number(3, 5)[:-1] + b"\xff" * 10, "total: a number has more than 10 bytes at byte 7"),
        (tag(3, 0) + b"\xff" * 3, "total: the bytes end inside of a number at byte 10"),
        (number(0, 5), "a field has the number 0, which none may have at byte 6"),
        (varint(1 << 35), "a field number is beyond all that may be used at byte 6"),
        (tag(1, 6), "field number 1 has the wire type 6, which does not exist at byte 6"),
        (tag(1, 7), "field number 1 has the wire type 7, which does not exist at byte 6"),
        (
            number(1, 5),
            "id: it is written as a varint, where its type needs bytes with a length at byte 6",
        ),
        (block(3, "x"), "total: it is written as bytes with a length, where its type needs a varint at byte 6"),
        (tag(9, 4), "the end of group 9 without its beginning at byte 7"),
        (tag(9, 3) + tag(8, 4), "the end of group 8 inside of group 9 at byte 7"),
        (tag(9, 3), "group 9 has no end at byte 7"),
        (block(2, tag(2, 1) + b"1234567"), "items[0].price: the bytes end inside of a number of 8 bytes at byte 16"),
        (
            block(2, b"") + block(2, block(3, block(1, b"\xff"))),
            "items[1].inner.sku: the string is not UTF-8 at byte 14",
        ),
        (block(4, block(2, b"\x0a\x05")), "by[0].value.sku: a length of 5 bytes, where 0 are left at byte 11"),
        (block(5, b"\1\x80"), "many[1]: the bytes end inside of a number at byte 10"),
        (tag(1, 2) + varint((1 << 63) - 1), f"id: a length of {(1 << 63) - 1} bytes, where 0 are left at byte 7"),
        (tag(1, 2) + varint(-1), f"id: a length of {(1 << 64) - 1} bytes, where 0 are left at byte 7"),
        (block(1, "abc") + b"\0", "a field has the number 0, which none may have at byte 11"),
    ],
    ids=lambda given: given[:40] if isinstance(given, str) else "",
)
def test_bytes_that_are_no_message_are_named_with_field_and_byte(payload: bytes, message: str) -> None:
    assert failure(ORDER, payload) == f"the value is no shop.Order: {message}"


@pytest.mark.parametrize("deepest", [100, 101, 10_000])
def test_nesting_is_bounded(deepest: int) -> None:
    schema = proto("message M { M m = 1; }")
    pieces, size = [], 0
    for _ in range(deepest - 1):
        head = tag(1, 2) + varint(size)
        pieces.append(head)
        size += len(head)
    payload = b"".join(reversed(pieces))
    if deepest > 100:
        message = failure(schema, payload)
        assert "messages are nested deeper than 100 at byte" in message
    else:
        assert isinstance(read(schema, payload), dict)


def test_groups_that_nobody_reads_are_bounded_too() -> None:
    assert "nested deeper than 100" in failure(ORDER, tag(9, 3) * 50_000)


WIDE = "message M { repeated W w = 1; map<int32, W> m = 2; repeated int32 n = 3; repeated string s = 4; W one = 5;} "
WIDE += "message W { " + " ".join(f"optional int32 f{n} = {n};" for n in range(1, 60)) + " W left = 60; W right = 61; }"


def tree(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = block(60, inside) + block(61, inside)
    return block(5, inside)


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        (block(1, b"") * 500_000, "W"),
        (block(2, b"") * 500_000, "W"),
        (block(3, b"\1" * 5_000_000), "n"),
        (block(3, b"\1") * 1_000_000, "n"),
        (block(4, b"") * 1_500_000, "s"),
        (tree(17), "W"),
    ],
    ids=["messages", "entries", "packed", "unpacked", "strings", "tree"],
)
def test_a_bomb_is_a_dead_letter_and_no_allocation(payload: bytes, place: str) -> None:
    message = failure(proto(WIDE), payload)
    expected = (
        f"the value is no M: {place}: decoded it would take more than 20 MB and 10 bytes for each of its own at byte"
    )
    assert message.startswith(expected)


@pytest.mark.slow
def test_a_fault_at_the_end_of_a_large_record_is_not_looked_for_for_ever() -> None:
    message = failure(proto("message M { int32 n = 1; }"), number(1, 1) * 600_000 + b"\0")
    assert "was not found in the first 500000 fields" in message


@pytest.mark.slow
def test_a_bomb_takes_no_more_memory_than_is_said() -> None:
    schema, payload = proto(WIDE), block(1, b"") * 20_000
    tracemalloc.start()
    try:
        failure(schema, payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000


def test_messages_in_parts_cost_no_more_the_deeper_they_are() -> None:
    """The first part must not be read again at each level: 30 levels would be a billion readings."""
    schema = proto("message M { M m = 1; int32 a = 2; }")
    payload = number(2, 1)
    for _ in range(60):
        payload = block(1, payload) + number(2, 3) + block(1, b"")
    assert isinstance(read(schema, payload), dict)


def test_a_large_record_without_anything_wrong_is_read() -> None:
    found = read(proto(WIDE), block(3, b"\1" * 300_000) + block(4, "x") * 10_000 + block(1, number(1, 5)) * 1000)
    assert isinstance(found, dict)
    assert (len(found["n"]), len(found["s"]), found["w"][999]["f1"]) == (300_000, 10_000, 5)


# --- schemas


def test_a_schema_that_is_not_known_yet_is_asked_for() -> None:
    assert read(None, b"") == SchemaNeeded("id:7")


def broken(**fields: Any) -> Schema:
    file = FileDescriptorProto(name="a.proto", syntax="proto3")
    message = file.message_type.add(name="M")
    for name, given in fields.items():
        field = message.field.add(name=name, label=FieldDescriptorProto.LABEL_OPTIONAL)
        for attribute, value in given.items():
            setattr(field, attribute, value)
    return serialized(file.SerializeToString())


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (NoSchema("the registry does not know schema id 7"), "the registry does not know schema id 7"),
        (Schema("avro", '"string"'), "the schema id:7 is Avro and not Protobuf; decode: avro reads it"),
        (Schema("json", "{}"), "the schema id:7 is JSON Schema and not Protobuf; decode: json reads it"),
        (
            Schema("protobuf", "{not base64}"),
            "it is neither base64 of a file descriptor nor the text of a .proto file; a registry that gives",
        ),
        (
            Schema("protobuf", "AAAA"),
            "it is no file descriptor: a field has the number 0, which none may have at byte 0 of a part of",
        ),
        (
            serialized(b""),
            "the schema id:7 does not serve the value: it declares 0 messages, and the record asks for that",
        ),
        (
            Schema("protobuf", "A" * 5_000_000),
            "with all that it imports it has 5000000 characters, and 3000000 are the most",
        ),
        (
            proto('import "b.proto"; message M { B b = 1; }'),
            "no M can be read: the type B of the field M.b is not declared; the schema imports b.proto, whic",
        ),
        (
            proto('import "b.proto"; message M {}', b='import "c.proto";', c='import "b.proto";'),
            "the schema id:7 serves no record: its imports go in a circle: b.proto imports c.proto imports b.proto",
        ),
        (
            broken(a={"number": 1, "type": 5}, b={"number": 1, "type": 5}),
            "the schema id:7 serves no record: M has two fields with the number 1",
        ),
        (broken(a={"number": 0, "type": 5}), "the schema id:7 serves no record: the field M.a has the number 0"),
        (
            proto("message M { int32 a = ; }"),
            "the schema id:7 serves no record: its text is no .proto file: a number is missing in line 1",
        ),
        (
            proto("message M { int32 a = 1;"),
            "the schema id:7 serves no record: its text is no .proto file: } is missing at its end in line 1",
        ),
        (
            Schema("protobuf", 'edition = "2042"; message M {}'),
            "the schema id:7 serves no record: it is of the edition 2042, which is not known here",
        ),
    ],
    ids=lambda given: given[:60] if isinstance(given, str) else "",
)
def test_a_schema_that_serves_no_record_says_why(schema: Schema | NoSchema, message: str) -> None:
    assert message in failure(schema, b"")


def test_an_import_that_is_not_there_is_no_fault_where_nothing_of_it_is_needed() -> None:
    """Most are there for options: buf/validate/validate.proto, google/api/annotations.proto."""
    assert read(proto('import "buf/validate/validate.proto"; message M { int32 a = 1; }'), b"") == {"a": 0}
