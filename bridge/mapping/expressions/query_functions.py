"""All functions, those of JMESPath and the bridge's own. A wrong type is a failure that names it, never a null."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import cache, partial
from typing import Any, Final

from jmespath import functions
from jmespath.exceptions import JMESPathTypeError

from bridge.decode import exact_json
from bridge.decode.failures import QueryTypeError, Unusable, kind
from bridge.mapping.expressions import instants, numbers
from bridge.mapping.expressions.functions.arguments import Argument
from bridge.mapping.expressions.functions.inside import InnerFunctions
from bridge.mapping.expressions.functions.pairs import PairFunctions
from bridge.mapping.expressions.functions.texts import TextFunctions

Query = Callable[[Any], Any]
"""A compiled query: takes a decoded value."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


class _Library(TextFunctions, PairFunctions, InnerFunctions, functions.Functions):
    """JMESPath's own functions, less their leniency: what the specification calls null for a wrong type fails."""

    @functions.signature({"types": []})
    def _func_length(self, value: Any) -> int:
        if isinstance(value, str | list | dict):
            return len(value)
        raise QueryTypeError(f"length() got {kind(value)}; an array, an object or a string is needed")

    @functions.signature({"types": ["string"]})
    def _func_lower(self, text: str) -> str:
        return text.lower()

    @functions.signature({"types": ["string"]})
    def _func_upper(self, text: str) -> str:
        return text.upper()

    @functions.signature({"types": ["string"]})
    def _func_sha256(self, text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    @functions.signature({"types": ["string", "number"], "variadic": True})
    def _func_iso8601(self, value: Any, *units: Any) -> str:
        unit = units[0] if units else None
        if unit is not None and unit not in instants.UNITS:
            raise QueryTypeError("iso8601() takes 's', 'ms', 'us', 'ns' or 'd' as its unit")
        if unit is None and not isinstance(value, str):
            raise QueryTypeError(
                "iso8601() got a number without its unit; write iso8601(x, 'ms'), 's', 'us', 'ns' or 'd'"
            )
        try:
            return instants.in_utc(instants.parse(value, unit))
        except instants.NotATimeError as problem:
            raise QueryTypeError(f"the value given to iso8601() {problem}") from None

    @functions.signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:
        if isinstance(value, str):
            match = _JSON_NUMBER.fullmatch(value)
            if match is None:
                raise QueryTypeError("to_number() got a string that is not a number")
            number = exact_json.fraction(value) if match[1] or match[2] else int(value)
            if isinstance(number, Unusable):
                raise QueryTypeError(f"to_number() got a string that is {kind(number)}")
            return number
        if value is None or value.__class__ in numbers.NUMBERS:
            return value
        raise QueryTypeError(f"to_number() got {kind(value)}; a string or a number is needed")

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return exact_json.text_of(value)

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str) and not isinstance(search, str):
            raise QueryTypeError(f"contains() of a string got {kind(search)} to look for; a string is needed")
        return search in subject

    # --- numbers as they are written

    @functions.signature({"types": ["number"]})
    def _func_abs(self, number: Any) -> Any:
        return number.copy_abs() if isinstance(number, Decimal) else abs(number)

    @functions.signature({"types": ["number"]})
    def _func_ceil(self, number: Any) -> int:
        return math.ceil(numbers.as_decimal(number))

    @functions.signature({"types": ["number"]})
    def _func_floor(self, number: Any) -> int:
        return math.floor(numbers.as_decimal(number))

    @functions.signature({"types": ["array-number"]})
    def _func_sum(self, items: list[Any]) -> Any:
        return numbers.total(items)

    @functions.signature({"types": ["array-number"]})
    def _func_avg(self, items: list[Any]) -> Any:
        return numbers.mean(items) if items else None

    @functions.signature({"types": ["array-number", "array-string"]})
    def _func_max(self, items: list[Any]) -> Any:
        return numbers.most(items) if items else None

    @functions.signature({"types": ["array-number", "array-string"]})
    def _func_min(self, items: list[Any]) -> Any:
        return numbers.least(items) if items else None

    @functions.signature({"types": ["array-string", "array-number"]})
    def _func_sort(self, items: list[Any]) -> list[Any]:
        return sorted(items, key=numbers.comparable)

    @functions.signature({"types": []})
    def _func_type(self, value: Any) -> str:
        if value is None:
            return "null"
        for name, types in functions.REVERSE_TYPES_MAP.items():
            if type(value).__name__ in (*types, "Decimal" if name == "number" else ""):
                return str(name)
        raise QueryTypeError(f"type() got {kind(value)}")

    def _create_key_func(self, reference: Any, allowed: Any, name: str) -> Callable[[Any], Any]:
        found = super()._create_key_func(reference, allowed, name)  # type: ignore[misc]
        return lambda item: numbers.comparable(found(item))

    def _get_allowed_pytypes(self, types: Any) -> tuple[list[str], list[list[str]]]:
        return _allowed(*types)

    def _convert_to_jmespath_type(self, name: str) -> str:
        return "number" if name == "Decimal" else str(super()._convert_to_jmespath_type(name))  # type: ignore[misc]


@cache
def _allowed(*types: str) -> tuple[list[str], list[list[str]]]:
    """What `types` of JMESPath are in Python, and those that arrays of them may hold: asked for at each call."""
    allowed, inside = functions.Functions()._get_allowed_pytypes(types)  # type: ignore[attr-defined]  # noqa: SLF001  # not in the stubs
    return _with_decimals(allowed), [_with_decimals(each) for each in inside]


def _with_decimals(names: Sequence[str]) -> list[str]:
    """The names of Python's types, where numbers are among them with the one that holds long ones."""
    return [*names, "Decimal"] if "float" in names else list(names)


_LIBRARY: Final = _Library()
_NEED: Final = {"expref": "an expression reference", "array": "an array", "object": "an object"}


def names() -> Sequence[str]:
    """All functions an expression may call."""
    return sorted(_LIBRARY.FUNCTION_TABLE)


def arity(name: str) -> tuple[int, int | None] | None:
    """The least and the greatest number of arguments (None: no limit); None for an unknown function."""
    entry = _LIBRARY.FUNCTION_TABLE.get(name)
    if entry is None:
        return None
    signature = entry["signature"]
    if name == "iso8601":
        return 1, 2
    arguments = _arguments(signature)
    if arguments is not None:
        least = sum(not argument.is_optional for argument in arguments)
        return least, None if arguments[-1].is_variadic else len(arguments)
    return len(signature), None if signature[-1].get("variadic") else len(signature)


def problem(name: str, place: int, constant: Any) -> str | None:
    """What a function has against an argument that is written out, as the end of a sentence; None where nothing.

    Not asked of JMESPath's own: there are configurations that call these wrongly where no record comes by.
    """
    arguments = _arguments(_LIBRARY.FUNCTION_TABLE[name]["signature"])
    return None if arguments is None else arguments[min(place, len(arguments) - 1)].problem(constant)


def _arguments(signature: Sequence[Any]) -> Sequence[Argument] | None:
    """What `takes` was given; None of the library's own way to say it."""
    return [entry["argument"] for entry in signature] if "argument" in signature[0] else None


def function(name: str) -> Callable[[list[Any]], Any]:
    """A function of resolved arguments; raises `QueryTypeError` for a type it does not take."""
    own = _arguments(_LIBRARY.FUNCTION_TABLE[name]["signature"])
    run = partial(_LIBRARY.call_function, name) if own is None else _checked(name, own)

    def call(arguments: list[Any]) -> Any:
        try:
            return run(arguments)
        except numbers.NotKeptError as problem:
            raise QueryTypeError(f"{name}() {problem}") from None
        except JMESPathTypeError as error:
            raise QueryTypeError(f"{name}() got {kind(error.current_value)}; {_needed(error.expected_types)}") from None
        except (TypeError, ValueError, ArithmeticError):
            kinds = " and ".join(kind(argument) for argument in arguments)
            raise QueryTypeError(f"{name}() has no answer for {kinds}") from None

    return call


def _checked(name: str, own: Sequence[Argument]) -> Callable[[list[Any]], Any]:
    """One whose arguments are our own: the library would look it up, and its types by their names, at each call."""
    method: Callable[..., Any] = getattr(_LIBRARY, f"_func_{name}")
    classes, last = [argument.classes for argument in own], len(own) - 1
    has_checks = any(argument.check for argument in own)

    def run(given: list[Any]) -> Any:
        for place, value in enumerate(given):
            at = min(last, place)
            if has_checks or value.__class__ not in classes[at]:
                problem = own[at].problem(value)
                if problem is not None:
                    raise QueryTypeError(f"{name}() {problem}")
        return method(*given)

    return run


def _needed(types: Sequence[str]) -> str:
    names = []
    for name in types:
        outer, _, inner = name.partition("-")
        names.append(f"an array of {inner}s" if inner else _NEED.get(outer, f"a {outer}"))
    return f"{' or '.join(names)} is needed"
