"""Taking a path out of a decoded value, and the texts on its way: nobody can send one, ``from_json()`` searches it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from bridge.decode.failures import Unusable
from bridge.mapping.expressions.paths import Path

Forbidden = tuple[Path, Unusable]
"""A path from here on, and what stands where it cannot be searched."""


class Withheld(Unusable):
    """Stands where a text was that may hold the very thing. What is read of the JSON in it has been searched, too."""

    __slots__ = ("_forbidden", "_opened", "text")

    def __init__(self, text: str, *forbidden: Forbidden) -> None:
        first = forbidden[0][1]
        super().__init__(first.what, first.why)
        self.text = text
        self._forbidden = forbidden
        self._opened: Any = self

    def also(self, forbidden: Forbidden) -> Self:
        """The same text, for another path as well."""
        if any(forbidden[0] == known for known, _ in self._forbidden):
            return self
        return type(self)(self.text, *self._forbidden, forbidden)

    def as_text(self, text: str) -> Self:
        """Another text that was made of this one and may hold the same."""
        return type(self)(text, *self._forbidden)

    def opened(self, decode: Callable[[str], Any]) -> Any:
        """The value inside without the paths. Decoded once, for no one else: it is changed."""
        if self._opened is self:
            value = decode(self.text)
            for path, unusable in self._forbidden:
                value = without_path(value, path, unusable)
            self._opened = value
        return self._opened


def without_path(value: Any, path: Path, unusable: Unusable) -> Any:
    """What takes a value's place; what it holds is changed where it is. Lists are walked."""
    kind = value.__class__
    if kind is dict:
        name = path[0]
        if name in value:
            if len(path) == 1:
                del value[name]
            else:
                value[name] = without_path(value[name], path[1:], unusable)
    elif kind is list:
        is_long = len(value) > _MOST_OPENED
        for place, item in enumerate(value):
            inner = item.__class__
            if is_long and inner is str and item:
                value[place] = unusable
            elif inner in _SEARCHED:
                value[place] = without_path(item, path, unusable)
    elif kind is str and value:
        return Withheld(value, (path, unusable))
    elif kind is Withheld:
        return value.also((path, unusable))
    return value


_MOST_OPENED = 1_000
"""Items of a list whose texts can be opened: each costs a microsecond. Those of a longer one are not sent at all."""
_SEARCHED = frozenset({dict, list, str, Withheld})
