"""Metadata: any values in, one flat object of strings, finite numbers and booleans out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bridge.decode.exact_json import TINY
from bridge.decode.failures import found, invalid, unmappable
from bridge.mapping.absent_keys import AbsentKeys
from bridge.mapping.expressions import scalars
from bridge.mapping.expressions.absence import of_json_text
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.metadata_code import MetadataCode
from bridge.mapping.metadata_room import LEAST, WORTH_COUNTING, MetadataRoom, beyond

Metadata = dict[str, str | int | float | bool | Decimal]
Write = Callable[[Metadata, Any, Scope], int]
"""Fills metadata from the decoded value and the scope; returns how many values had no flat form and were left out."""
Spread = Callable[[Metadata, Any, Scope], int]
"""As `Write`, but it is given the object that becomes metadata."""
Omits = Callable[[str], bool]
"""Whether a dotted name, and all below it, stays out."""

SEPARATOR = ", "
MOST_JOINED = 50_000
"""Items of a list that are not all texts: each takes half a microsecond."""


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
    code = MetadataCode(route, place)
    code.keys(own)
    if source is None:
        code.keys(common)
    else:
        code.whole(source.reader, _spread(source))
        code.keys_if_free(common)
    write, counts = code.compiled()
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
    if scope.room is None or scope.room.out is not out:
        scope.room = MetadataRoom(out, scope.settings.metadata_limit)
    return scope.room
