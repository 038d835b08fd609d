"""What a descriptor says of messages and enums, as far as reading them needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from bridge.errors import InvalidError


class DescriptorError(InvalidError):
    """Why a schema serves no record. A sentence part: ``its import a.proto is missing``."""


class FieldType(IntEnum):
    """As `FieldDescriptorProto.Type` numbers them."""

    UNKNOWN = 0
    """A descriptor of somebody who did not look whether a name is a message's or an enum's."""
    DOUBLE = 1
    FLOAT = 2
    INT64 = 3
    UINT64 = 4
    INT32 = 5
    FIXED64 = 6
    FIXED32 = 7
    BOOL = 8
    STRING = 9
    GROUP = 10
    MESSAGE = 11
    BYTES = 12
    UINT32 = 13
    ENUM = 14
    SFIXED32 = 15
    SFIXED64 = 16
    SINT32 = 17
    SINT64 = 18


@dataclass(frozen=True, slots=True)
class FieldNode:
    """One field of a message."""

    name: str
    number: int
    type: FieldType
    type_name: str = ""
    """As the descriptor has it: with a dot in front it is a whole name, else it is looked for from inside out."""
    repeated: bool = False
    explicit: bool = True
    """Whether a field that is not there is null; else it has its type's default."""
    oneof: int | None = None
    verified: bool = True
    """Whether a string that is not UTF-8 makes the whole message undecodable."""


@dataclass(frozen=True, slots=True)
class EnumNode:
    """An enum: its names by number, the first one declared where several have the same."""

    name: str
    names: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class MessageNode:
    """A message; names are whole, without a dot in front."""

    name: str
    fields: tuple[FieldNode, ...] = ()
    messages: tuple[MessageNode, ...] = ()
    """Declared inside, in order: message indexes count them."""
    enums: tuple[EnumNode, ...] = ()
    is_map_entry: bool = False


@dataclass(frozen=True, slots=True)
class FileNode:
    """One file."""

    name: str
    package: str
    imports: tuple[str, ...] = ()
    messages: tuple[MessageNode, ...] = ()
    enums: tuple[EnumNode, ...] = field(default=())


DEFAULTS: Final[Mapping[FieldType, object]] = {
    FieldType.DOUBLE: 0.0,
    FieldType.FLOAT: 0.0,
    FieldType.BOOL: False,
    FieldType.STRING: "",
    FieldType.BYTES: "",
}
"""Of fields without presence; all others are numbers, and 0."""
