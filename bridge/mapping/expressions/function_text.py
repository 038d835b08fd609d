"""Functions that are written as text and compiled once, for what every event goes through.

Only names and texts of the configuration go in, as Python literals; everything else is given by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from bridge.mapping.expressions.paths import Path
    from bridge.mapping.expressions.shortcuts import Shortcut

_NOTHING: Final[dict[str, Any]] = {}
"""Stands in for whatever is not an object on the way of a path: it holds nothing."""


class FunctionText:
    """A function of a decoded value, line by line. An object that several paths go through is looked up once."""

    def __init__(self, *arguments: str) -> None:
        self._lines = [f"def written({', '.join(arguments)}):"]
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
        exec("\n".join(self._lines), self._names)  # noqa: S102 - the text is made here, of literals
        return self._names["written"]

    def _object(self, path: Path) -> str:
        known = self._objects.get(path)
        if known is None:
            inner = self.at(path)
            known = self._objects[path] = f"object_{len(self._objects)}"
            self.add(f"{known} = {inner}", f"if {known}.__class__ is not dict: {known} = nothing")
        return known
