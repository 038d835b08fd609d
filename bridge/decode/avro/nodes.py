"""A schema of Avro as frozen nodes: what `schema` makes of its text, and all that readers need of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bridge.decode.beyond_json.meanings import Meaning

PrimitiveKind = Literal["null", "boolean", "int", "long", "float", "double", "bytes", "string"]


@dataclass(frozen=True, slots=True)
class AvroPrimitive:
    """A type without parts."""

    kind: PrimitiveKind
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class AvroFixed:
    """So many bytes, whatever they hold."""

    name: str
    size: int
    meaning: Meaning | None = None


@dataclass(frozen=True, slots=True)
class AvroEnum:
    """One of some names."""

    name: str
    symbols: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AvroArray:
    """Any number of items."""

    items: AvroNode


@dataclass(frozen=True, slots=True)
class AvroMap:
    """Any number of items, each under a text."""

    items: AvroNode


@dataclass(frozen=True, slots=True)
class AvroUnion:
    """One of several types."""

    branches: tuple[AvroNode, ...]


@dataclass(frozen=True, slots=True)
class AvroUse:
    """A record type by its full name, which may be used within itself: it is looked up in `AvroSchema.records`."""

    name: str


AvroNode = AvroPrimitive | AvroFixed | AvroEnum | AvroArray | AvroMap | AvroUnion | AvroUse


@dataclass(frozen=True, slots=True)
class AvroRecord:
    """Values under names, in this order."""

    name: str
    fields: tuple[tuple[str, AvroNode], ...]
    is_decimal: bool = False
    """Debezium's decimal that brings its own scale: shown as the number that it is."""
    is_recursive: bool = False
    """A value of it may hold another of it."""


@dataclass(frozen=True, slots=True)
class AvroSchema:
    """What the bytes of a value are."""

    root: AvroNode
    records: Mapping[str, AvroRecord] = field(default_factory=dict)
    """By full name."""

    def record(self, use: AvroUse) -> AvroRecord:
        """The record type that is used."""
        return self.records[use.name]
