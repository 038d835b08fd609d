"""Records whose values are Protobuf: what the table of decoders has of it, once a topic is read by it."""

from __future__ import annotations

from typing import Any, Final

from bridge.decode.failures import kind, undecodable
from bridge.decode.protobuf.finder import MessageFinder, MessageType
from bridge.decode.protobuf.peeking import NO_TEXT_THERE, PeekMessage, peek_of
from bridge.decode.protobuf.reader import ReadMessage, reader_of
from bridge.decode.protobuf.schema.nodes import DescriptorError
from bridge.decode.protocol import (
    Attributes,
    Decode,
    DecodedRecord,
    DecodeSettings,
    FormatSettings,
    Peek,
    Schemas,
    keep,
)
from bridge.decode.schema_ids import CONFLUENT
from bridge.model import Record, SchemaNeeded

_PREFIX: Final = CONFLUENT + 1
"""Bytes that say everything of nearly every record: the framing, and a zero byte for the first message."""


def make(format_: FormatSettings, schemas: Schemas) -> Decode:
    """See `Decoder.make`."""
    return _MessageDecoder(format_, schemas).decode


def peek(format_: FormatSettings, schemas: Schemas, path: tuple[str, ...]) -> Peek | None:
    """See `Decoder.peek`."""
    return _MessagePeeker(format_, schemas, path)


class _MessageDecoder:
    """Readers of the messages of topics, made when they are first needed."""

    def __init__(self, format_: FormatSettings, schemas: Schemas) -> None:
        self._finder = MessageFinder(format_, schemas)
        self._by_prefix: dict[bytes, ReadMessage] = {}
        self._readers: dict[int, tuple[MessageType, ReadMessage]] = {}
        self._any_value = not format_.as_it_is
        """Whether a value need not be an object yet: others look into it."""

    def decode(
        self, record: Record, _attributes: Attributes | None, _settings: DecodeSettings
    ) -> DecodedRecord | SchemaNeeded:
        """See `Decode`."""
        raw = record.value or b""
        read = None if record.headers else self._by_prefix.get(raw[:_PREFIX])
        if read is not None:
            value = read(raw, _PREFIX)
        else:
            found = self._finder.find(record)
            if isinstance(found, SchemaNeeded):
                return found
            read = self._reader(found.type)
            if found.raw is raw and found.start == _PREFIX and raw[0] == raw[CONFLUENT] == 0 and not record.headers:
                keep(self._by_prefix, raw[:_PREFIX], read)
            value = read(found.raw, found.start)
        if value.__class__ is dict or value is None or self._any_value:
            return value  # type: ignore[no-any-return]  # told by its class
        raise undecodable(f"the value is {kind(value)}; a message with fields is needed")

    def _reader(self, of: MessageType) -> ReadMessage:
        known = self._readers.get(id(of))
        if known is None:
            try:
                read = reader_of(*of)
            except DescriptorError as fault:
                read = _refusing(f"no {of.message.name} can be read: {fault}")
            known = (of, read)  # with the type itself, so that nothing else ever has its id
            keep(self._readers, id(of), known)
        return known[1]


class _MessagePeeker:
    """As `_MessageDecoder`, for one text of them."""

    def __init__(self, format_: FormatSettings, schemas: Schemas, path: tuple[str, ...]) -> None:
        self._finder = MessageFinder(format_, schemas)
        self._path = path
        self._by_prefix: dict[bytes, PeekMessage] = {}
        self._peeks: dict[int, tuple[MessageType, PeekMessage]] = {}

    def __call__(self, record: Record, /) -> str | SchemaNeeded | None:
        """See `Peek`. Raises `MappingError` as decoding does, for a record that names no message."""
        raw = record.value or b""
        read = None if record.headers else self._by_prefix.get(raw[:_PREFIX])
        if read is not None:
            return read(raw, _PREFIX)
        found = self._finder.find(record)
        if isinstance(found, SchemaNeeded):
            return found
        known = self._peeks.get(id(found.type))
        if known is None:
            known = (found.type, peek_of(*found.type, self._path) or NO_TEXT_THERE)
            keep(self._peeks, id(found.type), known)
        if found.raw is raw and found.start == _PREFIX and raw[0] == raw[CONFLUENT] == 0 and not record.headers:
            keep(self._by_prefix, raw[:_PREFIX], known[1])
        return known[1](found.raw, found.start)

    def leading(self, _record: Record, /) -> None:
        """None: where values begin with a text, a later one of the same field counts all the same."""


def _refusing(why: str) -> ReadMessage:
    def read(_raw: bytes, _start: int) -> Any:
        raise undecodable(why)

    return read
