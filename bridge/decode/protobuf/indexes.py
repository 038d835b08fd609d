"""Which message of a schema a payload is: what Confluent's and Apicurio's serializers write between id and payload."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from bridge.decode.protobuf import wire
from bridge.decode.protobuf.reading.scalars import unzigzag
from bridge.decode.protobuf.schema.nodes import DescriptorError, FileNode, MessageNode
from bridge.decode.protobuf.wire import WireError

FIRST: Final = (0,)
"""What a single zero byte stands for."""
_MOST: Final = 64
"""Messages inside of each other."""

Which = tuple[int, ...] | str
"""Indexes, from the file's messages inwards; or a name, which Apicurio writes."""


class Begun(NamedTuple):
    """A message, and where its bytes begin."""

    which: Which
    start: int


def begun(raw: bytes, start: int, file: FileNode) -> Begun:
    """What stands behind the id: Apicurio's reference where it names a message of the file, else indexes."""
    return _reference(raw, start, file) or _indexes(raw, start)


def reference_of(raw: bytes, start: int, file: FileNode) -> Begun | None:
    """Apicurio's reference, if there is one: in header mode too it may stand before the payload."""
    return _reference(raw, start, file)


def indexes_of(raw: bytes) -> tuple[int, ...]:
    """Those that stand in a header; none are the first message."""
    return _indexes(raw, 0).which if raw else FIRST  # type: ignore[return-value]  # no name comes from there


def _indexes(raw: bytes, start: int) -> Begun:
    end = len(raw)
    number, pos = wire.varint(raw, start, end)
    count = unzigzag(number)
    if count == 0:
        return Begun(FIRST, pos)
    if not 0 < count <= _MOST:
        raise WireError(f"a list of {count} message indexes", start)
    found = []
    for _ in range(count):
        number, pos = wire.varint(raw, pos, end)
        found.append(unzigzag(number))
    return Begun(tuple(found), pos)


def _reference(raw: bytes, start: int, file: FileNode) -> Begun | None:
    """A message of one field, the name, behind its length. Source: Apicurio's ProtobufSerializer and its Ref."""
    size = raw[start] if start < len(raw) else 0
    if not 2 < size < 128 or raw[start + 1 : start + 3] != bytes((10, size - 2)):
        return None
    name = raw[start + 3 : start + 1 + size].decode("utf-8", "replace")
    return Begun(name, start + 1 + size) if named(file, name) else None


def named(file: FileNode, name: str) -> MessageNode | None:
    """A message of the file by its name, whole or without the package."""
    for message in file.messages:
        if name in {message.name, message.name.rpartition(".")[2]}:
            return message
    return None


def message_of(file: FileNode, which: Which) -> MessageNode:
    """Raises `DescriptorError` where the file has no such message."""
    if isinstance(which, str):
        found = named(file, which)
        if found is None:
            raise DescriptorError(
                "it declares no message of the name that the record's header apicurio.protobuf.type has"
            )
        return found
    messages: Sequence[MessageNode] = file.messages
    message = None
    for index in which:
        if not 0 <= index < len(messages):
            where = f"in {message.name} " if message else ""
            raise DescriptorError(
                f"it declares {len(messages)} messages {where}, and the record asks for index {index}"
            )
        message = messages[index]
        messages = message.messages
    if message is None:
        raise DescriptorError("no message index was given")
    return message
