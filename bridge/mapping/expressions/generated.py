"""All source text that the mapping writes: functions without loops and closures, for what every event goes through.

Others say what a function is to read; text is put together here alone, and compiled once. Only names and texts of the
configuration go into it, as Python literals; everything else is given by name. A traceback names what the function was
written for, and shows its lines.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, MutableMapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bridge.decode.exact_json import TINY
from bridge.mapping.expressions.paths import Path, Read
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import Scope
from bridge.mapping.expressions.shortcuts import Shortcut

Metadata = dict[str, str | int | float | bool | Decimal]
Write = Callable[[Metadata, Any, Scope], int]
"""Fills metadata from the decoded value and the scope; returns how many values had no flat form and were left out."""
Spread = Callable[[Metadata, Any, Scope], int]
"""As `Write`, but it is given the object that becomes metadata."""

_NOTHING: Final[dict[str, Any]] = {}
"""Stands in for whatever is not an object on the way of a path: it holds nothing."""


def shortcut_first(shortcut: Shortcut, of: str) -> Read:
    """What a shortcut finds, and where that is nothing, what is found the long way. `of` names it in a traceback."""
    code = _FunctionText("shortcut", of, "value", "scope")
    code.add(
        f"found = {code.ordinary(shortcut)}",
        f"return {code.named(shortcut.otherwise)}(value, scope) if found is None else found",
    )
    read: Read = code.compiled()
    return read


def template(parts: Sequence[str | Path], otherwise: Read, of: str) -> Read:
    """Texts and what plain paths find between them; `otherwise` is asked where one of those is no text."""
    code = _FunctionText("template", of, "value", "scope")
    pieces, are_texts = [], []
    for part in parts:
        if isinstance(part, str):
            pieces.append(repr(part))
            continue
        piece = f"piece_{len(pieces)}"
        code.add(f"{piece} = {code.at(part)}")
        pieces.append(piece)
        are_texts.append(f"{piece}.__class__ is str")
    code.add(
        f"if {' and '.join(are_texts)}: return {' + '.join(pieces)}",
        f"return {code.named(otherwise)}(value, scope)",
    )
    read: Read = code.compiled()
    return read


class MetadataFunction:
    """The metadata of a route, ``write(out, value, scope)``, as it grows; see `Write`.

    Closures in a loop would take twice as long for six keys.
    """

    def __init__(self, route: str, place: Callable[..., int]) -> None:
        """`place` gets what is neither a text nor a boolean nor a number that is certainly exact."""
        self._text = _FunctionText("metadata", route, "out", "value", "scope")
        self._text.add("left_out = absent = 0")
        self.watched: list[tuple[str, ValueReader]] = []
        """What is noted where it finds nothing: the key, and what reads it; the bits of ``absent``, in order."""
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

    def whole(self, key: str, reader: ValueReader, spread: Spread) -> None:
        """An object of which every field becomes a key; `key` is what it is watched as."""
        self._text.add(
            *self._fetch(reader),
            f"if got is None: {self._note(key, reader)}",
            f"left_out += {self._text.named(spread)}(out, got, scope)",
        )

    def compiled(self, counts: MutableMapping[int, int]) -> Write:
        """The function, which adds one to the count of the keys that are absent together."""
        if self.watched:
            self._text.add(f"{self._text.named(counts)}[absent] += 1")
        self._text.add("return left_out")
        write: Write = self._text.compiled()
        return write

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
        self.watched.append((key, reader))
        return f"absent |= {1 << len(self.watched) - 1}"

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


class _FunctionText:
    """A function of a decoded value, line by line. An object that several paths go through is looked up once."""

    def __init__(self, kind: str, of: str, *arguments: str) -> None:
        """`kind` and `of` say in a traceback what the function is for."""
        self._file = f"<{kind} {of!a}>"
        self._lines = [f"def generated({', '.join(arguments)}):"]
        self._objects: dict[Path, str] = {(): "value"}
        self._names: dict[str, Any] = {"nothing": _NOTHING}

    def add(self, *lines: str) -> None:
        """Lines of the body, as deep in it as their own indentation says."""
        self._lines += [f"    {line}" for line in lines]

    def named(self, given: Any) -> str:
        """The name by which the text can use it."""
        name = f"given_{len(self._names)}"
        self._names[name] = given
        return name

    def at(self, path: Path) -> str:
        """An expression: what a path finds in ``value``, which must be a JSON object, as every decoded value is."""
        return f"{self._object(path[:-1])}.get({path[-1]!r})"

    def ordinary(self, shortcut: Shortcut) -> str:
        """An expression: what the shortcut makes of it, None where `shortcut.otherwise` must be asked."""
        return f"{self.named(shortcut.find)}({self.at(shortcut.path)}, scope)"

    def compiled(self) -> Any:
        """The function."""
        text = "\n".join(self._lines)
        linecache.cache[self._file] = (len(text), None, text.splitlines(keepends=True), self._file)
        exec(compile(text, self._file, "exec"), self._names)  # noqa: S102 - the text is made here, of literals
        return self._names["generated"]

    def _object(self, path: Path) -> str:
        known = self._objects.get(path)
        if known is None:
            inner = self.at(path)
            known = self._objects[path] = f"object_{len(self._objects)}"
            self.add(f"{known} = {inner}", f"if {known}.__class__ is not dict: {known} = nothing")
        return known
