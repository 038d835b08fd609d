"""The text of .proto files, as registries that do not serialize give it, and the files that are built in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from google.protobuf import (
    any_pb2,
    duration_pb2,
    empty_pb2,
    field_mask_pb2,
    source_context_pb2,
    struct_pb2,
    timestamp_pb2,
    wrappers_pb2,
)

from bridge.decode.protobuf.schema.built_in import built_in_file
from bridge.decode.protobuf.schema.descriptors import file_of
from bridge.decode.protobuf.schema.nodes import DescriptorError, FieldType, FileNode, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.schema.proto_text import file_of_text

GOOGLE: list[Any] = [
    any_pb2, duration_pb2, empty_pb2, field_mask_pb2, source_context_pb2, struct_pb2, timestamp_pb2, wrappers_pb2,
]  # fmt: skip


def every(messages: Sequence[MessageNode]) -> Iterator[MessageNode]:
    for message in messages:
        yield message
        yield from every(message.messages)


def shown(file: FileNode) -> dict[str, Any]:
    """Each message in order, with its fields once names are looked up."""
    pool = Pool(file, {})
    return {
        message.name: [
            (field.name, field.number, field.type, field.repeated, field.explicit, field.oneof, target and target.name)
            for field, target in (pool.field(message, declared) for declared in message.fields)
        ]
        for message in every(file.messages)
    }


@pytest.mark.parametrize("module", GOOGLE, ids=lambda module: module.DESCRIPTOR.name)
def test_a_built_in_file_is_what_google_has(module: Any) -> None:
    built_in = built_in_file(module.DESCRIPTOR.name)
    assert built_in is not None
    assert shown(built_in) == shown(file_of(module.DESCRIPTOR.serialized_pb))


TEXT = """
// A comment; /* not one */ message Not { }
syntax = 'proto3'; /* and
one over lines: message Not2 {} */
package shop . v1;
import public "google/protobuf/timestamp.proto";
import weak 'other.proto';
option java_package = "com.example" ".shop";
option (my.option) = { deep: [ { a: 1 }, { b: "}" } ] };

message Order {
  option (a.b).c = true;
  reserved 2, 15, 9 to 11, 100 to max; reserved "foo", 'bar';
  string message = 1 [json_name = "m", (v.rules).string = {min_len: 1, pattern: "[;{}]"}];
  optional .shop.v1.Order.Item.Kind optional = 0x10;
  repeated Item repeated = 017;
  map < string , Item > my_items = 20;
  oneof choice { option (x) = 1; string a = 21; int32 b = 22; }
  google.protobuf.Timestamp at = 23; ;
  message Item { enum Kind { option allow_alias = true; UNKNOWN = 0; A = 1; B = 1 [deprecated = true]; C = -1; } }
}
enum Top { reserved 3; TOP = 0; }
service Orders { rpc Get (Order) returns (stream Order) { option (google.api.http) = { get: "/v1/{name}" }; } }
extend google.protobuf.FieldOptions { string my = 50000; }
"""


def test_whatever_may_be_in_a_file_is_read_or_passed_over() -> None:
    file = file_of_text("shop.proto", TEXT.replace("shop . v1", "shop.v1"))
    assert (file.package, file.imports) == ("shop.v1", ("google/protobuf/timestamp.proto", "other.proto"))
    assert shown(file) == {
        "shop.v1.Order": [
            ("message", 1, FieldType.STRING, False, False, None, None),
            ("optional", 16, FieldType.ENUM, False, True, None, "shop.v1.Order.Item.Kind"),
            ("repeated", 15, FieldType.MESSAGE, True, False, None, "shop.v1.Order.Item"),
            ("my_items", 20, FieldType.MESSAGE, True, False, None, "shop.v1.Order.MyItemsEntry"),
            ("a", 21, FieldType.STRING, False, True, 0, None),
            ("b", 22, FieldType.INT32, False, True, 0, None),
            ("at", 23, FieldType.MESSAGE, False, True, None, "google.protobuf.Timestamp"),
        ],
        "shop.v1.Order.MyItemsEntry": [
            ("key", 1, FieldType.STRING, False, False, None, None),
            ("value", 2, FieldType.MESSAGE, False, False, None, "shop.v1.Order.Item"),
        ],
        "shop.v1.Order.Item": [],
    }
    kind = next(message for message in every(file.messages) if message.name.endswith("Item")).enums[0]
    assert kind.names == {0: "UNKNOWN", 1: "A", -1: "C"}


def test_editions_decide_by_features_of_file_message_and_field() -> None:
    file = file_of_text(
        "e.proto",
        """edition = "2023"; option features.field_presence = IMPLICIT;
        message A {
          option features = { message_encoding: DELIMITED };
          int32 implicit = 1; int32 explicit = 2 [features.field_presence = EXPLICIT]; A delimited = 3;
          A prefixed = 4 [features.message_encoding = LENGTH_PREFIXED]; map<int32, A> never = 5;
          string unverified = 6 [features.utf8_validation = NONE];
        }""",
    )
    pool = Pool(file, {})
    fields = {field.name: pool.field(file.messages[0], field)[0] for field in file.messages[0].fields}
    assert [fields[name].explicit for name in ("implicit", "explicit")] == [False, True]
    types = [fields[name].type for name in ("delimited", "prefixed", "never")]
    assert types == [FieldType.GROUP, FieldType.MESSAGE, FieldType.MESSAGE]
    assert [fields[name].verified for name in ("implicit", "unverified")] == [True, False]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("message M {\n\n int32 a 1; }", "= is missing before 1 in line 3"),
        ("message M { string s = 1; ", "} is missing at its end in line 1"),
        ('syntax = "proto4"; message M {}', "its syntax is neither proto2 nor proto3 nor an edition"),
        ("message M { ? }", "line 1 begins nothing that is known"),
        ("message " + "M { message " * 100 + "X {}", "messages are declared deeper than 64 inside of each other"),
        ("enum E { A = x; }", "a number is missing in line 1"),
        ("hello { }", "hello is not known in a .proto file in line 1"),
        ('import "a.proto" message M {}', "; is missing before message in line 1"),
        ("option a = {", "} is missing at its end"),
    ],
)
def test_a_text_that_is_none_says_where(text: str, why: str) -> None:
    with pytest.raises(DescriptorError) as raised:
        file_of_text("m.proto", text)
    assert why in str(raised.value)
