"""Avro behind a schema registry: the decoder of values and keys, and what peeks at their types."""

from __future__ import annotations

from typing import Any

from bridge.decode.avro.peeking import FastPeek, fast_peek, leading_form
from bridge.decode.avro.reader import MISREAD, AvroBytesError, AvroReader, AvroSchemaError, named
from bridge.decode.failures import kind, undecodable
from bridge.decode.protocol import (
    Attributes,
    Decode,
    DecodeSettings,
    DecodesTo,
    FormatSettings,
    Leading,
    NoSchema,
    Peek,
    Schemas,
    keep,
)
from bridge.decode.recognition import unnamed_schema
from bridge.decode.schema_ids import CONFLUENT, framed_value
from bridge.model import Record, SchemaNeeded


class AvroReaders:
    """The readers of all schemas that records refer to, made when the first record does."""

    def __init__(self, schemas: Schemas, *, logical_types: bool) -> None:
        self._schemas = schemas
        self._logical_types = logical_types
        self.known: dict[str, AvroReader] = {}
        """By reference."""
        self._refused: dict[str, str] = {}
        """Why there is none, of schemas that never change."""

    def of(self, reference: str) -> AvroReader | SchemaNeeded:
        """Raises `MappingError` where there is no such schema, or none to read by."""
        known = self.known.get(reference)
        if known is not None:
            return known
        refused = self._refused.get(reference)
        if refused is not None:
            raise undecodable(refused)
        schema = self._schemas.get(reference)
        if schema is None:
            return SchemaNeeded(reference)
        if isinstance(schema, NoSchema):
            raise undecodable(schema.why)
        try:
            reader = AvroReader(schema, reference, logical_types=self._logical_types)
        except AvroSchemaError as fault:
            keep(self._refused, reference, str(fault))
            raise undecodable(str(fault)) from None
        keep(self.known, reference, reader)
        return reader


def make(settings: FormatSettings, schemas: Schemas) -> Decode:
    """See `Decoder.make`."""
    readers = AvroReaders(schemas, logical_types=settings.logical_types)
    takes_anything = settings.takes_anything
    prefixes: dict[bytes, AvroReader] = {}
    """By the first bytes of records without headers, which are framed by these alone. Nearly every record is one."""

    def decode(record: Record, _attributes: Attributes | None, _settings: DecodeSettings, /) -> DecodesTo:
        _, _, _, _, _, raw, headers = record
        if raw is None:
            return None
        start = CONFLUENT
        reader = None if headers else prefixes.get(raw[:CONFLUENT])
        if reader is None:
            framed = framed_value(raw, headers)
            if framed is None:
                raise undecodable(unnamed_schema("value", raw, headers))
            found = readers.of(framed.reference)
            if isinstance(found, SchemaNeeded):
                return found
            reader, start = found, framed.start
            if framed.inflated is not None:
                raw = framed.inflated
            elif start == CONFLUENT and not headers:
                keep(prefixes, raw[:CONFLUENT], reader)
        try:
            value: DecodesTo = reader.fast(raw, start)
        except MISREAD:
            value = _carefully(reader, raw, start)
        if value.__class__ is not dict and value is not None and not takes_anything:
            raise undecodable(f"the value is {kind(value)} by {named(reader.reference)}; a record is needed")
        return value

    return decode


def _carefully(reader: AvroReader, raw: bytes, start: int) -> Any:
    try:
        return reader.carefully(raw, start)
    except AvroBytesError as fault:
        raise undecodable(f"the value is no Avro of {named(reader.reference)}: {fault}") from None


def peek(settings: FormatSettings, schemas: Schemas, path: tuple[str, ...]) -> Peek | None:
    """See `Decoder.peek`."""
    if not settings.as_it_is:
        return None  # the path is not one into the value that the bytes hold
    return _AvroPeek(AvroReaders(schemas, logical_types=settings.logical_types), path)


class _AvroPeek:
    """See `Peek`."""

    def __init__(self, readers: AvroReaders, path: tuple[str, ...]) -> None:
        self._readers = readers
        self._path = path
        self._known: dict[str, FastPeek] = {}

    def __call__(self, record: Record, /) -> str | SchemaNeeded | None:
        _, _, _, _, _, raw, headers = record
        if raw is None:
            return None
        framed = framed_value(raw, headers)
        if framed is None:
            return None
        reference, start, inflated, _ = framed
        find = self._known.get(reference)
        if find is None:
            reader = self._readers.of(reference)
            if isinstance(reader, SchemaNeeded):
                return reader
            find = fast_peek(reader.schema, self._path) or _no_answer
            keep(self._known, reference, find)
        try:
            return find(raw if inflated is None else inflated, start)
        except MISREAD:
            return None

    def leading(self, record: Record, /) -> Leading | None:
        framed = framed_value(record.value or b"", record.headers)
        if framed is None or framed.start != CONFLUENT or framed.inflated is not None:
            return None
        reader = self._readers.of(framed.reference)
        if isinstance(reader, SchemaNeeded):
            return None
        form = leading_form(reader.schema, self._path)
        return None if form is None else Leading(framed.start, framed.start, is_text=form == "text")


def _no_answer(_raw: bytes, _start: int) -> None:
    """Where only the whole value tells."""
