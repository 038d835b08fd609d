"""Which message of which schema a record is of: registries' framings, headers, and descriptor sets."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet

from bridge.config.mapping_section import MappingConfig
from bridge.decode.failures import MappingError
from bridge.decode.protobuf.decoder import make, peek
from bridge.decode.protocol import FAST, FormatSettings, Schemas
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Failed, Filtered, FilterReason, Header, Record, Request, SchemaNeeded
from tests.support.decode.wire import block, number, proto, read, serialized

SHOP = proto(
    "package shop; message A { int32 a = 1; message B { int32 b = 1; message C { int32 c = 1; } } }"
    " message D { int32 d = 1; map<string, int32> tags = 2; }"
)
PAYLOAD = number(1, 5)
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("framing", "field"),
    [
        (b"\0\0\0\0\7\0", "a"),
        (b"\0\0\0\0\7\2\0", "a"),
        (b"\0\0\0\0\7\2\2", "d"),
        (b"\0\0\0\0\7\4\0\0", "b"),
        (b"\0\0\0\0\7\6\0\0\0", "c"),
        (b"\0\0\0\0\7" + b"\3\x0a\1D", "d"),  # Apicurio's reference
        (b"\0\0\0\0\7" + b"\x08\x0a\x06shop.D", "d"),
    ],
)
def test_the_message_is_the_one_that_the_framing_says(framing: bytes, field: str) -> None:
    for _ in range(2):
        found = read(SHOP, PAYLOAD, framing)
        assert isinstance(found, dict)
        assert found[field] == 5


@pytest.mark.parametrize(
    ("headers", "reference", "before", "field"),
    [
        ([("__value_schema_id", b"\1" + UUID(GUID).bytes)], f"guid:{GUID}", b"", "a"),
        ([("__value_schema_id", b"\1" + UUID(GUID).bytes + b"\0")], f"guid:{GUID}", b"", "a"),
        ([("__value_schema_id", b"\1" + UUID(GUID).bytes + b"\2\2")], f"guid:{GUID}", b"", "d"),
        ([("apicurio.value.globalId", (9).to_bytes(8, "big"))], "globalId:9", b"", "a"),
        (
            [("apicurio.value.contentId", (9).to_bytes(8, "big")), ("apicurio.protobuf.type", b"D")],
            "contentId:9",
            b"",
            "d",
        ),
        ([("apicurio.value.contentId", (9).to_bytes(8, "big"))], "contentId:9", b"\3\x0a\1D", "d"),
        ([], f"glue:{GUID}", b"\3\0" + UUID(GUID).bytes + b"\0", "a"),
        ([], f"glue:{GUID}", b"\3\0" + UUID(GUID).bytes + b"\3", "d"),  # after A, A.B and A.B.C
        ([("traceparent", b"00-x")], "id:7", b"\0\0\0\0\7\2\2", "d"),
    ],
)
def test_the_schema_is_the_one_that_headers_or_other_framings_name(
    headers: list[Header], reference: str, before: bytes, field: str
) -> None:
    assert read(None, PAYLOAD, before, tuple(headers)) == SchemaNeeded(reference)
    found = read(SHOP, PAYLOAD, before, tuple(headers), reference)
    assert isinstance(found, dict)
    assert found[field] == 5


@pytest.mark.parametrize(
    ("framing", "message"),
    [
        (
            b"\0\0\0\0\7\2\4",
            "id:7 does not serve the value: it declares 2 messages, and the record asks for that with index 2",
        ),
        (b"\0\0\0\0\7\4\0\2", "shop.A declares one message, and the record asks for that with index 1"),
        (b"\0\0\0\0\7\2\1", "it declares 2 messages, and the record asks for that with index -1"),
        (b"\0\0\0\0\7\1", "the value does not say which message of its schema it is: a list of -1 message indexes"),
        (b"\0\0\0\0\7", "which message of its schema it is: the bytes end inside of a number at byte 5"),
        (b"\0\0\0\0\7\xfe\xff\xff\xff\x0f", "a list of 2147483647 message indexes at byte 5"),
        (b"\0\0\0\0\7\4\0", "the bytes end inside of a number at byte 7"),
        (b"", "the value names no schema of a registry; for Protobuf without one there is mapping.descriptor_set_file"),
    ],
)
def test_indexes_that_lead_nowhere_are_named(framing: bytes, message: str) -> None:
    with pytest.raises(MappingError) as raised:
        read(SHOP, b"", framing)
    assert message in raised.value.message


def test_imports_are_delivered_with_the_schema_and_may_be_public() -> None:
    schema = proto(
        'package shop; import "a.proto"; message M { other.A a = 1; deep.B b = 2; }',
        a='package other; import public "b.proto"; message A { int32 a = 1; }',
        b="package deep; message B { int32 b = 1; }",
    )
    assert read(schema, block(1, number(1, 1)) + block(2, number(1, 2))) == {"a": {"a": 1}, "b": {"b": 2}}


def test_a_name_is_looked_for_from_inside_out_as_in_the_file() -> None:
    schema = proto(
        "package a.b; message X { int32 outer = 1; } message M { message X { int32 inner = 1; } X x = 1; a.b.X y = 2; }"
    )
    assert read(schema, block(1, b"") + block(2, b""), b"\0\0\0\0\7\2\2") == {"x": {"inner": 0}, "y": {"outer": 0}}


def test_a_descriptor_and_the_text_it_was_made_of_are_read_alike() -> None:
    file = FileDescriptorProto(name="m.proto", package="shop", syntax="proto3")
    message = file.message_type.add(name="M")
    message.field.add(
        name="n", number=1, type=FieldDescriptorProto.TYPE_INT32, label=FieldDescriptorProto.LABEL_OPTIONAL
    )
    raw = number(1, 5)
    assert read(serialized(file.SerializeToString()), raw) == read(proto("package shop; message M {int32 n=1;}"), raw)


# --- descriptor sets


def descriptor_set(*names: str) -> bytes:
    """A file that is imported, and one with these messages; each has a type of the first."""
    base = FileDescriptorProto(name="base.proto", package="base", syntax="proto3")
    kind = base.message_type.add(name="Kind")
    kind.field.add(name="k", number=1, type=FieldDescriptorProto.TYPE_STRING, label=FieldDescriptorProto.LABEL_OPTIONAL)
    file = FileDescriptorProto(name="shop.proto", package="shop", syntax="proto3", dependency=["base.proto"])
    for name in names:
        message = file.message_type.add(name=name)
        message.field.add(
            name=name.lower(),
            number=1,
            type=FieldDescriptorProto.TYPE_MESSAGE,
            type_name=".base.Kind",
            label=FieldDescriptorProto.LABEL_OPTIONAL,
        )
        message.field.add(
            name="user", number=2, type=FieldDescriptorProto.TYPE_STRING, label=FieldDescriptorProto.LABEL_OPTIONAL
        )
    return FileDescriptorSet(file=[base, file]).SerializeToString()


def by_set(raw: bytes, names: tuple[str, ...], message_type: str | None = None, schemas: Schemas | None = None) -> Any:
    settings = FormatSettings(descriptor_set=descriptor_set(*names), message_type=message_type)
    return make(settings, schemas or {})(Record("t", 0, 0, None, None, raw, ()), None, FAST)


@pytest.mark.parametrize("framing", [b"", b"\0\0\0\0\7\0", b"\0\0\0\0\7\2\0", b"\3\0" + bytes(16) + b"\0"])
def test_with_a_descriptor_set_a_value_may_be_framed_or_not(framing: bytes) -> None:
    raw = framing + block(1, block(1, "x"))
    assert by_set(raw, ("A",)) == {"a": {"k": "x"}, "user": ""}
    assert by_set(raw, ("A", "B"), "shop.B") == {"b": {"k": "x"}, "user": ""}


def test_with_several_messages_framing_says_which_and_without_it_the_mapping_has_to() -> None:
    assert by_set(b"\0\0\0\0\7\2\2" + block(2, "u"), ("A", "B")) == {"b": None, "user": "u"}
    with pytest.raises(MappingError, match=r"mapping\.message_type has to say .* declares shop\.A, shop\.B$"):
        by_set(block(2, "u"), ("A", "B"))


def test_an_empty_value_is_a_message_of_nothing_but_defaults() -> None:
    assert by_set(b"", ("A",)) == {"a": None, "user": ""}


# --- the whole mapping


def mapping(folder: Path, content: bytes, **more: Any) -> CompiledMapping | tuple[Any, ...]:
    file = folder / "shop.desc"
    file.write_bytes(content)
    return compile_mapping(
        MappingConfig.model_validate(
            {
                "decode": "protobuf",
                "descriptor_set_file": str(file),
                "event_type": "topic",
                "user_id": "user",
                "events": {"t": {"event_name": "T", "metadata": {"kind": "a.k"}}},
                **more,
            }
        )
    )


def test_a_record_is_mapped_with_the_descriptor_set_that_a_file_has(tmp_path: Path) -> None:
    compiled = mapping(tmp_path, descriptor_set("A"))
    assert isinstance(compiled, CompiledMapping)
    (request,) = compiled.map(Record("t", 0, 0, 0, None, block(1, block(1, "x")) + block(2, "u-1"), ()), 0.0)
    assert isinstance(request, Request)
    assert (request.user_id, b'"kind":"x"' in request.body) == ("u-1", True)
    (outcome,) = compiled.map(Record("t", 0, 0, 0, None, b"\xff", ()), 0.0)
    assert isinstance(outcome, Failed)
    assert outcome.message.startswith("the value is no shop.A: ")
    (outcome,) = compiled.map(Record("t", 0, 0, 0, None, None, ()), 0.0)
    assert isinstance(outcome, Filtered)
    assert outcome.reason is FilterReason.TOMBSTONE


@pytest.mark.parametrize(
    ("content", "more", "problem"),
    [
        (b"", {}, "it holds no file descriptor"),
        (b"\xff", {}, "it is no set of file descriptors"),
        (descriptor_set("A"), {"message_type": "shop.B"}, "no file of the set declares the message shop.B"),
        (
            FileDescriptorSet(file=FileDescriptorSet.FromString(descriptor_set("A")).file[1:]).SerializeToString(),
            {},
            "the type base.Kind of the field shop.A.a is not declared; the schema imports base.proto",
        ),
    ],
)
def test_a_descriptor_set_that_serves_no_record_is_a_problem_of_the_configuration(
    tmp_path: Path, content: bytes, more: dict[str, str], problem: str
) -> None:
    found = mapping(tmp_path, content, **more)
    assert isinstance(found, tuple)
    assert [each.where for each in found] == [f"mapping.{'message_type' if more else 'descriptor_set_file'}"]
    assert problem in found[0].message
    assert ("protoc" in found[0].message) is (len(content) < 2), "who has a set needs no other"


def test_a_message_that_the_set_does_not_declare_is_named_beside_those_that_it_does(tmp_path: Path) -> None:
    for asked, meant in (("shop.Ordr", "shop.Order"), ("Item", "shop.Item")):
        found = mapping(tmp_path, descriptor_set("Order", "Item"), message_type=asked)
        assert isinstance(found, tuple)
        assert found[0].message == (
            f"no file of the set declares the message {asked}; it declares base.Kind, shop.Item, shop.Order; "
            f"did you mean {meant}?"
        )


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (b"\0\0\0\0\7\2\2" + number(1, 5), []),
        (
            number(1, 5),
            [
                ("apicurio.key.globalId", (7).to_bytes(8, "big")),
                ("apicurio.protobuf.type.key", b"D"),
                ("apicurio.protobuf.type", b"A"),
            ],
        ),
    ],
)
def test_a_key_is_a_message_of_its_own(key: bytes, headers: list[Header]) -> None:
    config = MappingConfig.model_validate(
        {"key": "protobuf", "event_type": "topic", "user_id": {"template": "user-{key:d}"}, "events": {"t": {}}}
    )
    compiled = compile_mapping(config, {"id:7": SHOP, "globalId:7": SHOP})
    assert isinstance(compiled, CompiledMapping)
    (request,) = compiled.map(Record("t", 0, 0, 0, key, b"{}", headers), 0.0)
    assert isinstance(request, Request)
    assert request.user_id == "user-5"


# --- the type alone


TYPED = proto(
    "message M { string type = 1; M inner = 2; Kind kind = 3; oneof c { string x = 4; string y = 5; } string last = 6;"
    " repeated string many = 7; } enum Kind { NEW = 0; PAID = 1; }"
)


def peeked(path: str, payload: bytes) -> Any:
    read_type = peek(FormatSettings(), {"id:7": TYPED}, tuple(path.split(".")))
    assert read_type is not None
    found = [read_type(Record("t", 0, 0, None, None, b"\0\0\0\0\7\0" + payload, ())) for _ in range(2)]
    assert found[0] == found[1]
    return found[0]


@pytest.mark.parametrize(
    ("path", "payload", "expected"),
    [
        ("type", block(1, "paid") + number(3, 1), "paid"),
        ("type", block(1, "new") + block(1, "paid"), "paid"),
        ("last", block(1, "x") + block(2, b"") + number(9, 1 << 60) + block(6, "l" * 300), "l" * 300),
        ("inner.type", block(2, block(1, "deep")), "deep"),
        ("kind", number(3, 1), "PAID"),
        ("inner.type", block(2, block(1, "deep")) + block(2, b""), None),
        ("inner.type", block(2, block(1, "deep")) + block(2, block(1, "deeper")), "deeper"),
        ("inner.kind", block(2, number(3, 1)) + block(2, number(3, 0) + block(1, "x")), "NEW"),
        ("type", b"", None),
        ("x", block(4, "x"), None),
        ("many", block(7, "x"), None),
        ("nobody", block(1, "x"), None),
        ("type", block(1, "x") + b"\x80", None),
        ("type", block(1, "x")[:-1], None),
        ("type", block(1, b"\xff"), None),
        ("kind", number(3, 9), None),
    ],
)
def test_the_type_is_told_without_the_rest_or_left_to_decoding(path: str, payload: bytes, expected: str | None) -> None:
    found = peeked(path, payload)
    assert found == expected
    if expected is not None:
        value: Any = read(TYPED, payload)
        for name in path.split("."):
            value = value[name]
        assert value == expected


def test_a_type_behind_a_schema_that_is_not_known_yet_asks_for_it() -> None:
    read_type = peek(FormatSettings(), {}, ("type",))
    assert read_type is not None
    assert read_type(Record("t", 0, 0, None, None, b"\0\0\0\0\7\0", ())) == SchemaNeeded("id:7")
