"""Which message of a schema a payload is: what serializers write between the schema's id and the payload.

Confluent's: a list of indexes, in zigzag. Apicurio's: a message with the name, or a header. AWS Glue's: one index.
Source: their serializers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from bridge.decode.protobuf import wire
from bridge.decode.protobuf.reading.scalars import unzigzag
from bridge.decode.protobuf.schema.nodes import DescriptorError, FileNode, MessageNode
from bridge.decode.protobuf.wire import WireError
from bridge.decode.schema_ids import Framed
from bridge.model import Header, last_header

FIRST: Final = (0,)
"""What a single zero byte stands for."""
_MOST: Final = 64
"""Messages inside of each other."""
_TYPE_HEADER: Final = "apicurio.protobuf.type"

Which = tuple[int, ...] | str | int
"""Indexes, from the file's messages inwards; or a name; or a place among all names in order."""


class Begun(NamedTuple):
    """A message, and where its bytes begin."""

    which: Which
    start: int


def begun(raw: bytes, framed: Framed, headers: Sequence[Header], file: FileNode) -> Begun:
    """What a framed payload begins with. Raises `WireError`."""
    if framed.indexes is not None:
        return Begun(_indexes(framed.indexes, 0).which if framed.indexes else FIRST, framed.start)
    if framed.reference.startswith("glue:"):
        return Begun(*wire.varint(raw, framed.start, len(raw)))
    reference = _reference(raw, framed.start, file)
    if framed.start > 0:
        return reference or _indexes(raw, framed.start)
    # Apicurio's headers; its newer clients write the reference all the same.
    name = last_header(headers, _TYPE_HEADER)
    if reference is None:
        return Begun(name.decode("utf-8", "replace") if name else FIRST, 0)
    return reference


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
    """A message of one field, the name, behind its length; None where no message of the file is called so."""
    size = raw[start] if start < len(raw) else 0
    if not 2 < size < 128 or raw[start + 1 : start + 3] != bytes((10, size - 2)):
        return None
    name = raw[start + 3 : start + 1 + size].decode("utf-8", "replace")
    return Begun(name, start + 1 + size) if _named(file, name) else None


def _named(file: FileNode, name: str) -> MessageNode | None:
    """A message of the file by its name, whole or without the package."""
    for message in file.messages:
        if name in {message.name, message.name.rpartition(".")[2]}:
            return message
    return None


def message_of(file: FileNode, which: Which) -> MessageNode:
    """Raises `DescriptorError` where the file has no such message."""
    if isinstance(which, str):
        found = _named(file, which)
        if found is None:
            raise DescriptorError(f"it declares no message of the name that the header {_TYPE_HEADER} has")
        return found
    if isinstance(which, int):
        return _in_order(file, which)
    messages: Sequence[MessageNode] = file.messages
    where, message = "it declares", MessageNode("")
    for index in which:
        if not 0 <= index < len(messages):
            raise DescriptorError(f"{where} {_counted(len(messages))}, and the record asks for that with index {index}")
        message = messages[index]
        messages, where = message.messages, f"{message.name} declares"
    return message


def _in_order(file: FileNode, place: int) -> MessageNode:
    """By AWS Glue's index: the place among all messages, those inside of others too, in the order of their names."""
    found = []
    waiting = list(file.messages)
    while waiting:
        message = waiting.pop()
        found.append(message)
        waiting.extend(message.messages)
    if place >= len(found):
        raise DescriptorError(f"it declares {_counted(len(found))}, and the record asks for that with index {place}")
    return sorted(found, key=lambda message: message.name)[place]


def _counted(messages: int) -> str:
    return "one message" if messages == 1 else f"{messages} messages"
