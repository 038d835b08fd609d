"""What is not there: why a path finds nothing, and which comparisons that decides.

Something on the way of a path may have no fields: most often a text that holds JSON, which outbox tables and log
shippers write. And ``before.status != after.status`` is true where there is no `before`, which many change events lack:
a false event, if a change was meant. The language has it so, and configurations rely on it; here it can be found out.

Looked into only where a record fails or somebody asks, never for a record that is sent.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from bridge.decode.failures import QueryTypeError, kind
from bridge.mapping.expressions.paths import Path
from bridge.mapping.expressions.queries import Node, build, is_true, path_of

_PLAIN: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_SIGNS: Final = {"eq": "==", "ne": "!="}


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
    inside, reads = _inside(found, expression)
    return f" with JSON inside ({reads} reads it)" if inside.__class__ is dict else ""


def written(path: Path) -> str:
    """A path as JMESPath has it; empty for the value itself."""
    return ".".join(name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False) for name in path)


def _in_the_way(reached: Path, rest: Path, there: Any) -> str:
    where = written(reached)
    if there.__class__ is list:
        return f"{where} is an array: {where}[0].{written(rest)} reads its first element"
    inside, reads = _inside(there, where)
    if inside.__class__ is dict:
        return f"{where} is a string with JSON inside: {reads}.{written(rest)} reads it"
    if inside.__class__ is list:
        return f"{where} is a string with a JSON array inside: {reads}[0].{written(rest)} reads its first element"
    if reached in _DOCUMENTS and there.__class__ is str:
        return f"{where} is a string that holds no JSON"
    return f"{where} is {kind(there)}, which has no fields"


def _inside(found: Any, expression: str) -> tuple[Any, str]:
    """The object or array that a text holds as JSON, JSON of JSON, or base64 of either; and what reads it."""
    if found.__class__ is not str:
        return None, expression
    for _ in range(_LAYERS):
        if found.__class__ is not str:
            break
        try:
            if found.lstrip()[:1] in _BEGIN_JSON:
                found, expression = orjson.loads(found), f"from_json({expression})"
            else:
                found = base64.b64decode(found, validate=True).decode()
                expression = f"from_base64({expression})"
        except ValueError:
            break
    return (found, expression) if found.__class__ is dict or found.__class__ is list else (None, expression)


_LAYERS: Final = 4
_DOCUMENTS: Final = (("after",), ("before",))
"""Which MongoDB's changes have as texts with JSON."""
_BEGIN_JSON: Final = frozenset({"{", "[", '"'})


# --- comparisons that it decides


@dataclass(frozen=True, slots=True)
class Absence:
    """What one comparison lacked in one record."""

    comparison: str
    absent: str
    """The beginning of the path that is missing or null."""
    is_word: bool
    """It is the whole side, one name: perhaps a text without its quotes."""
    is_with_literal: bool
    """Compared with a text or a number that is written there, not with another path."""
    result: bool
    """What the comparison came to without it."""


def absences(tree: Node, value: Any) -> Iterator[Absence]:
    """Of every comparison that is looked at: what a guard before it rules out is not."""
    try:
        yield from _absences(tree, value)
    except QueryTypeError:
        return  # the condition is a failure, which says what it lacks


def _absences(tree: Node, value: Any) -> Iterator[Absence]:
    children = tree["children"]
    match tree["type"]:
        case "and_expression" | "or_expression" as kind:
            yield from _absences(children[0], value)
            if is_true(build(children[0])(value)) is (kind == "and_expression"):
                yield from _absences(children[1], value)
        case "not_expression":
            yield from _absences(children[0], value)
        case "comparator" if tree["value"] in _SIGNS:
            yield from _of_comparison(tree, value)


def _of_comparison(tree: Node, value: Any) -> Iterator[Absence]:
    sides = tree["children"]
    literals = [side for side in sides if side["type"] == "literal"]
    if any(side["value"] is None for side in literals):
        return  # a comparison with null asks for the absence
    for side in sides:
        path = path_of(side)
        gone = None if path is None else _gone(path, value)
        if gone is not None:
            text = f" {_SIGNS[tree['value']]} ".join(_text(each) for each in sides)
            is_word = path == gone and len(gone) == 1
            yield Absence(text, written(gone), is_word, bool(literals), bool(build(tree)(value)))


def _gone(path: Path, value: Any) -> Path | None:
    """The beginning of a path up to where nothing is; None where it finds something."""
    for depth, name in enumerate(path):
        value = value.get(name) if value.__class__ is dict else None
        if value is None:
            return path[: depth + 1]
    return None


def _text(side: Node) -> str:
    path = path_of(side)
    if path is not None:
        return written(path)
    if side["type"] != "literal":
        return "…"
    constant = side["value"]
    return f"'{constant}'" if isinstance(constant, str) else f"`{json.dumps(constant)}`"
