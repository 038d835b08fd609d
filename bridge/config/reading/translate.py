"""Turns pydantic's findings into problems: plain sentences at the path the file's owner wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from bridge.config.keys.problems import Problem, render
from bridge.config.keys.scalars import shown
from bridge.config.reading import hints
from bridge.config.reading.shape import FileShape
from bridge.config.reading.yaml_core import Path


@dataclass(frozen=True, slots=True)
class KeyProblem:
    """A problem of one key, with what is needed to tell its echoes."""

    path: Path
    problem: Problem
    is_missing: bool = False
    stands_for: str | None = None
    """An unknown key: the path of the key that was meant."""


def findings(error: ValidationError, section: str, tree: Any, shape: FileShape) -> Iterator[KeyProblem]:
    """What pydantic found; `tree` is the section as written."""
    for found in error.errors(include_url=False):
        path = (section, *_written(found["loc"], tree))
        if found["type"] == "extra_forbidden":
            yield unknown_key(path, shape)
        elif not (found["type"] == "too_short" and found["input"]):  # that all items are wrong is said at each of them
            is_missing = found["type"] == "missing"
            sentence = f"is required: {_described(path, shape)}" if is_missing else _said(found)
            yield KeyProblem(path, Problem(render(path), sentence), is_missing)


def sentences(error: ValidationError, *, unknown: str) -> Iterator[str]:
    """What pydantic found in what is no section, as "KEY: what is wrong"; `unknown` is said of keys of no model."""
    for found in error.errors(include_url=False):
        key = ".".join(str(part) for part in found["loc"])
        match found["type"]:
            case "extra_forbidden":
                sentence = unknown
            case "missing":
                sentence = "is required"
            case _:
                sentence = _said(found)
        yield f"{key or 'the record'}: {sentence}"


def unknown_key(path: Path, shape: FileShape) -> KeyProblem:
    """For a key that no model has."""
    models = shape.models_at(path[:-1])
    allowed = tuple(dict.fromkeys(key for model in models for key in model.model_fields))
    kind = next((model.kind for model in models if model.kind), str(path[-2]) if len(path) > 1 else "")
    where = (str(path[-1]), kind, render(path[:-1]), allowed, shape.leaves)
    sentence = f"is not a known key; {hints.advice(*where)}"
    return KeyProblem(path, Problem(render(path), sentence), stands_for=hints.meant(*where))


def _written(location: Iterable[str | int], tree: Any) -> Path:
    """The path without pydantic's mark of a key and without places in a list that the file does not have."""
    path: list[str | int] = []
    node = tree
    for part in location:
        if part == "[key]":
            continue
        if isinstance(part, int) and not isinstance(node, list | tuple):
            continue
        path.append(part)
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            node = None
    return tuple(path)


def _said(found: ErrorDetails) -> str:
    """Never in pydantic's own words, which speak of inputs and of types of Python."""
    say = SENTENCES.get(found["type"], _something_else)
    return say(found["input"], found.get("ctx", {}))


def _described(path: Path, shape: FileShape) -> str:
    """The first sentence of the key's own description."""
    for model in shape.models_at(path[:-1]):
        field = model.model_fields.get(str(path[-1]))
        if field is not None and field.description:
            text = field.description.partition(". ")[0].rstrip(".")
            return text if text[:2].isupper() else f"{text[0].lower()}{text[1:]}"
    return "there is no default"


def _choice(expected: str, given: Any) -> str:
    """`expected` is pydantic's: ``'a', 'b' or 'c'``."""
    options = [each.strip("' ") for each in expected.replace(" or ", ", ").split(",")]
    listed = f"{', '.join(options[:-1])} or {options[-1]}" if len(options) > 1 else options[0]
    close = hints.nearest(str(given).lower(), options) if isinstance(given, str) else []
    return f"must be {listed}, not {shown(given)}" + (f"; did you mean {close[0]}?" if close else "")


def _a_list(given: Any, _context: Mapping[str, Any]) -> str:
    return f"must be a list, such as [a, b], not {shown(given)}"


def _a_map(given: Any, _context: Mapping[str, Any]) -> str:
    return f"must be a map of keys and values, not {shown(given)}"


def _a(what: str) -> Callable[[Any, Mapping[str, Any]], str]:
    return lambda given, _context: f"must be {what}, not {shown(given)}"


def _at_least(given: Any, context: Mapping[str, Any]) -> str:
    return f"must be {context['ge']} or more, not {shown(given)}"


def _something_else(given: Any, _context: Mapping[str, Any]) -> str:
    return f"must be something else than {shown(given)}"


SENTENCES: Final[Mapping[str, Callable[[Any, Mapping[str, Any]], str]]] = {
    "value_error": lambda _, context: str(context["error"]),
    "literal_error": lambda given, context: _choice(str(context["expected"]), given),
    "enum": lambda given, context: _choice(str(context["expected"]), given),
    "tuple_type": _a_list,
    "dict_type": _a_map,
    "mapping_type": _a_map,
    "model_type": _a_map,
    "model_attributes_type": _a_map,
    "invalid_key": lambda given, _context: f"has the key {shown(given)}, which is no text; put it in quotes",
    "too_long": lambda _given, context: f"must be a list of {context['max_length']} at most",
    "too_short": lambda _given, _context: "must not be empty",
    "greater_than_equal": _at_least,
    "string_type": _a("a text"),
    "string_unicode": _a("a text of whole characters"),
    "int_type": _a("a whole number"),
    "int_from_float": _a("a whole number"),
    "int_parsing": _a("a whole number"),
    "int_parsing_size": _a("a whole number with fewer digits"),
    "float_type": _a("a number"),
    "float_parsing": _a("a number"),
    "finite_number": _a("a finite number"),
    "bool_type": _a("true or false"),
    "bool_parsing": _a("true or false"),
}
"""By pydantic's name of the error, from the value given and the error's context. What is said of "missing" and of
"extra_forbidden" depends on where the key is: they are not here."""
