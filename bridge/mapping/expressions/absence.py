"""Why a path finds nothing, where more can be said than that: something on its way has no fields.

Most often that is a text that holds JSON, which outbox tables and log shippers write. Looked into only where a record
fails or somebody asks, never for a record that is sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any, Final

import orjson

from bridge.decode.failures import kind
from bridge.mapping.expressions.paths import Path

_PLAIN: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def obstacle(path: Path, value: Any) -> str | None:
    """What keeps `path` from finding anything in a decoded value, and what reads it; None where nothing is in its way.

    Names expressions and types, never a value.
    """
    for depth, name in enumerate(path):
        if value is None:
            return None
        if value.__class__ is not dict:
            return _in_the_way(path[:depth], path[depth:], value)
        value = value.get(name)
    return None


def first_obstacle(paths: Iterable[Path], value: Any) -> str | None:
    """That of the first path that has one."""
    return next((found for path in paths if (found := obstacle(path, value)) is not None), None)


def missing(paths: Iterable[Path], value: Any) -> str:
    """``missing or null``, with what is in the way."""
    why = first_obstacle(paths, value)
    return "missing or null" if why is None else f"missing or null ({why})"


def of_json_text(expression: str, found: Any) -> str:
    """What is said of a value that was to be an object and is a text with one inside; empty for any other."""
    inside = _json_inside(found)
    return f" with JSON inside (from_json({expression}) reads it)" if inside.__class__ is dict else ""


def written(path: Path) -> str:
    """A path as JMESPath has it; empty for the value itself."""
    return ".".join(name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False) for name in path)


def _in_the_way(reached: Path, rest: Path, there: Any) -> str:
    where = written(reached)
    if there.__class__ is list:
        return f"{where} is an array: {where}[0].{written(rest)} reads its first element"
    inside = _json_inside(there)
    if inside.__class__ is dict:
        return f"{where} is a string with JSON inside: from_json({where}).{written(rest)} reads it"
    if inside.__class__ is list:
        return (
            f"{where} is a string with a JSON array inside: from_json({where})[0].{written(rest)} reads its first "
            "element"
        )
    return f"{where} is {kind(there)}, which has no fields"


def _json_inside(text: Any) -> Any:
    """The object or array a text holds; None for any other."""
    if text.__class__ is not str or text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
