"""Records whose values, or keys, are Protobuf: the row of the table of decoders, and what reads keys.

Which message a record is of, its framing says (`schema_ids`, `indexes`), or the mapping's descriptor set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridge.decode.failures import MappingError, kind, undecodable
from bridge.decode.protobuf.indexes import FIRST, Which, begun, indexes_of, message_of, reference_of
from bridge.decode.protobuf.reader import ReadMessage, reader_of
from bridge.decode.protobuf.schema.nodes import DescriptorError, FileNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.schema.sources import DescriptorSet, pool_of
from bridge.decode.protobuf.wire import WireError
from bridge.decode.protocol import (
    Attributes,
    Decode,
    DecodedRecord,
    DecodeSettings,
    FormatSettings,
    NoSchema,
    Schema,
    Schemas,
)
from bridge.decode.schema_ids import CONFLUENT, Framed, framed_key, framed_value
from bridge.model import Header, Record, SchemaNeeded, last_header

_PREFIX: Final = CONFLUENT + 1
"""Bytes that say everything of nearly every record: the framing, and a zero byte for the first message."""
_MOST_READERS: Final = 256
"""Kept; with more, all are made again."""
_TYPE_HEADER: Final = "apicurio.protobuf.type"
_KEY_TYPE_HEADER: Final = "apicurio.protobuf.type.key"


@dataclass(frozen=True, slots=True)
class _Unservable:
    """Takes the place of a reader, or of types, where the schema serves no record."""

    why: str


def make(format_: FormatSettings, schemas: Schemas) -> Decode:
    """See `Decoder.make`."""
    return _Messages(format_, schemas).decode


def form(_attributes: Attributes | None, _value: dict[str, Any]) -> str:
    """See `Decoder.form`."""
    return "Protobuf"


def key_reader(format_: FormatSettings, schemas: Schemas) -> Callable[[bytes, Sequence[Header]], Any]:
    """What reads keys: the message as expressions see it, or `SchemaNeeded`. Raises `MappingError`."""
    return _Messages(format_, schemas).key


class _Types:
    """A schema, its file and types."""

    __slots__ = ("file", "pool")

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.file: FileNode = pool.file


class _Messages:
    """Readers of the messages of a topic, made when they are first needed."""

    def __init__(self, format_: FormatSettings, schemas: Schemas) -> None:
        self._schemas = schemas
        self._by_prefix: dict[bytes, ReadMessage] = {}
        self._readers: dict[tuple[str, Which], ReadMessage | _Unservable] = {}
        self._types: dict[str, _Types | _Unservable] = {}
        self._set: DescriptorSet | None = None
        self._set_fault: str | None = None
        self._bare: ReadMessage | None = None
        if format_.descriptor_set is not None:
            self._take_set(format_.descriptor_set, format_.message_type)

    def _take_set(self, content: bytes, message_type: str | None) -> None:
        try:
            self._set = DescriptorSet(content, message_type)
            found = self._set.message()
            self._bare = None if found is None else reader_of(*found)
        except DescriptorError as fault:
            self._set_fault = f"mapping.descriptor_set_file serves no record: {fault}"

    # --- values

    def decode(
        self, record: Record, _attributes: Attributes | None, _settings: DecodeSettings
    ) -> DecodedRecord | SchemaNeeded:
        """See `Decode`."""
        raw = record.value or b""
        if not record.headers:
            read = self._by_prefix.get(raw[:_PREFIX])
            if read is not None:
                value = read(raw, _PREFIX, "the value")
                return value if value.__class__ is dict else _as_object(value)
        value = self._read(raw, record.headers, framed_value(raw, record.headers), _TYPE_HEADER, "the value")
        if value.__class__ is dict or value.__class__ is SchemaNeeded:
            return value
        return _as_object(value)

    # --- keys

    def key(self, raw: bytes, headers: Sequence[Header]) -> Any:
        """See `key_reader`."""
        return self._read(raw, headers, framed_key(raw, headers), _KEY_TYPE_HEADER, "key")

    # --- both

    def _read(self, raw: bytes, headers: Sequence[Header], framed: Framed | None, type_header: str, what: str) -> Any:
        if self._set_fault is not None:
            raise undecodable(self._set_fault)
        if framed is None:
            return self._read_bare(raw, what)
        if framed.inflated is not None:
            raw = framed.inflated
        if self._bare is not None and self._set is not None:
            return self._bare(raw, self._behind_framing(raw, framed, self._set.file, what), what)
        if self._set is not None:
            reference, types = "", self._types_of_set(self._set)
        else:
            reference = framed.reference
            found = self._types_of(reference)
            if isinstance(found, SchemaNeeded):
                return found
            types = found
        which, start = self._which(raw, headers, framed, types.file, type_header, what)
        read = self._reader(reference, types, which, what)
        if (
            framed.start == CONFLUENT
            and start == _PREFIX
            and which == FIRST
            and what == "the value"
            and framed.inflated is None
        ):
            self._keep(self._by_prefix, raw[:_PREFIX], read)
        return read(raw, start, what)

    def _read_bare(self, raw: bytes, what: str) -> Any:
        if self._bare is not None:
            return self._bare(raw, 0, what)
        if self._set is not None:
            raise undecodable(
                f"mapping.message_type has to say of which message {what} is, since nothing in the record does; the"
                f" last file of descriptor_set_file declares {self._set.candidates()}"
            )
        raise undecodable(
            f"{what} names no schema of a registry; for Protobuf without one there is mapping.descriptor_set_file"
        )

    def _behind_framing(self, raw: bytes, framed: Framed, file: FileNode, what: str) -> int:
        """Where the payload begins whose message is known already."""
        if framed.indexes is not None:
            return framed.start
        if framed.reference.startswith("glue:"):
            return framed.start
        try:
            if framed.start == 0:
                found = reference_of(raw, 0, file)
                return found.start if found else 0
            return begun(raw, framed.start, file).start
        except WireError as fault:
            raise _no_indexes(what, fault) from None

    def _which(
        self, raw: bytes, headers: Sequence[Header], framed: Framed, file: FileNode, type_header: str, what: str
    ) -> tuple[Which, int]:
        try:
            if framed.indexes is not None:
                return indexes_of(framed.indexes), framed.start
            if framed.start == 0 and framed.inflated is None:
                name = last_header(headers, type_header)
                found = reference_of(raw, 0, file)
                which: Which = found.which if found else FIRST
                return (name.decode("utf-8", "replace") if name else which), (found.start if found else 0)
            if framed.reference.startswith("glue:"):
                return FIRST, framed.start
            return begun(raw, framed.start, file)
        except WireError as fault:
            raise _no_indexes(what, fault) from None

    def _types_of(self, reference: str) -> _Types | SchemaNeeded:
        known = self._types.get(reference)
        if known is None:
            schema = self._schemas.get(reference)
            if schema is None:
                return SchemaNeeded(reference)
            if isinstance(schema, NoSchema):
                raise undecodable(schema.why)
            known = self._made(schema, reference)
            self._keep(self._types, reference, known)
        if isinstance(known, _Unservable):
            raise undecodable(known.why)
        return known

    def _made(self, schema: Schema, reference: str) -> _Types | _Unservable:
        if schema.form != "protobuf":
            names = {"avro": "Avro", "json": "JSON Schema"}
            other = "avro" if schema.form == "avro" else "json"
            return _Unservable(
                f"the schema {reference} is {names[schema.form]} and not Protobuf; decode: {other} reads it"
            )
        try:
            return _Types(pool_of(schema))
        except DescriptorError as fault:
            return _Unservable(f"the schema {reference} serves no record: {fault}")

    def _types_of_set(self, given: DescriptorSet) -> _Types:
        known = self._types.get("")
        if known is None:
            known = self._types[""] = _Types(given.pool(given.file))
        if isinstance(known, _Unservable):
            raise undecodable(known.why)
        return known

    def _reader(self, reference: str, types: _Types, which: Which, what: str) -> ReadMessage:
        key = reference, which
        known = self._readers.get(key)
        if known is None:
            try:
                known = reader_of(types.pool, message_of(types.file, which))
            except DescriptorError as fault:
                name = f"the schema {reference}" if reference else "mapping.descriptor_set_file"
                known = _Unservable(f"{name} does not serve {what}: {fault}")
            self._keep(self._readers, key, known)
        if isinstance(known, _Unservable):
            raise undecodable(known.why)
        return known

    def _keep(self, kept: dict[Any, Any], key: Any, value: Any) -> None:
        if len(kept) >= _MOST_READERS:
            kept.clear()
        kept[key] = value


def _no_indexes(what: str, fault: WireError) -> MappingError:
    return undecodable(f"{what} has no list of message indexes behind its schema id: {fault.why} at byte {fault.at}")


def _as_object(value: Any) -> DecodedRecord:
    """Fields can be read of nothing but an object; a null is a tombstone, as in JSON."""
    if value is None or isinstance(value, dict):
        return value
    raise undecodable(f"the value is {kind(value)}; a message with fields is needed")
