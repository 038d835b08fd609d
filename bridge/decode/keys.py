"""How a record's key is read: as text, as JSON, as what Java's serializers write, or behind a schema.

`key` is always a text: an identifier, a number's digits. `key:PATH` looks into what the key decodes to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import orjson

from bridge.config.mapping_section import KeyFormat, ValueFormat
from bridge.decode import connect, debezium, exact_json, plain_json, plain_text
from bridge.decode.failures import MappingError, kind, unmappable
from bridge.decode.protocol import EXACT, NO_SCHEMAS, Decoder, FormatSettings, NoSchema, Schemas
from bridge.decode.recognition import form_of_identifier, unframed
from bridge.decode.schema_ids import framed_value
from bridge.errors import Signal
from bridge.model import Header, LetterReason, Record, SchemaNeeded


class SchemaNeededError(Signal):
    """A key cannot be read before a schema is known."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


class ReadKeyText(Protocol):
    """The key as text; None for a null inside of it. Raises `MappingError` and `SchemaNeededError`."""

    def __call__(self, content: bytes, name: str, headers: Sequence[Header], /) -> str | None:
        """`name` is how messages name the key."""


class ReadKeyValue(Protocol):
    """What the key decodes to. Raises as `ReadKeyText` does."""

    def __call__(self, content: bytes, headers: Sequence[Header], /, *, exact: bool) -> Any:
        """`exact`: with every number as it is written."""


class KeyReader(NamedTuple):
    """How the keys of a topic are read."""

    text: ReadKeyText
    value: ReadKeyValue


PLAIN: Final = KeyReader(plain_text.read, plain_json.read_key)
"""Text as `key`, and JSON as `key:PATH`."""


def key_reader(given: FormatSettings, schemas: Schemas, decoders: Mapping[ValueFormat, Decoder]) -> KeyReader:
    """That of all topics with these settings."""
    match given.key:
        case "text" if given.unwrap == "none":
            return PLAIN
        case "text":
            return _in_envelopes(given)
        case "json":
            return _of_value(_in_envelopes(given).value if given.unwrap != "none" else plain_json.read_key)
        case "int32" | "int64" | "uuid":
            return _of_value(_BINARY[given.key])
        case "avro" | "protobuf":
            return _of_value(_behind_schema(given.key, given, schemas, decoders))
        case "auto":
            return _recognised(given, schemas, decoders)


def read_once(reader: KeyReader, key: bytes, headers: Sequence[Header]) -> KeyReader:
    """A reader of this one key, which has it already: whoever asks later gets what it is, or failed with, now.

    Raises `SchemaNeededError`.
    """
    text = _kept(lambda: reader.text(key, "key", headers))
    value = _kept(lambda: reader.value(key, headers, exact=True))
    return KeyReader(lambda _content, _name, _headers: text(), lambda _content, _headers, *, exact: value())  # noqa: ARG005 - the protocol's


def _kept(read: Callable[[], Any]) -> Callable[[], Any]:
    """What it answers or fails with now, again and again."""
    try:
        found = read()
    except MappingError as failure:
        reason, message, schema = failure.reason, failure.message, failure.schema

        def fail() -> Any:
            raise MappingError(reason, message, schema)

        return fail
    return lambda: found


def _of_value(value: ReadKeyValue) -> KeyReader:
    """`key` is the text of what the key decodes to."""
    return KeyReader(lambda content, name, headers: _as_text(value(content, headers, exact=True), name), value)


def _as_text(value: Any, name: str) -> str | None:
    if value is None or value.__class__ is str:
        text: str | None = value
        return text
    if value.__class__ is int:
        return str(value)
    if isinstance(value, float | Decimal) and value == int(value):
        return str(int(value))
    hint = f"; {name}:PATH reads a field of it" if isinstance(value, dict) else ""
    raise unmappable(f"{name} is {kind(value)}, not text{hint}")


def _in_envelopes(given: FormatSettings) -> KeyReader:
    """Text and JSON, be it in Kafka Connect's envelope or in the quotes of its JSON converter."""
    types = connect.types(debezium.is_unavailable, logical_types=given.logical_types)

    def inside_of(found: Any, name: str, size: int) -> Any:
        try:
            return connect.payload(found, types, size)
        except MappingError as failure:
            raise unmappable(f"{name}: {failure.message}") from None

    def value(content: bytes, headers: Sequence[Header], /, *, exact: bool) -> Any:
        return inside_of(plain_json.read_key(content, headers, exact=exact), "key", len(content))

    def text(content: bytes, name: str, headers: Sequence[Header]) -> str | None:
        if content[:1] in {b"{", b'"'}:
            try:
                found = exact_json.decode(content, exact=True)
            except (orjson.JSONDecodeError, MappingError):
                found = None
            inside = inside_of(found, name, len(content))
            if inside is not found or isinstance(found, str):
                return _as_text(inside, name)
        return plain_text.read(content, name, headers)

    return KeyReader(text, value)


# --- bytes that are no text


def _integer(size: int) -> ReadKeyValue:
    def value(content: bytes, _headers: Sequence[Header], /, *, exact: bool) -> Any:  # noqa: ARG001 - the protocol's
        if len(content) != size:
            raise unmappable(f"key has {len(content)} bytes; an int{size * 8} has {size}")
        return int.from_bytes(content, "big", signed=True)

    return value


_UUID: Final = 16
"""Bytes; as text it has 36 characters."""


def _uuid(content: bytes, _headers: Sequence[Header], /, *, exact: bool) -> Any:  # noqa: ARG001 - the protocol's
    if len(content) == _UUID:
        return str(UUID(bytes=content))
    try:
        if len(content) == 36:
            return str(UUID(content.decode("ascii")))
    except ValueError:
        pass
    raise unmappable(f"key is no UUID: it has {len(content)} bytes, and one has 16, or 36 as text")


_BINARY: Final[Mapping[str, ReadKeyValue]] = {"int32": _integer(4), "int64": _integer(8), "uuid": _uuid}


# --- behind a schema

_OF_THE_VALUE: Final = {
    "__key_schema_id": "__value_schema_id",
    "apicurio.key.contentId": "apicurio.value.contentId",
    "apicurio.key.globalId": "apicurio.value.globalId",
    "apicurio.protobuf.type.key": "apicurio.protobuf.type",
}
"""Headers that say the same of a value."""


def _behind_schema(
    name: KeyFormat, given: FormatSettings, schemas: Schemas, decoders: Mapping[ValueFormat, Decoder]
) -> ReadKeyValue:
    """The key, read as a value of this format would be."""
    row = next((decoder for each, decoder in decoders.items() if each == name), None)
    if row is None:
        return _no_decoder(name)
    # Nothing is around a key, and it need not be an object: what is unwrapped is looked into by whoever asked.
    decode = row.make(
        replace(given, layers=(), unwrap="connect", each=None, descriptor_set=None, message_type=None), schemas
    )

    def value(content: bytes, headers: Sequence[Header], /, *, exact: bool) -> Any:  # noqa: ARG001 - the protocol's
        own = tuple((_OF_THE_VALUE[header], found) for header, found in headers if header in _OF_THE_VALUE)
        try:
            found: Any = decode(Record("", 0, 0, None, None, content, own), None, EXACT)
        except MappingError as failure:
            missing = None if schemas is NO_SCHEMAS else _unknown(content, own, schemas)
            if missing is not None:
                raise MappingError(LetterReason.UNDECODABLE, f"key: {failure.message}", missing) from None
            raise unmappable(f"key: {failure.message}") from None
        if isinstance(found, SchemaNeeded):
            raise SchemaNeededError(found.reference)
        return found

    return value


def _unknown(content: bytes, headers: Sequence[Header], schemas: Schemas) -> str | None:
    """The schema that the registry was asked for and does not know; None: that is not why the key cannot be read."""
    try:
        framed = framed_value(content, headers)
    except MappingError:
        return None
    return framed.reference if framed is not None and isinstance(schemas.get(framed.reference), NoSchema) else None


def _no_decoder(name: str) -> ReadKeyValue:
    def value(_content: bytes, _headers: Sequence[Header], /, *, exact: bool) -> Any:  # noqa: ARG001 - the protocol's
        raise unmappable(f"key is {name}, which this version cannot read")

    return value


# --- by what it looks like


def _recognised(given: FormatSettings, schemas: Schemas, decoders: Mapping[ValueFormat, Decoder]) -> KeyReader:
    """Framed keys by their schema, then text and JSON, then numbers and UUIDs by their length."""
    avro = _behind_schema("avro", given, schemas, decoders)
    protobuf = _behind_schema("protobuf", given, schemas, decoders)
    plain = _in_envelopes(given)

    def binary(content: bytes, headers: Sequence[Header], *, exact: bool) -> Any:
        if _is_framed(content, headers):
            return _first_of((avro, protobuf), content, headers, exact=exact)
        reader = _BY_LENGTH.get(len(content))
        if reader is None:
            raise unmappable(f"key is {plain_text.problem_of(content, headers)}")
        return reader(content, headers, exact=exact)

    def text(content: bytes, name: str, headers: Sequence[Header]) -> str | None:
        if _is_text(content):
            return plain.text(content, name, headers)
        return _as_text(binary(content, headers, exact=True), name)

    def value(content: bytes, headers: Sequence[Header], /, *, exact: bool) -> Any:
        is_json = _is_text(content) or unframed(content) is not content
        return plain.value(content, headers, exact=exact) if is_json else binary(content, headers, exact=exact)

    return KeyReader(text, value)


_BY_LENGTH: Final[Mapping[int, ReadKeyValue]] = {4: _integer(4), 8: _integer(8), 16: _uuid}


def _is_text(content: bytes) -> bool:
    return plain_text.text_of(content) is not None and form_of_identifier(content) is None


def _is_framed(content: bytes, headers: Sequence[Header]) -> bool:
    """Longer than a number that begins with a zero byte, or named in a header."""
    return (content[:1] == b"\0" and len(content) > 5 and len(content) != 8) or any(
        header in _OF_THE_VALUE for header, _ in headers
    )


def _first_of(readers: Sequence[ReadKeyValue], content: bytes, headers: Sequence[Header], *, exact: bool) -> Any:
    """What the first makes of it that can."""
    failures: list[MappingError] = []
    for reader in readers:
        try:
            return reader(content, headers, exact=exact)
        except MappingError as failure:
            failures.append(failure)
    raise failures[0]
