"""Whatever the bytes, the answer is a value or a sentence with field and byte, in bounded time and memory."""

from __future__ import annotations

import json
import struct
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.decode.avro.careful import AvroBytesError, CarefulReader
from bridge.decode.avro.nodes import AvroSchema
from bridge.decode.avro.reader import MISREAD, AvroReader
from bridge.decode.avro.schema import parse_schema
from bridge.decode.avro.weights import MOST_STRUCTURE
from bridge.decode.protocol import Schema
from tests.everyday import examples
from tests.support.avro import Drawn, block, drawn_values, long, text

LINE = {
    "type": "record",
    "name": "Line",
    "fields": [{"name": "sku", "type": "string"}, {"name": "n", "type": "int"}],
}
ORDER = {
    "type": "record",
    "name": "Event",
    "fields": [
        {"name": "id", "type": "long"},
        {
            "name": "order",
            "type": [
                "null",
                {
                    "type": "record",
                    "name": "Order",
                    "fields": [
                        {"name": "lines", "type": {"type": "array", "items": LINE}},
                        {"name": "status", "type": {"type": "enum", "name": "S", "symbols": ["NEW", "PAID"]}},
                        {"name": "labels", "type": {"type": "map", "values": "string"}},
                        {"name": "paid", "type": "boolean"},
                        {"name": "total", "type": "double"},
                        {"name": "hash", "type": {"type": "fixed", "name": "H", "size": 4}},
                    ],
                },
            ],
        },
    ],
}
WHOLE = (
    long(7)
    + long(1)
    + (long(1) + text("a-7") + long(2) + b"\0")
    + long(1)
    + (long(1) + text("k") + text("v") + b"\0")
    + b"\1"
    + struct.pack("<d", 1.5)
    + b"abcd"
)
LINES = long(7) + long(1)
"""Until the lines begin."""


def reader(tree: Any) -> AvroReader:
    return AvroReader(Schema("avro", json.dumps(tree)), "id:42", logical_types=True)


def problem(tree: Any, raw: bytes, start: int = 0) -> str:
    with pytest.raises(AvroBytesError) as caught:
        reader(tree).read(raw, start)
    return str(caught.value)


def test_the_example_is_whole() -> None:
    assert reader(ORDER).read(WHOLE, 0)["order"]["lines"] == [{"sku": "a-7", "n": 2}]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"", "field id: the end of the bytes where a number should be or continue at byte 0"),
        (b"\x80", "field id: the end of the bytes where a number should be or continue at byte 1"),
        (b"\x80" * 12, "field id: a number of more than 64 bits at byte 0"),
        (b"\xff" * 9 + b"\x02", "field id: a number of more than 64 bits at byte 0"),
        (long(7) + long(2), "field order: a union's branch that is not among its 2 at byte 1"),
        (long(7) + long(-1), "field order: a union's branch that is not among its 2 at byte 1"),
        (LINES + long(1) + long(-3), "field order.lines[].sku: a negative length of a string at byte 3"),
        (
            LINES + long(1) + long(2**31) + b"abc",
            "field order.lines[].sku: a string of 2147483648 bytes where 3 are left at byte 3",
        ),
        (LINES + long(1) + block(b"a\xff"), "lines[].sku: a string that begins at byte 3 and is not UTF-8 at byte 5"),
        (LINES + long(2**31) + text("a"), "field order.lines[]: more items in lists and maps than a value"),
        (LINES + long(-(2**63)) + long(9), "field order.lines[]: more items in lists and maps than a value"),
        (LINES + b"\0" + long(2), "field order.status: a symbol's number that is not among its 2 at byte 3"),
        (LINES + b"\0" + long(-1), "field order.status: a symbol's number that is not among its 2 at byte 3"),
        (LINES + b"\0\0" + long(1) + block(b"\xff"), "field order.labels[]: a string that begins at byte 5"),
        (LINES + b"\0\0\0\2", "field order.paid: a boolean that is neither 0 nor 1 at byte 5"),
        (LINES + b"\0\0\0\1abc", "field order.total: a double of 8 bytes where 3 are left at byte 6"),
        (LINES + b"\0\0\0\1" + bytes(8) + b"abc", "field order.hash: 4 bytes where 3 are left at byte 14"),
        (WHOLE + b"x", f"1 more bytes follow the value, which ends at byte {len(WHOLE)}"),
        (WHOLE + WHOLE, f"{len(WHOLE)} more bytes follow the value, which ends at byte {len(WHOLE)}"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_field_and_byte(raw: bytes, sentence: str) -> None:
    assert sentence in problem(ORDER, raw)
    framed = problem(ORDER, b"\0\0\0\0\x2a" + raw, 5)
    assert framed.partition(" at byte ")[0] == problem(ORDER, raw).partition(" at byte ")[0]


def test_every_truncation_is_a_sentence() -> None:
    for end in range(len(WHOLE)):
        assert " at byte " in problem(ORDER, WHOLE[:end])


NODE = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "value", "type": "int"}, {"name": "next", "type": ["null", "Node"]}],
}
TREE = {"type": "record", "name": "Tree", "fields": [{"name": "children", "type": {"type": "array", "items": "Tree"}}]}


def test_a_value_nested_a_hundred_times_is_read() -> None:
    value = reader(NODE).read((long(1) + long(1)) * 100 + long(1) + long(0), 0)

    for _ in range(100):
        value = value["next"]
    assert value == {"value": 1, "next": None}


@pytest.mark.parametrize(
    ("tree", "raw"),
    [(NODE, (long(1) + long(1)) * 10_000 + long(1) + long(0)), (TREE, long(1) * 10_000 + b"\0" * 10_001)],
)
def test_a_value_nested_ten_thousand_times_is_refused(tree: Any, raw: bytes) -> None:
    said = problem(tree, raw)

    assert "more than 128 values of recursive types within each other at byte " in said
    assert len(said) < 300


EMPTY = {"type": "record", "name": "Empty", "fields": []}
ARRAYS = {"type": "array", "items": {"type": "array", "items": "int"}}
BOMBS = [
    ({"type": "array", "items": "null"}, long(2**31) + b"\0"),
    ({"type": "array", "items": "null"}, long(2**62) + b"\0"),
    ({"type": "array", "items": "null"}, (long(MOST_STRUCTURE // 2) * 3) + b"\0"),
    ({"type": "array", "items": EMPTY}, long(1_000_000) + b"\0"),
    ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}, long(1_000_000) + b"\0"),
    ({"type": "map", "values": "null"}, long(300_000) + b"\2a" * 300_000 + b"\0"),
    (ARRAYS, long(600_000) + b"\0" * 600_001),
    ({"type": "array", "items": {"type": "map", "values": "int"}}, long(600_000) + b"\0" * 600_001),
    ({"type": "array", "items": ["null", ARRAYS]}, long(600_000) + b"\2\0" * 600_000 + b"\0"),
    ({"type": "array", "items": {"type": "fixed", "name": "F", "size": 2**31 - 1}}, long(2**31) + b"abc"),
    ({"type": "fixed", "name": "F", "size": 2**31 - 1}, b"abc"),
    ("bytes", long(2**31) + b"abc"),
    ("string", long(2**62) + b"abc"),
    ({"type": "array", "items": "boolean"}, long(2**62) + b"\1\1"),
    ({"type": "array", "items": "double"}, long(2**31) + bytes(16)),
    ({"type": "array", "items": {"type": "int", "logicalType": "date"}}, long(2**31) + long(20_455)),
    ({"type": "array", "items": {"type": "long", "logicalType": "timestamp-millis"}}, long(2**31) + long(10**12)),
    ({"type": "array", "items": {"type": "bytes", "logicalType": "decimal", "precision": 9}}, long(2**31) + b"\2\1"),
    (TREE, long(60_000) + b"\0" * 60_001),
]  # fmt: skip


@pytest.mark.parametrize(("tree", "raw"), BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(tree: Any, raw: bytes) -> None:
    made = reader(tree)
    tracemalloc.start()
    try:
        with pytest.raises(AvroBytesError):
            made.read(raw, 0)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 40_000_000


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(drawn_values(), st.data())
def test_both_readers_agree_on_bytes_that_were_changed(drawn: Drawn, data: st.DataObject) -> None:
    raw = bytearray(drawn.encoded)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(raw)))
        match data.draw(st.sampled_from(["cut", "set", "insert"])):
            case "cut":
                del raw[place:]
            case "set" if place < len(raw):
                raw[place] = data.draw(st.sampled_from([0, 1, 2, 0x7F, 0x80, 0xFF]))
            case _:
                raw[place:place] = data.draw(st.binary(max_size=3))
    made = AvroReader(Schema("avro", json.dumps(drawn.schema)), "id:42", logical_types=True)
    try:
        expected = CarefulReader(made.schema, bytes(raw), 0, most=1_000_000).read()
    except AvroBytesError:
        with pytest.raises(AvroBytesError):
            made.read(bytes(raw), 0)
    else:
        assert _shown(made.read(bytes(raw), 0)) == _shown(expected)


def _shown(value: Any) -> str:
    """Alike for values that are `Unusable` as well, which cannot be compared."""
    match value:
        case dict():
            return "{" + ",".join(f"{name!r}:{_shown(inner)}" for name, inner in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_shown, value)) + "]"
        case str() | int() | float() | None:
            return repr(value)
        case _:
            return str(getattr(value, "what", value))


def test_what_cannot_be_read_is_looked_for_within_bounds() -> None:
    schema: AvroSchema = parse_schema('{"type": "array", "items": "int"}')
    assert schema.records == {}
    raw = long(90_000) + b"\2" * 90_000 + b"\1" + b"\0"
    assert "what cannot be read is behind the first 10000 values" in problem({"type": "array", "items": "int"}, raw)


def record_of(*kinds: Any, name: str = "R") -> dict[str, Any]:
    return {
        "type": "record",
        "name": name,
        "fields": [{"name": f"f{place}", "type": kind} for place, kind in enumerate(kinds)],
    }


DECIMAL = {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 2}


@pytest.mark.parametrize(
    ("tree", "raw"),
    [
        ("string", text("abc")),
        ("bytes", block(b"abc")),
        (DECIMAL, block(b"abc")),
        (DECIMAL, block(b"abcdefghij")),
        (["null", "string"], b"\2" + text("abc")),
        (["int", "string", "long"], b"\2" + text("abc")),
        (record_of("int", "string"), b"\2" + text("abc")),
        (record_of("string", "null", {"type": "fixed", "name": "F", "size": 0}), text("abc")),
        (record_of("string", record_of("null", name="S")), text("abc")),
        (record_of(record_of("string", name="S"), "S"), text("a") + text("abc")),
        (record_of("int", record_of("int", "string", name="S")), b"\2\2" + text("abc")),
        (record_of("string", ["null", "R"]), text("a") + b"\2" + text("abc") + b"\0"),
    ],
)
def test_a_text_that_is_cut_off_at_the_very_end_is_no_shorter_text(tree: Any, raw: bytes) -> None:
    made = reader(tree)
    made.fast(raw, 0)
    for end in range(len(raw)):
        with pytest.raises(MISREAD):
            made.fast(raw[:end], 0)
        assert " at byte " in problem(tree, raw[:end])
