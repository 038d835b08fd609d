"""Metadata: any values in, one flat object of strings, finite numbers and booleans out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from bridge.decode.exact_json import TINY
from bridge.decode.failures import MappingError, found, invalid, unmappable
from bridge.mapping.absent_keys import AbsentKeys, MetadataKey
from bridge.mapping.expressions import scalars
from bridge.mapping.expressions.absence import of_json_text
from bridge.mapping.expressions.generated import Metadata, MetadataFunction, Spread, Write
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope

Omits = Callable[[str], bool]
"""Whether a dotted name, and all below it, stays out."""

METADATA_FROM: Final = "(metadata_from)"
"""The key under which the whole object of `metadata_from` is counted."""
SEPARATOR = ", "
MOST_JOINED = 50_000
"""Items of a list that are not all texts: each takes half a microsecond."""
LEAST: Final = 5
"""Bytes of JSON that a field needs besides its name: two quotes, a colon, a value, a comma."""
MOST_NAMES: Final = 20_000
"""Dotted names that one event's metadata may have been made of, those included that were left out."""
WORTH_COUNTING: Final = 10_000
"""Bytes of fields from which on they are counted; fewer are measured when they are all there."""
_LONG_NAME: Final = 250
"""A name counts once more for so many characters."""


@dataclass(frozen=True, slots=True)
class WholeObject:
    """A whole object that becomes metadata."""

    reader: ValueReader
    omits: Omits | None


def compile_metadata(
    route: str,
    own: tuple[tuple[str, ValueReader], ...],
    source: WholeObject | None,
    common: tuple[tuple[str, ValueReader], ...],
    *,
    stringify: bool,
) -> tuple[Write, AbsentKeys]:
    """The route's own keys win over those of `source`, and both over the common ones. What finds nothing is counted."""
    function = MetadataFunction(route, place)
    function.keys(own)
    if source is None:
        function.keys(common)
    else:
        function.whole(METADATA_FROM, source.reader, _spread(source))
        function.keys_if_free(common)
    counts = AbsentKeys(MetadataKey(route, key, reader.text) for key, reader in function.watched)
    write = function.compiled(counts)
    return _as_texts(write) if stringify else write, counts


def _spread(source: WholeObject) -> Spread:
    text, omits = source.reader.text, source.omits

    def spread(out: Metadata, whole: Any, scope: Scope) -> int:
        if whole.__class__ is dict:
            return _flatten(out, "", whole, scope, omits)
        if whole is None:
            return 0
        raise unmappable(f"metadata_from: {text} is {found(whole)}{of_json_text(text, whole)}; an object is needed")

    return spread


def _as_texts(write: Write) -> Write:
    def write_texts(out: Metadata, value: Any, scope: Scope) -> int:
        left_out = write(out, value, scope)
        for key, scalar in out.items():
            if scalar.__class__ is not str:
                out[key] = scalars.text_of(scalar)
        return left_out

    return write_texts


def place(out: Metadata, name: str, value: Any, scope: Scope, omits: Omits | None = None) -> int:  # noqa: PLR0911 - one line for each kind of value
    """Puts one value of any type under a name; returns how many values had to be left out."""
    if value is None:
        return 0
    kind = value.__class__
    usual = (
        kind is str
        or kind is int
        or kind is bool
        or (kind is float and (value > TINY or value < -TINY) and (scope.exact or scope.require_exact_numbers()))
    )
    if usual and name not in out:
        out[name] = value
        return 0
    if isinstance(value, dict):
        return _flatten(out, f"{name}.", value, scope, omits)
    if isinstance(value, list):
        items = [item for item in value if item is not None]
        if not items:
            return 0
        if not scalars.are_scalars(items):
            return 1
        value = _joined(items, scope)
    elif not scalars.is_scalar(value):
        raise unmappable(f"metadata.{name} is {found(value)}, which no request can carry")
    if name in out:
        return 1  # {"a.b": 1, "a": {"b": 2}}: both are called a.b, and the first stays
    out[name] = scalars.sendable(value, scope)
    return 0


def _joined(items: list[Any], scope: Scope) -> str:
    if len(items) * len(SEPARATOR) > scope.settings.metadata_limit:
        raise beyond(scope.settings.metadata_limit)
    if len(items) > MOST_JOINED and not all(item.__class__ is str for item in items):
        raise invalid(f"the metadata has a list of more than {MOST_JOINED} numbers")
    return SEPARATOR.join([item if item.__class__ is str else _text(item, scope) for item in items])


def _text(item: Any, scope: Scope) -> str:
    return repr(item) if item.__class__ is int else scalars.text_of(scalars.sendable(item, scope))


def _flatten(out: Metadata, prefix: str, value: dict[str, Any], scope: Scope, omits: Omits | None) -> int:
    scope.spread += (len(prefix) + LEAST) * len(value)
    if scope.spread > WORTH_COUNTING:
        return _flatten_counted(out, prefix, value, scope, omits)
    left_out = 0
    for key, inner in value.items():
        name = prefix + key
        if omits is not None and omits(name):
            continue
        kind = inner.__class__
        if kind is dict:
            left_out += _flatten(out, f"{name}.", inner, scope, omits)
        elif (
            kind is str
            or kind is int
            or (kind is float and (inner > TINY or inner < -TINY) and (scope.exact or scope.require_exact_numbers()))
        ) and name not in out:
            out[name] = inner  # as `place` would, without the call
        else:
            left_out += place(out, name, inner, scope, omits)
    return left_out


def _flatten_counted(out: Metadata, prefix: str, value: dict[str, Any], scope: Scope, omits: Omits | None) -> int:
    """The same where all fields might not fit: it stops at the first that does not."""
    room = _room(out, scope)
    room.check_prefix(prefix)
    left_out = 0
    for key, inner in value.items():
        if inner is None:
            continue
        name = prefix + key
        room.look_at(name)
        if omits is not None and omits(name):
            continue
        before = len(out)
        left_out += place(out, name, inner, scope, omits)
        if inner.__class__ is not dict and len(out) > before:
            room.fill(name)
    return left_out


def _room(out: Metadata, scope: Scope) -> MetadataRoom:
    """Each route of a record has its own."""
    room = scope.room
    if not isinstance(room, MetadataRoom) or room.out is not out:
        room = scope.room = MetadataRoom(out, scope.settings.metadata_limit)
    return room


class MetadataRoom:
    """The room that is left in one event's metadata, counted while an object is flattened into it and not afterwards.

    A name is repeated in every leaf below it: one long key over many leaves would be a thousand times the record's
    size.
    """

    __slots__ = ("_left", "_limit", "_names", "out")

    def __init__(self, out: dict[str, Any], limit: int) -> None:
        self.out = out
        self._limit = limit
        self._left = limit
        self._names = MOST_NAMES
        for name in out:
            self.fill(name)

    def check_prefix(self, prefix: str) -> None:
        """Refuses a name below which no leaf could fit."""
        if len(prefix) > self._limit:
            raise self._full()

    def look_at(self, name: str) -> None:
        """Counts a name, whatever becomes of it."""
        self._names -= 1 + len(name) // _LONG_NAME
        if self._names < 0:
            raise invalid(f"the metadata is made of more than {MOST_NAMES} names")

    def fill(self, name: str) -> None:
        """Counts a field that is in the metadata now."""
        self._left -= len(name) + LEAST
        if self._left < 0:
            raise self._full()

    def _full(self) -> MappingError:
        return beyond(self._limit)


def beyond(limit: int) -> MappingError:
    """The failure of metadata that is certainly larger, without its size."""
    return invalid(f"the metadata has more than {limit} bytes as JSON, which is metadata_limit")
