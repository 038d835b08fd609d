"""What a decoder is given and what it answers. Decoders are pure: what has to be looked up first, they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeVar

from bridge.config.mapping_section import KeyFormat, Layer, Unwrap
from bridge.decode.elements import ElementList
from bridge.model import Filtered, Header, Record, SchemaNeeded

DecodedRecord = dict[str, Any] | None
"""What expressions see; None for a null, which is a tombstone."""
DecodesTo = DecodedRecord | ElementList | SchemaNeeded | Filtered
"""What bytes come to. Where a topic has `unwrap` or `each`, its decoder may also show what is no object."""
Attributes = dict[str, Any]
"""What the headers of a record say of its event, in the shape that the decoded value has it in."""


# --- what decoders keep

MOST_KEPT: Final = 256
"""Of each kind: readers, schemas, messages of them. A reader takes a few hundred kilobytes at most."""
K = TypeVar("K")
V = TypeVar("V")


def keep(kept: dict[K, V], key: K, value: V) -> None:
    """Into a cache that is bounded: with more than `MOST_KEPT`, all are made again."""
    if len(kept) >= MOST_KEPT:
        kept.clear()
    kept[key] = value


# --- schemas


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema as a registry has it. It never changes."""

    form: Literal["avro", "protobuf", "json"]
    text: str
    """Avro and JSON Schema: JSON. Protobuf: base64 of a serialized ``FileDescriptorProto``, or where a registry has
    nothing else the text of a ``.proto`` file."""
    references: tuple[tuple[str, str], ...] = ()
    """Name and text of the schemas that it refers to, in the same form, each after those that it needs itself. A name
    is that under which it is referred to: of Protobuf the path of the import."""


@dataclass(frozen=True, slots=True)
class NoSchema:
    """It was looked for and decided: the records that name it cannot be read. That may be over when asked later."""

    why: str
    """A part of a sentence: ``the registry does not know schema id 42``."""


Schemas = Mapping[str, Schema | NoSchema]
"""What is known already, by what records refer to it with, see `SchemaNeeded.reference`. May grow while it is used."""


class NoRegistry(Mapping[str, Schema | NoSchema]):
    """Of a bridge without a registry: no schema is known, and none ever will be."""

    def __getitem__(self, reference: str) -> NoSchema:
        return NoSchema(f"the value needs the schema {reference} to be decoded, and no schema_registry is configured")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


NO_SCHEMAS: Final[Schemas] = NoRegistry()


# --- how a topic's records are read


@dataclass(frozen=True, slots=True)
class FormatSettings:
    """What the mapping says of the bytes of a topic's records."""

    logical_types: bool = True
    """Whether Avro, Connect and Debezium types are shown as what they mean, or as they are stored."""
    layers: tuple[Layer, ...] = ()
    """What is undone before decoding, outermost first."""
    unwrap: Unwrap = "none"
    key: KeyFormat = "text"
    each: str | None = None
    """Where the elements are that are records of their own; ``@`` for the value itself."""
    descriptor_set: bytes | None = None
    """A serialized ``FileDescriptorSet``, for Protobuf without a registry."""
    message_type: str | None = None
    """The full name of the message in it."""
    each_path: tuple[str, ...] = ()
    """`each` as names; none of them for the value itself."""
    shown: bool = False
    """For people, who see the whole value: it need not be an object, though nothing is taken off it."""

    @property
    def takes_anything(self) -> bool:
        """Whether what the format reads need not be an object: something is taken off it, or it is taken apart."""
        return self.shown or self.unwrap != "none" or self.each is not None

    @property
    def as_it_is(self) -> bool:
        """Whether a value is decoded as it is, and is one record: nothing is undone before, and nothing taken off."""
        return not self.layers and self.unwrap == "none" and self.each is None


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How bytes are read, whatever their format."""

    exact: bool
    """Every number as it is written: slow, and only for records of which the fast way may round one."""


FAST: Final = DecodeSettings(exact=False)
EXACT: Final = DecodeSettings(exact=True)


# --- decoders


class Decode(Protocol):
    """Reads a record's value. Raises `MappingError` for bytes that are not what they are said to be."""

    def __call__(self, record: Record, attributes: Attributes | None, settings: DecodeSettings, /) -> DecodesTo:
        """`attributes` are what the decoder found in the record's headers."""


MakeDecode = Callable[[FormatSettings, Schemas], Decode]
"""Makes what reads the records of all topics with these settings. It keeps what it made of schemas, within bounds."""


class Leading(NamedTuple):
    """Where a text is that values begin with, and so what all values with the same beginning have in common."""

    framing: int
    """Bytes that say which schema it is."""
    at: int
    """The byte that is the text's length (twice), or the whole text by its number."""
    is_text: bool

    def end(self, raw: bytes) -> int:
        """How many bytes of this value say what the text is."""
        return self.at + 1 + (raw[self.at] >> 1 if self.is_text and self.at < len(raw) else 0)


class Peek(Protocol):
    """Reads one text of a record's value without the rest."""

    def __call__(self, record: Record, /) -> str | SchemaNeeded | None:
        """None where only decoding can tell what is there."""

    def leading(self, record: Record, /) -> Leading | None:
        """Where the text is that was found, if values begin with it and their framing says which schema."""


MakePeek = Callable[[FormatSettings, Schemas, tuple[str, ...]], Peek | None]
"""Given the path of the text, as names; None where the format has no shorter way there."""


def no_attributes(_headers: Sequence[Header]) -> None:
    """Of a format whose records are wholly in their values."""


def no_peek(_format: FormatSettings, _schemas: Schemas, _path: tuple[str, ...]) -> None:
    """Of a format that is read whole or not at all."""


class Decoder(NamedTuple):
    """One row of the table of decoders."""

    make: MakeDecode
    form: Callable[[Attributes | None, dict[str, Any]], str]
    """What a record was, for people, by its attributes and its decoded value: ``JSON``, ``CloudEvent (binary)``."""
    attributes: Callable[[Sequence[Header]], Attributes | None] = no_attributes
    """Asked first, so that a record whose type is in its headers is filtered before it is decoded. None where the
    headers describe no event. Raises `MappingError`."""
    peek: MakePeek = no_peek
    """For routing by a type in the value: a record that no rule wants is not decoded for it."""
    is_exact: bool = False
    """Whether each number is as the record has it already, so that none is looked for in its bytes, or read again."""
    shows_members: bool = False
    """Whether a value's bytes are the very JSON that expressions see: then a member can be told in them."""

    @property
    def knows_events(self) -> bool:
        """Whether its records may be CloudEvents, which have an envelope of their own."""
        return self.attributes is not no_attributes


def always(decode: Decode) -> MakeDecode:
    """The row of a format that has no settings and needs no schemas."""

    def make(_format: FormatSettings, _schemas: Schemas) -> Decode:
        return decode

    return make
