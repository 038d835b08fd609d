"""Finds the message that a record is of: by what its framing says, or by the mapping's descriptor set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeVar

from bridge.decode.failures import undecodable
from bridge.decode.protobuf.indexes import Which, begun, message_of
from bridge.decode.protobuf.schema.nodes import DescriptorError, MessageNode
from bridge.decode.protobuf.schema.pool import Pool
from bridge.decode.protobuf.schema.sources import DescriptorSet, pool_of
from bridge.decode.protobuf.wire import WireError
from bridge.decode.protocol import FormatSettings, NoSchema, Schema, Schemas, keep
from bridge.decode.schema_ids import Framed, framed_value
from bridge.model import Record, SchemaNeeded

_FORMS: Final = {"avro": "Avro", "json": "JSON Schema"}
T = TypeVar("T")


class MessageType(NamedTuple):
    """A message among the types of its schema; the same instance for all its records."""

    pool: Pool
    message: MessageNode


class Payload(NamedTuple):
    """Bytes of a message, and where in them it begins."""

    type: MessageType
    raw: bytes
    start: int


@dataclass(frozen=True, slots=True)
class _Unservable:
    """Takes the place of what a schema would have given."""

    why: str


class MessageFinder:
    """Keeps what it made of schemas, and the faults of those that serve no record."""

    def __init__(self, format_: FormatSettings, schemas: Schemas) -> None:
        self._schemas = schemas
        self._pools: dict[str, Pool | _Unservable] = {}
        self._types: dict[tuple[str, Which], MessageType | _Unservable] = {}
        self._set: DescriptorSet | _Unservable | None = None
        self._of_set: MessageType | None = None
        if format_.descriptor_set is not None:
            self._take_set(format_.descriptor_set, format_.message_type)

    def _take_set(self, content: bytes, message_type: str | None) -> None:
        try:
            self._set = DescriptorSet(content, message_type)
            found = self._set.message()
        except DescriptorError as fault:
            self._set = _Unservable(f"mapping.descriptor_set_file serves no record: {fault}")
        else:
            self._of_set = None if found is None else MessageType(*found)

    def find(self, record: Record) -> Payload | SchemaNeeded:
        """Raises `MappingError` for a record that names none, and where its schema serves no record."""
        raw = record.value or b""
        framed = framed_value(raw, record.headers)
        if self._set is not None:
            return self._by_set(_servable(self._set), raw, framed, record)
        if framed is None:
            raise undecodable(
                "the value names no schema of a registry; for Protobuf without one there is mapping.descriptor_set_file"
            )
        pool = self._pool(framed.reference)
        return pool if isinstance(pool, SchemaNeeded) else self._in_pool(framed.reference, pool, raw, framed, record)

    def _by_set(self, given: DescriptorSet, raw: bytes, framed: Framed | None, record: Record) -> Payload:
        """The value may be framed all the same; no message begins as framing does."""
        if framed is None:
            if self._of_set is None:
                raise undecodable(
                    "mapping.message_type has to say of which message the value is, since nothing in the record does;"
                    f" the last file of mapping.descriptor_set_file declares {given.candidates()}"
                )
            return Payload(self._of_set, raw, 0)
        if self._of_set is None:
            return self._in_pool("", given.last, raw, framed, record)
        content = raw if framed.inflated is None else framed.inflated
        start = _begun(content, framed, record, self._of_set.pool).start
        return Payload(self._of_set, content, start)

    def _in_pool(self, reference: str, pool: Pool, raw: bytes, framed: Framed, record: Record) -> Payload:
        content = raw if framed.inflated is None else framed.inflated
        which, start = _begun(content, framed, record, pool)
        found = self._types.get((reference, which))
        if found is None:
            try:
                found = MessageType(pool, message_of(pool.file, which))
            except DescriptorError as fault:
                found = _Unservable(f"{_named(reference)} does not serve the value: {fault}")
            keep(self._types, (reference, which), found)
        return Payload(_servable(found), content, start)

    def _pool(self, reference: str) -> Pool | SchemaNeeded:
        known = self._pools.get(reference)
        if known is None:
            schema = self._schemas.get(reference)
            if schema is None:
                return SchemaNeeded(reference)
            if isinstance(schema, NoSchema):
                raise undecodable(schema.why)
            known = _made(schema, reference)
            keep(self._pools, reference, known)
        return _servable(known)


def _made(schema: Schema, reference: str) -> Pool | _Unservable:
    if schema.form != "protobuf":
        way = "decode: avro reads it" if schema.form == "avro" else "decode: json reads it"
        return _Unservable(f"the schema {reference} is {_FORMS[schema.form]} and not Protobuf; {way}")
    try:
        return pool_of(schema)
    except DescriptorError as fault:
        return _Unservable(f"the schema {reference} serves no record: {fault}")


def _begun(raw: bytes, framed: Framed, record: Record, pool: Pool) -> Any:
    try:
        return begun(raw, framed, record.headers, pool.file)
    except WireError as fault:
        raise undecodable(
            f"the value does not say which message of its schema it is: {fault.why} at byte {fault.at}"
        ) from None


def _servable(found: T | _Unservable) -> T:
    if isinstance(found, _Unservable):
        raise undecodable(found.why)
    return found


def _named(reference: str) -> str:
    return f"the schema {reference}" if reference else "mapping.descriptor_set_file"
