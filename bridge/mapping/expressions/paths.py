"""Dotted paths: read as closures, because a mapping is mostly these."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.mapping.expressions.scope import Scope

Read = Callable[[Any, "Scope"], Any]
"""Takes the decoded value and the record's scope; returns what an expression finds, None where there is nothing."""

Path = tuple[str, ...]

_QUOTED = r'"(?:[^"\\]|\\.)+"'
_SEGMENT = re.compile(rf"([^\W\d][\w-]*)|({_QUOTED})")


def parse_path(text: str) -> Path | None:
    """The segments of ``data."odd key".id``; None where the text is something else.

    Inner hyphens need no quotes (``data.user-id``), unlike in JMESPath, where they have no other meaning either.
    """
    segments: list[str] = []
    position = 0
    while True:
        match = _SEGMENT.match(text, position)
        if match is None:
            return None
        if match[1]:
            segments.append(match[1])
        else:
            try:
                segments.append(json.loads(match[2]))
            except ValueError:
                return None
        position = match.end()
        if position == len(text):
            return tuple(segments)
        if text[position] != ".":
            return None
        position += 1


def path_reader(path: Path) -> Read:
    """Reads a path. Whatever is not an object on the way holds nothing, as in JMESPath; a list has no names."""
    if len(path) == 1:
        (only,) = path

        def read_one(value: Any, _scope: Scope) -> Any:
            return value.get(only) if value.__class__ is dict else None

        return read_one
    if len(path) == 2:
        first, second = path

        def read_two(value: Any, _scope: Scope) -> Any:
            if value.__class__ is dict:
                inner = value.get(first)
                if inner.__class__ is dict:
                    return inner.get(second)
            return None

        return read_two

    def read_all(value: Any, _scope: Scope) -> Any:
        for name in path:
            if value.__class__ is not dict:
                return None
            value = value.get(name)
        return value

    return read_all


def covers(forbidden: Path, path: Path) -> bool:
    """Whether removing `forbidden` leaves nothing at `path`."""
    return path[: len(forbidden)] == forbidden
