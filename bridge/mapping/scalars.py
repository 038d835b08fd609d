"""Single values: what may stand in a request, as which text, and conversions that somebody asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from bridge.mapping import instants
from bridge.mapping.exact_json import LARGEST_SAFE
from bridge.mapping.failures import InexactNumberError, invalid, kind

if TYPE_CHECKING:
    from bridge.mapping.scope import Scope

Convert = Callable[[Any], Any]

_USUAL: Final = frozenset({str, int, float, bool})
_SCALARS: Final = (str, int, float, datetime, Decimal)


class ConversionError(ValueError):
    """The end of a sentence that begins with the expression: what the value is, and what is needed."""


def is_scalar(value: Any) -> bool:
    """Whether a value can stand in metadata by itself."""
    return value.__class__ in _USUAL or isinstance(value, _SCALARS)


def sendable(value: Any, scope: Scope) -> str | int | float | bool:
    """A scalar as JSON has it: times as text, numbers finite and exactly as written."""
    if value.__class__ is float:
        return exactly(value, scope)
    if isinstance(value, datetime):
        return instants.in_utc(value)
    if isinstance(value, Decimal):
        raise invalid("a number is outside the range of a double, and no request can carry it")
    scalar: str | int | bool = value
    return scalar


def exactly(value: float, scope: Scope) -> float:
    """A double that is known to be what the text said."""
    if -LARGEST_SAFE < value < LARGEST_SAFE:
        return value
    if not scope.exact:
        raise InexactNumberError
    if not isfinite(value):
        raise invalid("a number is not finite, and JSON has no such number")
    return value


def text_of(scalar: str | float) -> str:
    """A scalar as text, in JSON's spelling: ``true``, ``12.5``; never ``None``."""
    match scalar:
        case str():
            return scalar
        case bool():
            return "true" if scalar else "false"
        case _:
            return repr(scalar)


# --- conversions ---------------------------------------------------------------------------------------

_NUMERAL: Final = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?", re.ASCII)


def converter(kind_of_result: str, unit: str | None) -> Convert:
    """The conversion that ``type:`` asks for. It raises `ConversionError` for what cannot become that type."""
    match kind_of_result:
        case "string":
            return _to_string
        case "integer":
            return _to_integer
        case "number":
            return _to_number
        case "boolean":
            return _to_boolean
        case _:
            return _to_datetime(unit)


def _to_string(value: Any) -> str:
    if isinstance(value, datetime):
        return instants.in_utc(value)
    if isinstance(value, str | int | float):
        return text_of(value)
    raise ConversionError(f"is {kind(value)}; a string, a number or a boolean is needed")


def _to_integer(value: Any) -> int:
    number = _to_number(value, "an integer")
    if isinstance(number, float) and number.is_integer():
        return int(number)
    if isinstance(number, int):
        return number
    described = kind(number) if isinstance(number, Decimal) else "a number with a fraction"
    raise ConversionError(f"is {described}; an integer is needed")


def _to_number(value: Any, needed: str = "a number") -> int | float | Decimal:
    if isinstance(value, datetime):
        return instants.milliseconds(value)
    if isinstance(value, str):
        match = _NUMERAL.fullmatch(value)
        if match is None:
            raise ConversionError(f"is a string that is not a number; {needed} is needed")
        if match[1] is None and match[2] is None:
            return int(value)
        number = float(value)
        return number if isfinite(number) else Decimal(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ConversionError(f"is {kind(value)}; {needed} is needed")
    return value


def _to_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    if value.__class__ is int and value in (0, 1):
        return bool(value)
    what = "string" if isinstance(value, str) else "number"
    described = f"is a {what} other than " + ("true and false" if what == "string" else "0 and 1")
    if not isinstance(value, str | int | float):
        described = f"is {kind(value)}"
    raise ConversionError(f"{described}; true or false is needed")


def _to_datetime(unit: str | None) -> Convert:
    def convert(value: Any) -> str:
        try:
            return instants.in_utc(instants.parse(value, unit))
        except instants.NotATimeError as problem:
            raise ConversionError(f"{problem}") from None
        except TypeError:
            raise ConversionError(f"is {kind(value)}; a time is needed") from None

    return convert


def divider(divisor: float, *, reads_text: bool) -> Convert:
    """Division whose result is the double nearest to the exact quotient, or the integer where there is no rest.

    `reads_text`: whether ``"1250"`` counts as a number.
    """
    exact_divisor = Fraction(Decimal(repr(divisor)))
    whole_divisor = int(divisor) if float(divisor).is_integer() else None

    def divide(value: Any) -> int | float:
        number = value if value.__class__ is int else dividend(value)
        try:
            if whole_divisor is not None and number.__class__ is int:  # nearly always: cents
                whole, rest = divmod(number, whole_divisor)
                return whole if not rest else number / whole_divisor
            # A double is taken for the decimal it is written as: 0.3 / 0.1 is 3, as on paper.
            exact = Fraction(Decimal(repr(number))) / exact_divisor
            return int(exact) if exact.denominator == 1 else float(exact)
        except OverflowError:
            raise ConversionError("is a number whose quotient is outside the range of a double") from None

    def dividend(value: Any) -> int | float:
        if isinstance(value, str) and not reads_text:
            raise ConversionError("is a string; a number is needed to divide (type: number reads it as one)")
        number = _to_number(value)
        if isinstance(number, Decimal):
            raise ConversionError(f"is {kind(number)}; another is needed to divide")
        return number

    return divide
