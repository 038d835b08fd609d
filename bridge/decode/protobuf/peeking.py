"""Reads one text of a message and passes over the rest: enough to tell that no rule wants the record.

The last value of a field counts, so everything is passed over up to the end. Where anything is unusual (the field is
not there, or not in the last part of a message that is written in parts; bytes that are no message) there is no answer,
and the value is decoded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bridge.decode.protobuf.reading.runtime import FAILURES, PADDING, u64
from bridge.decode.protobuf.reading.values import is_well_known
from bridge.decode.protobuf.schema.nodes import DescriptorError, EnumNode, FieldNode, FieldType, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.wire import FIXED32, FIXED64, LENGTH, VARINT

PeekMessage = Callable[[bytes, int], str | None]
"""Given bytes and where in them the message begins."""


def NO_TEXT_THERE(_raw: bytes, _start: int) -> str | None:  # noqa: N802 - a constant that is called
    """Of a message without such a text, or without a short way to it."""
    return None


def peek_of(pool: Pool, message: MessageNode, path: tuple[str, ...]) -> PeekMessage | None:
    """None where the path leads to no text, or not through plain messages."""
    tags: list[int] = []
    for place, name in enumerate(path):
        found = _field(pool, message, name)
        if found is None:
            return None
        field, target = found
        is_last = place == len(path) - 1
        if is_last and field.type is FieldType.STRING:
            return _text_at((*tags, field.number << 3 | LENGTH))
        if is_last and isinstance(target, EnumNode):
            return _text_at(tuple(tags), (field.number << 3 | VARINT, dict(target.names)))
        if field.type is not FieldType.MESSAGE or not isinstance(target, MessageNode) or is_well_known(target):
            return None
        tags.append(field.number << 3 | LENGTH)
        message = target
    return None


def _field(pool: Pool, message: MessageNode, name: str) -> tuple[FieldNode, MessageNode | EnumNode | None] | None:
    """A single field whose value no other field's takes away."""
    if is_well_known(message):
        return None
    for declared in message.fields:
        if declared.name == name:
            rivals = [other for other in message.fields if other.oneof == declared.oneof is not None]
            try:
                return None if declared.repeated or len(rivals) > 1 else pool.field(message, declared)
            except DescriptorError:
                return None
    return None


def _text_at(tags: tuple[int, ...], enum: tuple[int, Mapping[int, str]] | None = None) -> PeekMessage:
    """The text that these tags lead to, or where `enum` is given (its tag and its names) the name inside of them."""
    own, names = enum or (None, {})

    def peek(raw: bytes, start: int) -> str | None:
        data = raw + PADDING
        end = len(raw)
        try:
            for tag in tags:
                place = _last(data, start, end, tag)
                if place < 0:
                    return None
                size = data[place]
                start = place + 1
                if size > 127:
                    size, start = u64(data, size, start)
                end = start + size
            if own is None:
                return data[start:end].decode()
            place = _last(data, start, end, own)
        except FAILURES:
            return None
        return None if place < 0 or data[place] > 127 else names.get(data[place])

    return peek


_NOWHERE: Final = -1


def _last(data: bytes, pos: int, end: int, wanted: int) -> int:
    """Where the content of a field begins, the last that has this tag; negative where there is none, or no telling."""
    found = _NOWHERE
    while pos < end:
        tag = data[pos]
        pos += 1
        if tag > 127:
            tag, pos = u64(data, tag, pos)
        if tag == wanted:
            found = pos
        kind = tag & 7
        if kind == LENGTH:
            size = data[pos]
            pos += 1
            if size > 127:
                size, pos = u64(data, size, pos)
            pos += size
        elif kind == VARINT:
            while data[pos] > 127:
                pos += 1
            pos += 1
        elif kind == FIXED64:
            pos += 8
        elif kind == FIXED32:
            pos += 4
        else:
            return _NOWHERE
    return found if pos == end else _NOWHERE
