"""What is wrong with a schema is said once, in a sentence, and nothing is read by it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.decode.avro.nodes import AvroArray, AvroEnum, AvroPrimitive, AvroSchema, AvroUse
from bridge.decode.avro.schema import MOST_BYTES, AvroSchemaError, parse_schema
from bridge.decode.avro.source import fast_reader
from bridge.decode.beyond_json.meanings import Meaning
from tests.support.avro import long, text


def record(*fields: tuple[str, Any], name: str = "R") -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in fields]}


def parsed(tree: Any, *references: tuple[str, Any]) -> AvroSchema:
    return parse_schema(json.dumps(tree), tuple((name, json.dumps(inner)) for name, inner in references))


NESTED: Any = "int"
for _ in range(100):
    NESTED = {"type": "array", "items": NESTED}
DOUBLING = [record(("n", "null"), name="R0")] + [
    record(("a", f"R{place - 1}"), ("b", f"R{place - 1}"), name=f"R{place}") for place in range(1, 41)
]
CHAIN = [record(("n", "null"), name="R0")] + [record(("a", f"R{n - 1}"), name=f"R{n}") for n in range(1, 200)]

FAULTS: list[tuple[str, str]] = [
    ("", "it is not JSON: "),
    ("{", "it is not JSON: "),
    ("syntax = 'proto3';", "it is not JSON: "),
    ("7", "a type is a name, an object or an array"),
    ("{}", "an object without a type"),
    ('"strings"', "the type strings is not defined before it is used"),
    ('{"type": "strings"}', "the type strings is not defined"),
    (json.dumps(record(("a", "B"), name="A")), "field a of A: the type B is not defined before it is used"),
    (json.dumps(record(("a", "A"), name="A")), "the record A contains itself without a way out: no value of it ends"),
    (
        json.dumps(record(("a", record(("b", "A"), name="B")), name="A")),
        "the record A contains itself without a way out",
    ),
    ("[]", "a union of no types"),
    ('["null", ["int"]]', "a union directly within a union"),
    (json.dumps(record(("a", "int"), ("a", "int"))), "the record R has two fields a"),
    (json.dumps(record(("", "int"))), "a field of the record R has no name"),
    ('{"type": "record", "name": "R", "fields": [{"name": "a"}]}', "field a of R: it has no type"),
    ('{"type": "record", "name": "R"}', "the record R has no list of fields"),
    ('{"type": "record", "fields": []}', "a record without a name"),
    ('{"type": "enum", "name": "E"}', "the enum E has no list of symbols"),
    ('{"type": "enum", "name": "E", "symbols": ["a", "a"]}', "the enum E has a symbol twice"),
    ('{"type": "enum", "name": "E", "symbols": [1]}', "the enum E has no list of symbols"),
    ('{"type": "fixed", "name": "F"}', "the fixed F has no size that is a number of bytes"),
    ('{"type": "fixed", "name": "F", "size": -1}', "the fixed F has no size"),
    ('{"type": "fixed", "name": "F", "size": 4294967296}', "the fixed F has no size"),
    ('{"type": "array"}', "the array says nothing of its items"),
    ('{"type": "map"}', "the map says nothing of its values"),
    (
        json.dumps(record(*((name, {"type": "fixed", "name": "F", "size": n}) for name, n in (("a", 1), ("b", 2))))),
        "field b of R: the type F is defined twice, and not alike",
    ),
    (json.dumps(record(("a", record(("b", "int"), name="R")))), "the type R is defined twice, and not alike"),
    (json.dumps(NESTED), "it is nested deeper than 64"),
    (json.dumps([*CHAIN, "null"]), "it is nested deeper than 64"),
    (json.dumps([*DOUBLING, "null"]), "each value of it would hold more than 100000 others"),
    (json.dumps({"type": "string", "doc": "x" * 5_000_000}), f"bytes with all that it refers to; {MOST_BYTES}"),
    (json.dumps(record(*((f"f{place}", "int") for place in range(21_000)))), "more than 20000 types and fields"),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "sentence"), FAULTS, ids=[sentence for _, sentence in FAULTS])
def test_a_fault_of_a_schema_is_named(schema: str, sentence: str) -> None:
    with pytest.raises(AvroSchemaError) as caught:
        parse_schema(schema)
    assert sentence in str(caught.value)
    assert len(str(caught.value)) < 1_000


def test_a_schema_may_use_what_its_references_define() -> None:
    line = record(("sku", "string"), name="shop.Line")
    status = {"type": "enum", "name": "Status", "namespace": "shop", "symbols": ["NEW", "PAID"]}
    order = {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [
            {"name": "status", "type": "Status"},
            {"name": "lines", "type": {"type": "array", "items": "shop.Line"}},
        ],
    }
    schema = parsed(order, ("line.avsc", line), ("status.avsc", status))

    assert dict(schema.records["shop.Order"].fields)["lines"] == AvroArray(AvroUse("shop.Line"))
    assert dict(schema.records["shop.Order"].fields)["status"] == AvroEnum("shop.Status", ("NEW", "PAID"))
    raw = long(1) + long(1) + text("a-7") + b"\0"
    assert fast_reader(schema, "x")(raw, 0) == {"status": "PAID", "lines": [{"sku": "a-7"}]}


def test_a_fault_of_a_reference_is_named_with_it() -> None:
    with pytest.raises(AvroSchemaError, match=r"its reference line\.avsc: the type Sku is not defined"):
        parsed("Line", ("line.avsc", {"type": "array", "items": "Sku"}))


def test_what_two_references_define_alike_is_one_type() -> None:
    line = record(("sku", "string"), name="Line")
    schema = parsed({"type": "array", "items": "Line"}, ("a", line), ("b", {"type": "array", "items": line}))

    assert schema.root == AvroArray(AvroUse("Line"))


def test_a_name_without_a_namespace_has_that_of_what_it_is_in() -> None:
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "self", "type": ["null", "Inner"]}]}
    outer = {"type": "record", "name": "shop.Outer", "fields": [{"name": "inner", "type": inner}]}

    assert set(parsed(outer).records) == {"shop.Outer", "shop.Inner"}


@pytest.mark.parametrize(
    "tree",
    [
        {"type": "long", "logicalType": "nobody-knows"},
        {"type": "long", "logicalType": "date"},
        {"type": "long", "logicalType": 7},
        {"type": "long", "logicalType": "decimal", "precision": 4, "scale": 2},
        {"type": "long", "connect.name": "io.debezium.time.NobodyKnows"},
    ],
)
def test_a_logical_type_that_nobody_knows_is_read_as_its_base(tree: dict[str, Any]) -> None:
    assert parsed(tree).root == AvroPrimitive("long")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"precision": 0},
        {"precision": 2, "scale": 3},
        {"precision": 4, "scale": -1},
        {"precision": "4"},
        {"precision": 9999, "scale": 999},
    ],
)
def test_a_decimal_that_cannot_be_is_read_as_its_bytes(more: dict[str, Any]) -> None:
    assert parsed({"type": "bytes", "logicalType": "decimal", **more}).root == AvroPrimitive("bytes")


def test_a_decimal_of_connect_needs_no_precision_and_may_count_thousands() -> None:
    name = "org.apache.kafka.connect.data.Decimal"
    given: dict[str, Any] = {"type": "bytes", "connect.name": name, "connect.parameters": {"scale": "-3"}}
    assert parsed(given).root == AvroPrimitive("bytes", Meaning("decimal", scale=-3))
    assert parsed({"type": "bytes", "scale": 2, "connect.name": name}).root == AvroPrimitive(
        "bytes", Meaning("decimal", scale=2)
    )


def test_without_logical_types_everything_is_what_it_is_stored_as() -> None:
    tree = record(
        ("a", {"type": "long", "logicalType": "timestamp-millis"}),
        ("b", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}),
        ("c", {"type": "fixed", "name": "F", "size": 12, "logicalType": "duration"}),
    )
    schema = parse_schema(json.dumps(tree), logical_types=False)

    assert [getattr(node, "meaning", None) for _, node in schema.records["R"].fields] == [None, None, None]
    raw = long(1_767_323_045_678) + b"\4\4\xd2" + bytes(12)
    assert fast_reader(schema, "x")(raw, 0) == {"a": 1_767_323_045_678, "b": "BNI=", "c": "AAAAAAAAAAAAAAAA"}
