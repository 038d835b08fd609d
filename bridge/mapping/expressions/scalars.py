"""Single values: what may be in a request, as which text, and conversions that somebody asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from bridge.decode import exact_json
from bridge.decode.failures import Unusable, kind
from bridge.errors import InvalidError
from bridge.mapping.expressions import instants, numbers
from bridge.mapping.expressions.times.formats import ReadTime

if TYPE_CHECKING:
    from bridge.mapping.expressions.scope import Scope

Convert = Callable[[Any], Any]

_USUAL: Final = frozenset({str, int, float, bool})
_SCALARS: Final = (str, int, float, datetime, Decimal, Unusable)


class ConversionError(InvalidError):
    """The end of a sentence that begins with the expression: what the value is, and what is needed."""


def is_scalar(value: Any) -> bool:
    """Whether a value can be in metadata by itself."""
    return value.__class__ in _USUAL or isinstance(value, _SCALARS)


def are_scalars(values: Iterable[Any]) -> bool:
    """Whether all can."""
    return _USUAL.issuperset(kinds := set(map(type, values))) or all(issubclass(kind, _SCALARS) for kind in kinds)


def sendable(value: Any, scope: Scope) -> str | int | float | bool | Decimal:
    """A scalar as JSON has it: times as text, numbers exactly as written."""
    if value.__class__ is float:
        return exactly(value, scope)
    if isinstance(value, datetime):
        return instants.in_utc(value)
    if isinstance(value, Unusable):
        raise value.why()
    scalar: str | int | bool | Decimal = value
    return scalar


def exactly(value: float, scope: Scope) -> float:
    """A double that is known to be what the text said; raises `InexactNumberError` where that is not known yet."""
    if not scope.exact:
        scope.require_exact_numbers()
    if -exact_json.TINY < value < exact_json.TINY:
        scope.require_no_lost_numbers()
    return value


def text_of(scalar: str | float | Decimal) -> str:
    """A scalar as text, in JSON's spelling: ``true``, ``12.5``; never ``None``."""
    match scalar:
        case str():
            return scalar
        case bool():
            return "true" if scalar else "false"
        case Decimal():
            return str(scalar)
        case _:
            return repr(scalar)


# --- conversions ---------------------------------------------------------------------------------------

_NUMERAL: Final = re.compile(r"[+-]?\d{1,400}(\.\d{1,400})?([eE][+-]?\d{1,3})?", re.ASCII)


def converter(kind_of_result: str, unit: str | None, read_time: ReadTime | None) -> Convert:
    """The conversion that ``type:`` asks for, `read_time` where texts are times of a certain format or zone.

    It raises `ConversionError` for what cannot become that type.
    """
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
            return _to_datetime(unit) if read_time is None else _to_formatted_datetime(read_time)


def _to_string(value: Any) -> str:
    if isinstance(value, datetime):
        return instants.in_utc(value)
    if isinstance(value, str | int | float | Decimal):
        return text_of(value)
    raise ConversionError(f"is {kind(value)}; a string, a number or a boolean is needed")


def _to_integer(value: Any) -> int:
    number = _to_number(value, "an integer")
    if isinstance(number, int):
        return number
    whole = None if isinstance(number, Unusable) else numbers.whole(number)
    if whole is None:
        described = kind(number) if isinstance(number, Unusable) else "a number with a fraction"
        raise ConversionError(f"is {described}; an integer is needed")
    return whole


def _to_number(value: Any, needed: str = "a number") -> int | float | Decimal | Unusable:
    if isinstance(value, datetime):
        return instants.milliseconds(value)
    if isinstance(value, str):
        match = _NUMERAL.fullmatch(value) or _NUMERAL.fullmatch(value := value.strip())
        if match is None:
            raise ConversionError(f"is a string that is not a number; {needed} is needed")
        return int(value) if match[1] is None and match[2] is None else exact_json.fraction(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | Unusable):
        raise ConversionError(f"is {kind(value)}; {needed} is needed")
    return value


def number_of(value: Any) -> int | float | Decimal | None:
    """The number that a value is, or that a text holds; None for any other."""
    if isinstance(value, str) and _NUMERAL.fullmatch(value.strip()):
        value = _to_number(value)
    return value if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else None


def _to_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in {"true", "false"}:
        return value == "true"
    if value.__class__ is int and value in (0, 1):
        return bool(value)
    what = "string" if isinstance(value, str) else "number"
    described = f"is a {what} other than " + ("true and false" if what == "string" else "0 and 1")
    if not isinstance(value, str | int | float | Decimal):
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


def _to_formatted_datetime(read: ReadTime) -> Convert:
    def convert(value: Any) -> str:
        if value.__class__ is not str and not isinstance(value, datetime):
            raise ConversionError(f"is {kind(value)}; a string with a time is needed")
        try:
            return instants.in_utc(value if isinstance(value, datetime) else read(value))
        except instants.NotATimeError as problem:
            raise ConversionError(f"{problem}") from None

    return convert


_BETWEEN: Final = " \N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}'\N{RIGHT SINGLE QUOTATION MARK}"
_DECIMALS: Final = r"(\d{1,400})"
_GROUPED: Final = {
    mark: re.compile(
        rf"([+-]?)(\d{{1,400}}|\d{{1,3}}([{other}{_BETWEEN}])\d{{3}}(?:\3\d{{3}}){{0,130}})(?:\{mark}{_DECIMALS})?",
        re.ASCII,
    )
    for mark, other in ((",", "."), (".", ","))
}
"""Numbers as people write them: digits in groups of three or in none, the mark, more digits."""


def written_with(mark: str) -> Convert:
    """Reads a number in a text whose decimals stand behind this mark; anything but a text as it is."""
    pattern = _GROUPED[mark]

    def read(value: Any) -> Any:
        if value.__class__ is not str:
            return value
        match = pattern.fullmatch(value.strip())
        if match is None:
            raise ConversionError(f"is a string that is not a number with {mark!r} before its decimals")
        sign, whole, group, decimals = match.groups()
        digits = whole.replace(group, "") if group else whole
        return int(f"{sign}{digits}") if decimals is None else exact_json.fraction(f"{sign}{digits}.{decimals}")

    return read


def divider(divisor: float, *, reads_text: bool) -> Convert:
    """Division whose result is the exact quotient, or the double nearest to one that has no end (10 / 3).

    `reads_text`: whether ``"1250"`` counts as a number.
    """
    exact_divisor = numbers.as_fraction(divisor)
    whole_divisor = int(divisor) if float(divisor).is_integer() else None
    safe = 0 if whole_divisor is None else numbers.safe_dividend(whole_divisor)

    def divide(value: Any) -> int | float | Decimal:
        number = value if value.__class__ is int else dividend(value)
        if whole_divisor is not None and number.__class__ is int:  # nearly always: cents
            whole, rest = divmod(number, whole_divisor)
            if not rest:
                return whole
            if -safe < number < safe:
                return number / whole_divisor
        try:
            return numbers.quotient(numbers.as_fraction(number) / exact_divisor)
        except OverflowError:
            raise ConversionError("is a number whose quotient is outside the range of a double") from None

    def dividend(value: Any) -> Any:
        if isinstance(value, str) and not reads_text:
            raise ConversionError("is a string; a number is needed to divide (type: number reads it as one)")
        number = _to_number(value)
        if isinstance(number, Unusable):
            raise ConversionError(f"is {kind(number)}; another is needed to divide")
        return number

    return divide
