"""What expressions see of each type."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import Any

import pytest

from bridge.decode.failures import MappingError, Unusable
from tests.support.decode.wire import block, number, proto, read, tag


def value_of(declared: str, payload: bytes, before: str = "") -> Any:
    found = read(proto(f"message M {{ {declared} v = 1; }} {before}"), payload)
    assert isinstance(found, dict)
    return found["v"]


@pytest.mark.parametrize(
    ("declared", "payload", "expected"),
    [
        ("int64", number(1, (1 << 63) - 1), (1 << 63) - 1),
        ("int64", number(1, -1), -1),
        ("uint64", number(1, (1 << 64) - 1), (1 << 64) - 1),
        ("int32", number(1, -5), -5),
        ("int32", number(1, (1 << 32) + 7), 7),
        ("sint32", number(1, 3), -2),
        ("fixed64", tag(1, 1) + b"\xff" * 8, (1 << 64) - 1),
        ("sfixed32", tag(1, 5) + b"\xff" * 4, -1),
        ("bool", number(1, 300), True),
        ("double", tag(1, 1) + struct.pack("<d", 129.95), 129.95),
        ("float", tag(1, 5) + struct.pack("<f", 0.1), 0.1),
        ("float", tag(1, 5) + struct.pack("<f", 16777216.0), 16777216.0),
        ("bytes", block(1, b"\0\xff"), "AP8="),
        ("string", block(1, "Straße"), "Straße"),
        ("repeated int32", block(1, b"\1\2\3"), [1, 2, 3]),
        ("repeated int32", number(1, 1) + block(1, b"\2\3"), [1, 2, 3]),
        ("map<int32, string>", block(1, number(1, 7) + block(2, "seven")), {"7": "seven"}),
        ("map<bool, int32>", block(1, number(1, 1)), {"true": 0}),
        ("map<string, int32>", block(1, number(2, 3) + block(1, "k")), {"k": 3}),
        ("map<string, int32>", block(1, block(1, "k")) + block(1, block(1, "k") + number(2, 5)), {"k": 5}),
    ],
)
def test_a_scalar_is_what_its_type_means(declared: str, payload: bytes, expected: Any) -> None:
    found = value_of(declared, payload)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("int32", 0), ("double", 0.0), ("bool", False), ("string", ""), ("bytes", ""), ("E", "NEW"),
        ("repeated E", []), ("map<string, E>", {}), ("optional int32", None), ("optional E", None), ("A", None),
        ("google.protobuf.Timestamp", None), ("google.protobuf.Int32Value", None), ("google.protobuf.Struct", None),
    ],
)  # fmt: skip
def test_what_is_not_written_is_a_default_without_presence_and_null_with_it(declared: str, expected: Any) -> None:
    files = "".join(f'import "google/protobuf/{name}.proto";' for name in ("timestamp", "wrappers", "struct"))
    found = value_of(declared, b"", files + "enum E { NEW = 0; PAID = 1; } message A {}")
    assert found == expected
    assert type(found) is type(expected)


def test_an_enum_is_its_name_and_a_number_without_one_stays_a_number() -> None:
    enum = "enum E { option allow_alias = true; NEW = 0; PAID = 1; SETTLED = 1; LOST = -1; }"
    assert [value_of("E", number(1, given), enum) for given in (1, -1, 9)] == ["PAID", "LOST", 9]


def test_the_last_member_of_a_oneof_that_is_written_is_there_and_no_other() -> None:
    schema = proto("message M { oneof c { string a = 1; int32 b = 2; M m = 3; } }")
    assert read(schema, block(1, "x") + number(2, 0)) == {"a": None, "b": 0, "m": None}
    assert read(schema, number(2, 0) + block(1, "x")) == {"a": "x", "b": None, "m": None}
    assert read(schema, block(3, b"") + number(2, 5)) == {"a": None, "b": 5, "m": None}


TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"
FILES = "".join(
    f'import "google/protobuf/{name}.proto";'
    for name in ("timestamp", "duration", "wrappers", "struct", "any", "empty", "field_mask")
)


@pytest.mark.parametrize(
    ("declared", "inside", "expected"),
    [
        (TIMESTAMP, number(1, 1_767_323_045) + number(2, 678_000_000), "2026-01-02T03:04:05.678Z"),
        (TIMESTAMP, number(1, 1_767_323_045) + number(2, 678_900_000), "2026-01-02T03:04:05.678900Z"),
        (TIMESTAMP, number(1, 1_767_323_045) + number(2, 1), "2026-01-02T03:04:05.000000001Z"),
        (TIMESTAMP, number(1, 1_767_323_045), "2026-01-02T03:04:05Z"),
        (TIMESTAMP, b"", "1970-01-01T00:00:00Z"),
        (TIMESTAMP, number(1, -1) + number(2, 999_000_000), "1969-12-31T23:59:59.999Z"),
        (TIMESTAMP, number(1, -62_135_596_800), "0001-01-01T00:00:00Z"),
        (TIMESTAMP, number(1, 253_402_300_799), "9999-12-31T23:59:59Z"),
        (DURATION, number(1, 1) + number(2, 500_000_000), "1.5s"),
        (DURATION, number(1, -1) + number(2, -1), "-1.000000001s"),
        (DURATION, b"", "0s"),
        ("google.protobuf.Int64Value", number(1, 5), 5),
        ("google.protobuf.Int64Value", b"", 0),
        ("google.protobuf.StringValue", b"", ""),
        ("google.protobuf.BytesValue", block(1, b"\xff"), "/w=="),
        ("google.protobuf.Empty", b"", {}),
        ("google.protobuf.FieldMask", block(1, "a.b_c") + block(1, "d"), "a.b_c,d"),
        (
            "google.protobuf.Struct",
            block(1, block(1, "a") + block(2, tag(2, 1) + struct.pack("<d", 1.5)))
            + block(1, block(1, "b") + block(2, block(6, block(1, number(1, 0)) + block(1, number(4, 1)))))
            + block(1, block(1, "c") + block(2, block(5, b""))),
            {"a": 1.5, "b": [None, True], "c": {}},
        ),
        ("google.protobuf.Value", block(3, "x"), "x"),
        ("google.protobuf.Value", b"", None),
        ("google.protobuf.ListValue", block(1, block(3, "x")), ["x"]),
    ],
)
def test_a_well_known_type_is_what_it_stands_for(declared: str, inside: bytes, expected: Any) -> None:
    for payload in (block(1, inside), block(9, "unknown") + block(1, inside)):
        for _ in range(2):  # what was read once is kept
            found = value_of(declared, payload, FILES)
            assert found == expected
            assert type(found) is type(expected)


def test_an_any_has_its_type_and_the_fields_of_a_message_that_the_schema_knows() -> None:
    before = FILES + "message A { string a = 1; }"
    url = "type.googleapis.com/"
    assert value_of("google.protobuf.Any", block(1, block(1, url + "A") + block(2, block(1, "x"))), before) == {
        "@type": url + "A",
        "a": "x",
    }
    stamp = block(1, url + TIMESTAMP) + block(2, number(1, 60))
    assert value_of("google.protobuf.Any", block(1, stamp), before) == {
        "@type": url + TIMESTAMP,
        "value": "1970-01-01T00:01:00Z",
    }
    assert value_of("google.protobuf.Any", block(1, block(1, url + "B") + block(2, b"\1")), before) == {
        "@type": url + "B",
        "value": "AQ==",
    }


def test_a_decimal_of_confluents_is_an_exact_number() -> None:
    before = 'import "confluent/type/decimal.proto";'

    def decimal(unscaled: int, scale: int) -> Any:
        content = unscaled.to_bytes(20, "big", signed=True)
        return value_of("confluent.type.Decimal", block(1, block(1, content) + number(3, scale)), before)

    assert decimal(12345, 2) == 123.45
    assert decimal(-5, 0) == -5
    assert decimal(12345678901234567890123, 2) == Decimal("123456789012345678901.23")
    assert isinstance(decimal(1, 100_000), Unusable)


@pytest.mark.parametrize(
    ("declared", "payload", "what"),
    [
        ("double", tag(1, 1) + struct.pack("<d", float("nan")), "a number that is not finite"),
        ("float", tag(1, 5) + struct.pack("<f", float("inf")), "a number that is not finite"),
        ("repeated double", block(1, struct.pack("<d", float("-inf"))), "a number that is not finite"),
        (TIMESTAMP, block(1, number(1, 253_402_300_800)), "a timestamp out of range"),
        (TIMESTAMP, block(1, number(2, 1_000_000_000)), "a timestamp out of range"),
        (DURATION, block(1, number(1, 1) + number(2, -1)), "a duration out of range"),
    ],
)
def test_what_json_has_no_form_for_is_there_and_cannot_be_used(declared: str, payload: bytes, what: str) -> None:
    found = value_of(declared, payload, FILES)
    (found,) = found if isinstance(found, list) else (found,)
    assert isinstance(found, Unusable)
    assert found.what == what


def test_a_string_of_proto2_that_is_not_utf8_cannot_be_used_and_one_of_proto3_is_a_dead_letter() -> None:
    text = "message M { optional string a = 1; optional int32 b = 2; }"
    found = read(proto(text, syntax="proto2"), block(1, b"\xff") + number(2, 5))
    assert isinstance(found, dict)
    assert (found["a"].what, found["b"]) == ("a string that is not UTF-8", 5)
    with pytest.raises(MappingError, match=r"^the value is no M: a: the string is not UTF-8 at byte 9$"):
        read(proto(text), block(1, b"x\xff") + number(2, 5))


def test_messages_in_parts_are_merged_and_well_known_ones_too() -> None:
    schema = proto(f"{FILES} message M {{ M m = 1; int32 a = 2; repeated int32 r = 3; {TIMESTAMP} t = 4; }}")
    parts = block(1, number(2, 1) + number(3, 1)) + number(2, 9) + block(1, number(3, 2) + block(4, number(1, 60)))
    found = read(schema, parts + block(1, block(4, number(2, 1000))))
    assert found == {
        "m": {"m": None, "a": 1, "r": [1, 2], "t": "1970-01-01T00:01:00.000001Z"},
        "a": 9,
        "r": [],
        "t": None,
    }


def test_groups_are_messages_and_so_are_delimited_ones_of_editions() -> None:
    inside = tag(1, 3) + number(2, 5) + tag(1, 4)
    proto2 = proto("message M { optional group Item = 1 { optional int32 n = 2; } }", syntax="proto2")
    assert read(proto2, inside) == {"item": {"n": 5}}
    edition = proto("message A { int32 n = 2; } message M { A v = 1 [features.message_encoding = DELIMITED]; }")
    text = edition.text.replace('syntax = "proto3"', 'edition = "2023"')
    found = read(type(edition)("protobuf", text), inside, b"\0\0\0\0\7\2\2")
    assert found == {"v": {"n": 5}}
