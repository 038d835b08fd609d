"""Comparisons of a condition that something absent decides.

``before.status != after.status`` is true where there is no `before`, which many change events lack: a false event, if a
change was meant. The language has it so, and configurations rely on it; here it can be found out, record by record.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bridge.decode.failures import QueryTypeError
from bridge.mapping.expressions.absence import written
from bridge.mapping.expressions.paths import Path
from bridge.mapping.expressions.queries import Node, build, is_true, path_of

_SIGNS: Final = {"eq": "==", "ne": "!="}


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
