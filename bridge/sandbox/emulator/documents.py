"""Reading the JSON of requests, strictly, with the refusals that the API documents."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NoReturn


@dataclass(frozen=True, slots=True)
class ContractRefusal:
    """An answer that is not 202, in the documented words."""

    status: int
    error_code: str
    message: str


def invalid(message: str) -> ContractRefusal:
    """The 400 for a body outside the contract."""
    return ContractRefusal(400, "invalid_input", message)


def read_object(body: bytes) -> dict[str, object] | ContractRefusal:
    """The object that the body is, or the 400 it earns; a field twice and NaN are refused, too."""
    try:
        document = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_not_json)
    except (ValueError, RecursionError) as error:
        return invalid(f"the body is not JSON: {error}")
    return document if isinstance(document, dict) else invalid("the body must be an object")


def problem_of_fields(document: Mapping[str, object], known: Iterable[str], required: Iterable[str]) -> str | None:
    """What is wrong with the fields: one that is unknown, or a required one that is no text."""
    for field in document:
        if field not in known:
            return f"unknown field {field[:100]}"
    for field in required:
        if not is_text(document.get(field)):
            return f"{field} is required and must be a non-empty string"
    return None


def problem_of_values(where: str, values: object, *, nulls: bool = False) -> str | None:
    """What is wrong with a flat object of primitives; ``nulls``: whether null is one of them."""
    if not isinstance(values, dict):
        return f"{where} must be an object"
    for name, value in values.items():
        if value is None and nulls and name:
            continue
        if not name or not _is_primitive(value):
            return f"{where}.{name[:100]} must be a string, a finite number or a boolean"
    return None


def is_text(value: object) -> bool:
    """Whether it is a string with more than blanks."""
    return isinstance(value, str) and bool(value.strip())


def _is_primitive(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, str | int)


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a field appears twice")
    return found


def _not_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
