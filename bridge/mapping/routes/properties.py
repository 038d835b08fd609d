"""Properties of a user or a company: any values in, one flat object of strings, finite numbers, booleans out, and of
nulls where something is to be removed.

What Userpilot takes of them is checked before anything is sent. These limits are told by others, not by its own pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from bridge.decode.failures import MappingError, found, invalid, unmappable
from bridge.mapping.absent_keys import MetadataKey
from bridge.mapping.expressions import scalars
from bridge.mapping.expressions.absence import of_json_text
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.metadata import MOST_NAMES, SEPARATOR, WholeObject

MOST_PROPERTIES: Final = 500
"""Of one user, or of one company."""
LONGEST_NAME: Final = 255
"""Characters."""
LONGEST_VALUE: Final = 65_535
"""Characters of a text."""
_SHOWN: Final = 60
"""Characters of a name that is too long."""

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PropertiesParts:
    """What is written of them, compiled."""

    named: tuple[tuple[str, ValueReader], ...]
    source: WholeObject | None
    clear: tuple[str, ...]


class PropertiesMade(NamedTuple):
    """The properties of one request."""

    properties: Properties
    left_out: int
    """Values without a flat form."""
    absent: int
    """One bit for each of `PropertiesWriter.watched` that found nothing."""

    def __repr__(self) -> str:
        return f"PropertiesMade({len(self.properties)} properties)"  # what they hold is out of a record


class PropertiesWriter:
    """Makes the properties of one route's requests."""

    def __init__(
        self, parts: PropertiesParts, prefix: str, *, stringify: bool, reserved: frozenset[str] = frozenset()
    ) -> None:
        """`prefix` is what the keys are under in the file and in messages: ``identify`` or ``identify.company``.

        `reserved` names are never taken from a whole object: they are the id, which another key reads.
        """
        self.prefix = prefix
        self._named = parts.named
        self._source = parts.source
        self._clear = frozenset(parts.clear)
        self._stringify = stringify
        self._reserved = reserved
        self._bits = {name: 1 << place for place, (name, _) in enumerate(self._watched())}
        self._source_bit = 1 << len(self._bits)

    @property
    def readers(self) -> tuple[tuple[str, ValueReader], ...]:
        """All that is read, each with its key in the file."""
        source = () if self._source is None else ((f"{self.prefix}.from", self._source.reader),)
        return (*source, *((f"{self.prefix}.properties.{name}", reader) for name, reader in self._named))

    @property
    def named(self) -> tuple[tuple[str, ValueReader], ...]:
        """What is named one by one."""
        return self._named

    def watched(self, route: str) -> Iterable[MetadataKey]:
        """What is noted where it finds nothing, in the order of the bits of `PropertiesMade.absent`."""
        for name, reader in self._watched():
            yield MetadataKey(route, f"{self.prefix}.properties.{name}", reader.text)
        if self._source is not None:
            yield MetadataKey(route, f"{self.prefix}.from", self._source.reader.text)

    def make(self, value: Any, scope: Scope) -> PropertiesMade:
        """The properties of a record. Raises `MappingError`: an `invalid` one names the property."""
        writing = _Writing(scope, self._clear, f"{self.prefix}.properties")
        absent = 0
        for name, reader in self._named:
            result = (reader.bare or reader).read(value, scope)
            if result is None:
                absent |= self._bits.get(name, 0)
                result = reader.default
            if result is not None:
                writing.out.pop(name, None)  # a flattened neighbour may have taken the name
                writing.put(name, result)
            elif name in self._clear and _says_null(reader, value):
                writing.out.setdefault(name, None)
        if self._source is not None:
            whole = self._source.reader.read(value, scope)
            if whole is None:
                absent |= self._source_bit
            self._spread(writing, self._source, whole)
        return PropertiesMade(self._finished(writing.out), writing.left_out, absent)

    def _watched(self) -> list[tuple[str, ValueReader]]:
        return [
            (name, reader)
            for name, reader in self._named
            if not reader.is_literal and reader.envelope_method is None  # these never vanish
        ]

    def _spread(self, writing: _Writing, source: WholeObject, whole: Any) -> None:
        if whole is None:
            return
        if whole.__class__ is not dict:
            text = source.reader.text
            what = f"{found(whole)}{of_json_text(text, whole)}"
            raise unmappable(f"{self.prefix}.from: {text} is {what}; an object is needed")
        writing.omits = source.omits
        if not self._reserved.isdisjoint(whole):
            whole = {name: each for name, each in whole.items() if name not in self._reserved}
        writing.spread("", whole)

    def _finished(self, out: Properties) -> Properties:
        if self._stringify:
            return {name: None if each is None else scalars.text_of(each) for name, each in out.items()}
        return out


def _says_null(reader: ValueReader, value: Any) -> bool:
    """Whether nothing is found because the record says that there is nothing: a field it does not have is not told of.

    Of a longer expression, which may yield null for either, null is null.
    """
    if not reader.uses_value:
        return False
    if reader.path is None:
        return True
    for name in reader.path:
        if value is None:
            return True
        if value.__class__ is not dict or name not in value:
            return False
        value = value[name]
    return value is None


class _Writing:
    """The properties of one request, as they grow."""

    def __init__(self, scope: Scope, clear: frozenset[str], label: str) -> None:
        self.out: Properties = {}
        self.left_out = 0
        self.omits: Any = None
        self._scope = scope
        self._clear = clear
        self._label = label
        self._names = MOST_NAMES

    def put(self, name: str, value: Any) -> None:
        """One value of any type under a name. A name that is taken stays as it is."""
        if isinstance(value, dict):
            self.spread(f"{name}.", value)
            return
        if isinstance(value, list):
            value = self._joined(name, [item for item in value if item is not None])
            if value is None:
                return
        elif not scalars.is_scalar(value):
            raise unmappable(f"{self._label}.{_short(name)} is {found(value)}, which no request can carry")
        if name in self.out:
            return
        self._add(name, scalars.sendable(value, self._scope))

    def spread(self, prefix: str, value: dict[str, Any]) -> None:
        """Each field of an object, nested names joined with dots."""
        for key, inner in value.items():
            if inner is None and not self._clear:
                continue
            name = prefix + key
            self._look_at(name)
            if self.omits is not None and self.omits(name):
                continue
            if inner is None:
                self._remove(name)
            elif not name.strip():
                self.left_out += 1
            else:
                self.put(name, inner)

    def _remove(self, name: str) -> None:
        """A null of a whole object: what is to be cleared at or below it."""
        for each in self._clear:
            if (each == name or each.startswith(f"{name}.")) and each not in self.out:
                self._add(each, None)

    def _add(self, name: str, value: Any) -> None:
        if len(name) > LONGEST_NAME:
            raise invalid(
                f"{self._label}.{_short(name)}: its name has {len(name)} characters; Userpilot takes {LONGEST_NAME}"
            )
        if value.__class__ is str and len(value) > LONGEST_VALUE:
            raise self._too_long(name, f"{len(value)}")
        if len(self.out) >= MOST_PROPERTIES:
            raise invalid(
                f"{self._label}.{name} is one more than the {MOST_PROPERTIES} properties that Userpilot takes; "
                "name those that are needed, or omit others"
            )
        self.out[name] = value

    def _joined(self, name: str, items: list[Any]) -> str | None:
        """A list as text; None for one without items or without a flat form."""
        if not items:
            return None
        if not scalars.are_scalars(items):
            self.left_out += 1
            return None
        if len(items) * len(SEPARATOR) > LONGEST_VALUE:
            raise self._too_long(name, f"more than {LONGEST_VALUE}")
        return SEPARATOR.join([scalars.text_of(scalars.sendable(item, self._scope)) for item in items])

    def _look_at(self, name: str) -> None:
        """A name is repeated in every leaf below it: one long key over many leaves must not cost for ever."""
        self._names -= 1 + len(name) // LONGEST_NAME
        if self._names < 0:
            raise invalid(f"{self._label} are made of more than {MOST_NAMES} names")

    def _too_long(self, name: str, length: str) -> MappingError:
        return invalid(f"{self._label}.{_short(name)} has {length} characters; Userpilot takes {LONGEST_VALUE}")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:_SHOWN]}…"
