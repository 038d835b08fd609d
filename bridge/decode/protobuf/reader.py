"""The reader of one message of one schema: generated, and with care where that does not do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bridge.decode.failures import undecodable
from bridge.decode.protobuf.reading import runtime
from bridge.decode.protobuf.reading.generation import Read, generated_reader, smallest_to_count
from bridge.decode.protobuf.reading.trees import TOO_MUCH, TreeReader
from bridge.decode.protobuf.reading.values import Values
from bridge.decode.protobuf.schema.nodes import DescriptorError, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.wire import WireError

ReadMessage = Callable[[bytes, int], Any]
"""Reads the message that begins at a position, and goes on to the end. Raises `MappingError`."""


def reader_of(pool: Pool, message: MessageNode) -> ReadMessage:
    """Raises `DescriptorError` where a type that the message reaches is not there."""
    limit: Final = smallest_to_count(pool, message)
    small = generated_reader(pool, message, counted=False)
    failures = runtime.FAILURES
    large: list[Read] = []

    def read_large(raw: bytes, start: int) -> Any:
        if not large:
            large.append(generated_reader(pool, message, counted=True))
        return large[0](raw, start)

    def read(raw: bytes, start: int) -> Any:
        try:
            return small(raw, start) if len(raw) < limit else read_large(raw, start)
        except failures:
            return read_carefully(pool, message, raw, start)
        except runtime.NoRoomError as full:
            raise undecodable(f"the value is no {message.name}: {full.where}: {TOO_MUCH} at byte {full.at}") from None

    return read


def read_carefully(pool: Pool, message: MessageNode, raw: bytes, start: int) -> Any:
    """By the rules alone. Raises `MappingError` with field and byte."""
    try:
        tree = TreeReader(pool, raw).read(message, start, len(raw))
        return Values(pool).value_of(message, tree)
    except WireError as fault:
        raise undecodable(f"the value is no {message.name}: {_where(fault)}{fault.why} at byte {fault.at}") from None
    except DescriptorError as fault:
        raise undecodable(f"the value is a {message.name} that cannot be read: {fault}") from None


def _where(fault: WireError) -> str:
    """The path of the field, as expressions write it."""
    if not fault.path:
        return ""
    path = ".".join(reversed(fault.path)).replace(".[", "[")
    return f"{path}: "
