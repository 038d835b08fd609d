"""The functions of JMESPath, and five of the bridge's own. A wrong type is a failure that names it, never a null."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import orjson
from jmespath import functions
from jmespath.exceptions import JMESPathTypeError

from bridge.mapping import exact_json, instants
from bridge.mapping.failures import MappingError, QueryTypeError, kind

Query = Callable[[Any], Any]
"""A compiled query: takes a decoded value."""

_JSON_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_UNITS: Final = tuple(instants.MICROSECONDS_PER)


class _Library(functions.Functions):
    """JMESPath's own functions, less their leniency: what the specification calls null for a wrong type fails."""

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
        if unit is not None and unit not in _UNITS:
            raise QueryTypeError("iso8601() takes 's', 'ms' or 'us' as its unit")
        if unit is None and not isinstance(value, str):
            raise QueryTypeError("iso8601() got a number without its unit; write iso8601(x, 'ms'), 's' or 'us'")
        try:
            return instants.in_utc(instants.parse(value, unit))
        except instants.NotATimeError as problem:
            raise QueryTypeError(f"the value given to iso8601() {problem}") from None

    @functions.signature({"types": ["string"]})
    def _func_from_json(self, text: str) -> Any:
        raw = text.encode()
        try:
            # Numbers are kept as written, as those of the record itself are for whatever calls a function.
            return exact_json.loads(raw) if exact_json.may_have_large_integers(raw) else orjson.loads(raw)
        except (orjson.JSONDecodeError, MappingError):
            raise QueryTypeError("from_json() got a string that is not JSON") from None

    @functions.signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:
        if isinstance(value, str):
            match = _JSON_NUMBER.fullmatch(value)
            if match is None:
                raise QueryTypeError("to_number() got a string that is not a number")
            return float(value) if match[1] or match[2] else int(value)
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
            return value
        raise QueryTypeError(f"to_number() got {kind(value)}; a string or a number is needed")

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:
        if isinstance(subject, str) and not isinstance(search, str):
            raise QueryTypeError(f"contains() of a string got {kind(search)} to look for; a string is needed")
        return search in subject


_LIBRARY: Final = _Library()
_NUMBERS: Final = frozenset({int, float})
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
    return len(signature), None if signature[-1].get("variadic") else len(signature)


def function(name: str) -> Callable[[list[Any]], Any]:
    """A function of resolved arguments; raises `QueryTypeError` for a type it does not take."""

    def call(arguments: list[Any]) -> Any:
        try:
            return _LIBRARY.call_function(name, arguments)
        except JMESPathTypeError as error:
            raise QueryTypeError(f"{name}() got {kind(error.current_value)}; {_needed(error.expected_types)}") from None
        except (TypeError, ValueError, ArithmeticError):
            kinds = " and ".join(kind(argument) for argument in arguments)
            raise QueryTypeError(f"{name}() has no answer for {kinds}") from None

    return call


def function_of_one(name: str, of: Query) -> Query:
    """A function of what one query finds: most calls, and here without the list and the library's type checks."""
    if name == "length":
        return lambda value: _length(of(value))
    entry, general = _LIBRARY.FUNCTION_TABLE[name], function(name)
    body, signature = entry["function"], entry["signature"]
    types = [] if len(signature) != 1 or signature[0].get("variadic") else signature[0]["types"]
    if "array-number" in types:
        return _of_numbers(body, of, general)
    return _of_text(body, of, general) if "string" in types else lambda value: general([of(value)])


def _of_text(body: Callable[..., Any], of: Query, general: Callable[[list[Any]], Any]) -> Query:
    def call(value: Any) -> Any:
        argument = of(value)
        if argument.__class__ is str:
            try:
                return body(_LIBRARY, argument)
            except (TypeError, ValueError, ArithmeticError):
                pass  # said in the words of the general way
        return general([argument])

    return call


def _of_numbers(body: Callable[..., Any], of: Query, general: Callable[[list[Any]], Any]) -> Query:
    def call(value: Any) -> Any:
        argument = of(value)
        if argument.__class__ is list and _NUMBERS.issuperset(map(type, argument)):
            try:
                return body(_LIBRARY, argument)
            except (TypeError, ValueError, ArithmeticError):
                pass  # as above
        return general([argument])

    return call


def _length(argument: Any) -> int:
    """By far the most used function, without the library's generic type check."""
    if isinstance(argument, str | list | dict):
        return len(argument)
    raise QueryTypeError(f"length() got {kind(argument)}; an array, an object or a string is needed")


def _needed(types: Sequence[str]) -> str:
    names = []
    for name in types:
        outer, _, inner = name.partition("-")
        names.append(f"an array of {inner}s" if inner else _NEED.get(outer, f"a {outer}"))
    return f"{' or '.join(names)} is needed"
