"""The ordinary case of a conversion or a query: what a plain path finds, turned into the result by one function.

It saves the closures in between, which cost more than what they do. Whatever is out of the ordinary gives None: nothing
there, another type, a number that may have been rounded, a result that is a failure. Then the reader itself is asked,
which knows what to do and what to say; so a shortcut decides nothing, and raises nothing but `InexactNumberError`.
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from bridge.config.keys.values import PathValue
from bridge.decode.exact_json import TINY
from bridge.mapping.expressions import instants, numbers
from bridge.mapping.expressions.numbers import EXACT_DOUBLE
from bridge.mapping.expressions.paths import Path, Read, path_reader
from bridge.mapping.expressions.queries import Node, names

if TYPE_CHECKING:
    from bridge.mapping.expressions.scope import Scope

Find = Callable[[Any, "Scope"], Any]
"""Takes what the path finds, of any type, and the scope, which knows whether doubles are as written; returns the
result, None where the reader must be asked."""

_TEXTS: Final = frozenset({str})


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Where to look, what to make of it, and who is asked where that gives None."""

    path: Path
    find: Find
    otherwise: Read

    def reader(self) -> Read:
        """All three in one."""
        at, find, otherwise = path_reader(self.path), self.find, self.otherwise

        def read(value: Any, scope: Scope) -> Any:
            found = find(at(value, scope), scope)
            return otherwise(value, scope) if found is None else found

        return read


# --- of conversions


def of_conversion(spec: PathValue, path: Path | None, query: Shortcut | None, otherwise: Read) -> Shortcut | None:
    """That of what a path, or the shortcut of a query, finds with conversions; None where there is none."""
    if query is not None and spec.type is None and spec.divide_by is None and spec.join is None:
        return replace(query, otherwise=otherwise)  # a default or required alone changes nothing of what is found
    find = _conversion(spec)
    return None if path is None or find is None else Shortcut(path, find, otherwise)


def _conversion(spec: PathValue) -> Find | None:
    if spec.format is not None or spec.zone is not None or spec.decimal is not None:
        return None
    match spec:
        case PathValue(join=str(joint), divide_by=None, type=None):
            return _joined(joint)
        case PathValue(join=None, divide_by=None, type="datetime", unit=str(unit)):
            return _time_of_count(unit)
        case PathValue(join=None, divide_by=None, type=kind):
            return _time_of_text if kind == "datetime" else _UNCHANGED[kind]
        case PathValue(join=None, divide_by=int() | float() as divisor, type=None) if float(divisor).is_integer():
            return _divided(int(divisor))
        case _:
            return None


def _joined(joint: str) -> Find:
    def join(value: Any, _scope: Scope) -> str | None:
        return joint.join(value) if value.__class__ is list and value and _TEXTS.issuperset(map(type, value)) else None

    return join


def _divided(divisor: int) -> Find:
    safe = numbers.safe_dividend(divisor)

    def divide(value: Any, _scope: Scope) -> float | None:
        if value.__class__ is not int:
            return None
        whole, rest = divmod(value, divisor)
        if not rest:
            result: float = whole
            return result
        return value / divisor if -safe < value < safe else None

    return divide


def _time_of_count(unit: str) -> Find | None:
    if unit not in instants.MICROSECONDS_PER:
        return None

    def convert(value: Any, _scope: Scope) -> str | None:
        try:
            return instants.count_in_utc(value, unit) if value.__class__ is int else None
        except instants.NotATimeError:
            return None

    return convert


def _time_of_text(value: Any, _scope: Scope) -> str | None:
    try:
        return instants.canonical(value)[0] if value.__class__ is str else None
    except instants.NotATimeError:
        return None


def _text(value: Any, _scope: Scope) -> str | None:
    return value if value.__class__ is str else None


def _integer(value: Any, _scope: Scope) -> int | None:
    return value if value.__class__ is int else None


def _number(value: Any, scope: Scope) -> float | None:
    kind = value.__class__
    return value if kind is int or (kind is float and _is_kept(value, scope)) else None


def _is_kept(number: float, scope: Scope) -> bool:
    return (number > TINY or number < -TINY) and (scope.exact or scope.require_exact_numbers())


def _boolean(value: Any, _scope: Scope) -> bool | None:
    return value if value.__class__ is bool else None


def _scalar(value: Any, scope: Scope) -> str | float | bool | None:
    kind = value.__class__
    usual = kind is str or kind is int or kind is bool or (kind is float and _is_kept(value, scope))
    return value if usual else None


_UNCHANGED: Final[dict[str | None, Find]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    None: _scalar,
}
"""By the type that is asked for: what has it already."""


# --- of queries


def of_query(tree: Node, otherwise: Read) -> Shortcut | None:
    """That of a JMESPath expression; None where there is none."""
    path, find = _query(tree)
    return None if path is None or find is None else Shortcut(path, find, otherwise)


def _query(tree: Node) -> tuple[Path | None, Find | None]:
    match tree:
        case {"type": "function_expression", "value": str(name), "children": [argument]}:
            return _function(name, argument)
        case {
            "type": "function_expression",
            "value": "iso8601",
            "children": [argument, {"type": "literal", "value": str(unit)}],
        }:
            return names(argument), _time_of_count(unit)
        case {"type": "comparator", "value": str(sign), "children": [left, {"type": "literal", "value": literal}]}:
            return names(left), _comparison(sign, literal)
        case _:
            return None, None


def _function(name: str, argument: Node) -> tuple[Path | None, Find | None]:
    match argument:
        case {"type": "projection", "children": [{"type": "flatten", "children": [items]}, {"type": "field"} as each]}:
            aggregate = _AGGREGATES.get(name)
            return names(items), None if aggregate is None else _aggregated(aggregate, each["value"])
        case _:
            return names(argument), _FUNCTIONS.get(name)


def _aggregated(aggregate: Callable[[list[Any]], Any], name: str) -> Find:
    """``max(lines[].price)``, where each item has a number that nothing has rounded."""

    def find(items: Any, scope: Scope) -> Any:
        if items.__class__ is not list or not items:
            return None
        found: list[Any] = []
        for item in items:
            number: Any = item.get(name) if item.__class__ is dict else None
            kind = number.__class__
            if kind is float:
                if -TINY < number < TINY or not (scope.exact or scope.require_exact_numbers()):
                    return None
            elif kind is not int:
                return None
            if not -EXACT_DOUBLE < number < EXACT_DOUBLE:
                return None
            found.append(number)
        return aggregate(found)

    return find


def _sum(found: list[Any]) -> Any:
    try:
        return numbers.total(found)
    except numbers.NotKeptError:
        return None


_AGGREGATES: Final[dict[str, Callable[[list[Any]], Any]]] = {"max": max, "min": min, "sum": _sum}


def _length(value: Any, _scope: Scope) -> int | None:
    return len(value) if value.__class__ is list or value.__class__ is str or value.__class__ is dict else None


def _lower(value: Any, _scope: Scope) -> str | None:
    return value.lower() if value.__class__ is str else None


def _upper(value: Any, _scope: Scope) -> str | None:
    return value.upper() if value.__class__ is str else None


def _sha256(value: Any, _scope: Scope) -> str | None:
    return hashlib.sha256(value.encode()).hexdigest() if value.__class__ is str else None


_FUNCTIONS: Final[dict[str, Find]] = {
    "length": _length,
    "lower": _lower,
    "upper": _upper,
    "sha256": _sha256,
    "iso8601": _time_of_text,
}


def _comparison(sign: str, literal: Any) -> Find | None:
    if literal.__class__ is str and sign == "eq":
        return lambda value, _scope: value == literal if value.__class__ is str else None
    if literal.__class__ is str and sign == "ne":
        return lambda value, _scope: value != literal if value.__class__ is str else None
    ordered = _ORDERINGS.get(sign)
    if ordered is None or isinstance(literal, bool) or not isinstance(literal, int | float):
        return None
    if not numbers.is_small(literal):
        ordered = numbers.comparison(ordered)

    def compare(value: Any, scope: Scope) -> bool | None:
        kind = value.__class__
        if kind is int or (
            kind is float and (value > TINY or value < -TINY) and (scope.exact or scope.require_exact_numbers())
        ):
            return ordered(value, literal)
        return None

    return compare


_ORDERINGS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "lt": operator.lt,
    "lte": operator.le,
    "gt": operator.gt,
    "gte": operator.ge,
}
