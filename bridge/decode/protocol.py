"""What a decoder is given and what it answers. Decoders are pure: what has to be looked up first, they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from bridge.model import Header, Record

Schemas = Mapping[str, str]
"""The texts of the schemas that are known already, by what records refer to them with."""
NO_SCHEMAS: Final[Schemas] = {}
DecodedRecord = dict[str, Any] | None
"""What expressions see; None for a null, which is a tombstone."""
Attributes = dict[str, Any]
"""What the headers of a record say of its event, in the shape that the decoded value has it in."""


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How bytes are read, whatever their format."""

    exact: bool
    """Every number as it is written: slow, and only for records of which the fast way may round one."""


FAST: Final = DecodeSettings(exact=False)
EXACT: Final = DecodeSettings(exact=True)


@dataclass(frozen=True, slots=True)
class SchemaNeeded:
    """A record that cannot be decoded before a schema is known: no failure of the record."""

    reference: str
    """The key in `Schemas` under which it is looked for."""


class Decode(Protocol):
    """Reads a record's value. Raises `MappingError` for bytes that are not what they are said to be."""

    def __call__(
        self, record: Record, attributes: Attributes | None, settings: DecodeSettings, schemas: Schemas, /
    ) -> DecodedRecord | SchemaNeeded:
        """`attributes` are what the decoder found in the record's headers."""


def no_attributes(_headers: Sequence[Header]) -> None:
    """Of a format whose records are wholly in their values."""


class Decoder(NamedTuple):
    """One row of the table of decoders."""

    decode: Decode
    form: Callable[[Attributes | None, dict[str, Any]], str]
    """What a record was, for people, by its attributes and its decoded value: ``JSON``, ``CloudEvent (binary)``."""
    attributes: Callable[[Sequence[Header]], Attributes | None] = no_attributes
    """Asked first, so that a record whose type is in its headers is filtered before it is decoded. None where the
    headers describe no event. Raises `MappingError`."""

    @property
    def knows_events(self) -> bool:
        """Whether its records may be CloudEvents, which have an envelope of their own."""
        return self.attributes is not no_attributes
