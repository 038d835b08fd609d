"""Readers held to Google's implementation, on descriptors and values made at random."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.decode.failures import MappingError
from bridge.decode.protobuf.reader import ReadMessage, read_carefully, reader_of
from bridge.decode.protobuf.reading.generation import generated_reader
from bridge.decode.protobuf.reading.runtime import FAILURES
from bridge.decode.protobuf.schema.nodes import MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.schema.sources import pool_of
from bridge.decode.protocol import Schema
from tests.everyday import examples
from tests.support.decode.protobuf import classes, encoded, files, fill, seen, shuffled


def types(file: FileDescriptorProto) -> tuple[Pool, MessageNode]:
    pool = pool_of(Schema("protobuf", encoded(file)))
    return pool, pool.file.messages[0]


def filled(draw: st.DataObject, made: type[Message]) -> Message:
    message = made()
    fill(draw.draw, message)
    return message


def check(pool: Pool, node: MessageNode, raw: bytes, expected: Any, *, always_generated: bool = False) -> None:
    """All ways to read it; the framing in front is any."""
    framed = b"\0\0\0\0\7\0" + raw
    assert reader_of(pool, node)(framed, 6) == expected
    assert read_carefully(pool, node, framed, 6) == expected
    for counted in (False, True):
        try:
            assert generated_reader(pool, node, counted=counted)(framed, 6) == expected
        except FAILURES:
            assert not always_generated


@settings(max_examples=examples(80))
@given(files(), st.data())
def test_a_message_is_read_as_google_reads_it(file: FileDescriptorProto, data: st.DataObject) -> None:
    message = filled(data, classes(file)["M0"])
    check(*types(file), message.SerializeToString(), seen(message), always_generated=True)


@settings(max_examples=examples(40))
@given(files(), st.data())
def test_fields_in_any_order_are_read_as_google_reads_them(file: FileDescriptorProto, data: st.DataObject) -> None:
    made = classes(file)["M0"]
    raw = shuffled(data.draw, filled(data, made).SerializeToString())
    check(*types(file), raw, seen(made.FromString(raw)))


@settings(max_examples=examples(40))
@given(files(), st.data())
def test_messages_after_each_other_are_one_in_which_the_last_value_wins(
    file: FileDescriptorProto, data: st.DataObject
) -> None:
    made = classes(file)["M0"]
    raw = filled(data, made).SerializeToString() + filled(data, made).SerializeToString()
    check(*types(file), raw, seen(made.FromString(raw)))


@settings(max_examples=examples(40))
@given(files(), st.data())
def test_fields_that_the_schema_does_not_have_are_skipped(file: FileDescriptorProto, data: st.DataObject) -> None:
    made = classes(file)["M0"]
    raw = filled(data, made).SerializeToString()
    older = FileDescriptorProto()
    older.CopyFrom(file)
    dropped = data.draw(st.sets(st.sampled_from([field.name for field in file.message_type[0].field] or [""])))
    kept = [field for field in older.message_type[0].field if field.name not in dropped]
    del older.message_type[0].field[:]
    older.message_type[0].field.extend(kept)
    oneofs = sorted({field.oneof_index for field in kept if field.HasField("oneof_index")})
    names = [older.message_type[0].oneof_decl[index].name for index in oneofs]
    for field in older.message_type[0].field:
        if field.HasField("oneof_index"):
            field.oneof_index = oneofs.index(field.oneof_index)
    del older.message_type[0].oneof_decl[:]
    for name in names:
        older.message_type[0].oneof_decl.add(name=name)
    check(*types(older), raw, seen(classes(older)["M0"].FromString(raw)))


@settings(max_examples=examples(80))
@given(files(), st.data())
def test_damaged_bytes_are_read_as_google_reads_them_or_are_a_dead_letter(
    file: FileDescriptorProto, data: st.DataObject
) -> None:
    made = classes(file)["M0"]
    whole = filled(data, made).SerializeToString()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 4)))
    raw = whole[:start] + data.draw(st.binary(max_size=4)) + whole[end:]
    pool, node = types(file)
    found = outcome(reader_of(pool, node), raw)
    assert found == outcome(lambda *given: read_carefully(pool, node, *given), raw)
    if isinstance(found, str):
        assert found.startswith("the value is no shop.v1.M0: ")
        assert " at byte " in found
    else:
        made.FromString(raw)  # what Google refuses, nobody reads


def outcome(read: ReadMessage, raw: bytes) -> Any:
    try:
        return read(raw, 0)
    except MappingError as failure:
        return failure.message
