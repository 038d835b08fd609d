"""The metadata of a route as one function without a loop: closures in a loop take twice as long for six keys."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final

from bridge.decode.exact_json import TINY
from bridge.mapping.absent_keys import AbsentKeys, MetadataKey
from bridge.mapping.expressions.function_text import FunctionText
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope

Metadata = dict[str, str | int | float | bool | Decimal]
Write = Callable[[Metadata, Any, Scope], int]
"""Fills metadata from the decoded value and the scope; returns how many values had no flat form and were left out."""
Spread = Callable[[Metadata, Any, Scope], int]
"""As `Write`, but it is given the object that becomes metadata."""

METADATA_FROM: Final = "(metadata_from)"
"""The key under which the whole object of `metadata_from` is counted."""


class MetadataCode:
    """The function as it grows: ``write(out, value, scope)``, see `Write`."""

    def __init__(self, route: str, place: Callable[..., int]) -> None:
        """`place` gets what is neither a text nor a boolean nor a number that is certainly exact."""
        self._text = FunctionText("out", "value", "scope")
        self._text.add("left_out = absent = 0")
        self._route = route
        self._watched: list[MetadataKey] = []
        self._place = self._text.named(place)
        self._is_usual = (
            "kind is str or kind is int or kind is bool or "
            f"(kind is float and (got > {TINY} or got < -{TINY}) and (scope.exact or scope.require_exact_numbers()))"
        )

    def keys(self, entries: Sequence[tuple[str, ValueReader]]) -> None:
        """Keys that are written whatever has their name already: a flattened neighbour may have taken it."""
        for key, reader in entries:
            self._text.add(*self._entry(key, reader))

    def keys_if_free(self, entries: Sequence[tuple[str, ValueReader]]) -> None:
        """Keys that stay as they are if something has their name; their readers are not asked then."""
        for key, reader in entries:
            self._text.add(f"if {key!r} not in out:", *(f"    {line}" for line in self._entry(key, reader)))

    def whole(self, reader: ValueReader, spread: Spread) -> None:
        """An object of which every field becomes a key."""
        self._text.add(
            *self._fetch(reader),
            f"if got is None: {self._note(METADATA_FROM, reader)}",
            f"left_out += {self._text.named(spread)}(out, got, scope)",
        )

    def compiled(self) -> tuple[Write, AbsentKeys]:
        """The function, and what it counts."""
        counts = AbsentKeys(self._watched)
        if self._watched:
            self._text.add(f"{self._text.named(counts)}[absent] += 1")
        self._text.add("return left_out")
        write: Write = self._text.compiled()
        return write, counts

    def _entry(self, key: str, reader: ValueReader) -> list[str]:
        """Lines that read one key and put it where it belongs."""
        if reader.is_literal or reader.envelope_method is not None:
            return [*self._fetch(reader), *self._put(key)]  # these never vanish
        if reader.bare is None:
            return [*self._fetch(reader), *self._put(key), "else:", f"    {self._note(key, reader)}"]
        default = self._text.named(reader.default)
        return [
            *self._fetch(reader.bare),
            "if got is None:",
            f"    {self._note(key, reader)}",
            f"    got = {default}",
            *self._put(key),
        ]

    def _note(self, key: str, reader: ValueReader) -> str:
        """A line that notes the key as absent."""
        self._watched.append(MetadataKey(self._route, key, reader.text))
        return f"absent |= {1 << len(self._watched) - 1}"

    def _fetch(self, reader: ValueReader) -> list[str]:
        """Lines after which ``got`` is what the reader finds."""
        if reader.shortcut is not None:
            ordinary, otherwise = self._text.ordinary(reader.shortcut), self._text.named(reader.shortcut.otherwise)
            return [f"got = {ordinary}", f"if got is None: got = {otherwise}(value, scope)"]
        if reader.path is not None and not reader.uses_scope:
            return [f"got = {self._text.at(reader.path)}"]
        if reader.envelope_method is not None:
            return [f"got = scope.{reader.envelope_method}()"]
        return [f"got = {self._text.named(reader.read)}(value, scope)"]

    def _put(self, key: str) -> list[str]:
        """Lines that put ``got`` under a key."""
        return [
            "kind = got.__class__",
            f"if {self._is_usual}:",
            f"    out[{key!r}] = got",
            "elif got is not None:",
            f"    out.pop({key!r}, None)",
            f"    left_out += {self._place}(out, {key!r}, got, scope)",
        ]
