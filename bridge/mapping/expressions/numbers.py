"""Arithmetic with numbers as they are written: a double is taken for its shortest decimal, so 0.1 + 0.2 is 0.3."""

from __future__ import annotations

from collections.abc import Callable, Collection
from decimal import Context, Decimal
from fractions import Fraction
from math import isfinite, log
from typing import Any, Final

from bridge.decode.exact_json import DIGITS_HELD, held
from bridge.errors import InvalidError

NUMBERS: Final = frozenset({int, float, Decimal})
_USUAL: Final = frozenset({int, float})
MOST_ADDED: Final = 50_000
"""Numbers with fractions in one sum: each takes half a microsecond."""

_UNITS: Final = 10_000
"""To the one: four places behind the point."""
_MOST_UNITS: Final = 10**DIGITS_HELD
_EXACT: Final = Context(prec=100_000)
"""More digits than any result has: nothing is rounded."""
EXACT_DOUBLE: Final = 2**53
"""Below this a double that is an integer is written with all its digits, and Python orders numbers as written."""
EXACT_QUOTIENT: Final = 10**DIGITS_HELD
"""Below this an integer over a power of ten is the double that is written with the digits of that quotient."""


class NotKeptError(InvalidError):
    """The end of a sentence that begins with the function: why its result cannot be kept."""


def as_decimal(number: float | Decimal) -> Decimal:
    """The number that is written."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)


def as_fraction(number: float | Decimal) -> Fraction:
    """As `as_decimal`, to divide."""
    return Fraction(number) if isinstance(number, int) else Fraction(as_decimal(number))


def comparable(number: Any) -> Any:
    """What Python orders as the number is written; anything but a double as it is."""
    return as_decimal(number) if number.__class__ is float else number


def are_comparable(items: Collection[Any]) -> bool:
    """Whether Python orders all of them as they are written without that."""
    kinds = set(map(type, items))
    return len(kinds) == 1 or float not in kinds or (kinds == _USUAL and all(map(is_small, items)))


def most(items: list[Any]) -> Any:
    """The greatest of at least one number or text."""
    return max(items, key=None if are_comparable(items) else comparable)


def least(items: list[Any]) -> Any:
    """The smallest."""
    return min(items, key=None if are_comparable(items) else comparable)


def comparison(ordered: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """An operator such as ``<``, of numbers as they are written."""

    def compare(one: Any, other: Any) -> bool:
        # Within one type, and with one that is small, Python's own order is that of what is written.
        if one.__class__ is other.__class__ or (
            one.__class__ is not Decimal and other.__class__ is not Decimal and (is_small(one) or is_small(other))
        ):
            return ordered(one, other)
        return ordered(comparable(one), comparable(other))

    return compare


def is_small(number: float) -> bool:
    """Whether Python orders a number and any other, but for a `Decimal`, as they are written."""
    return -EXACT_DOUBLE < number < EXACT_DOUBLE


def whole(number: float | Decimal) -> int | None:
    """The integer, None where there is a fraction."""
    if isinstance(number, float) and is_small(number):
        return int(number) if number.is_integer() else None
    exact = as_decimal(number)
    return int(exact) if exact == exact.to_integral_value() else None


def total(items: list[Any]) -> int | float | Decimal:
    """The sum. Raises `NotKeptError`."""
    usual = _sum_of_few_places(items)
    if usual is not None:
        return usual
    exact = _sum(items)
    return _kept(exact) if isinstance(exact, Decimal) else exact


def mean(items: list[Any]) -> float | Decimal:
    """The average of at least one number: never an integer, as JMESPath has it. Raises `NotKeptError`."""
    try:
        exact = quotient(Fraction(_sum(items)) / len(items))
    except OverflowError:
        raise NotKeptError("has a result outside the range of a double") from None
    return _kept(Decimal(exact)) if isinstance(exact, int) else exact


def _sum_of_few_places(items: list[Any]) -> float | None:
    """The usual sum, of prices: as integers, which takes a fifth of the time of decimals. None where it is another."""
    units = 0
    for item in items:
        if item.__class__ is not float or not -_MOST_UNITS < item < _MOST_UNITS:
            return None
        unit = round(item * _UNITS)
        if unit / _UNITS != item:
            return None
        units += unit
    return units / _UNITS if items and -_MOST_UNITS < units < _MOST_UNITS else None


def _sum(items: list[Any]) -> int | Decimal:
    if all(item.__class__ is int for item in items):
        return int(sum(items))
    if len(items) > MOST_ADDED:
        raise NotKeptError(f"got more than {MOST_ADDED} numbers with fractions")
    exact = Decimal(0)
    for item in items:
        exact = _EXACT.add(exact, as_decimal(item))
    return exact


def _kept(exact: Decimal) -> float | Decimal:
    number = float(exact)
    if not isfinite(number) or (number == 0.0 and exact):
        raise NotKeptError("has a result outside the range of a double")
    return held(exact, number)


def quotient(exact: Fraction) -> int | float | Decimal:
    """The integer, the double or the digits that are the quotient; the nearest double where it has no end.

    Raises OverflowError.
    """
    if exact.denominator == 1:
        return exact.numerator
    number = float(exact)
    if number == 0.0:
        raise OverflowError
    twos, other = _without_twos(exact.denominator)
    fives = round(log(other, 5))
    if 5**fives != other:
        return number
    places = max(twos, fives)
    digits = exact.numerator * 10**places // exact.denominator
    return held(Decimal(digits).scaleb(-places, _EXACT), number)


def safe_dividend(divisor: int) -> int:
    """Below it every quotient with an end has few enough digits for a double."""
    twos, other = _without_twos(abs(divisor))
    fives = 0
    while other % 5 == 0:
        other //= 5
        fives += 1
    return int(10**DIGITS_HELD * abs(divisor) // 10 ** max(twos, fives))


def _without_twos(number: int) -> tuple[int, int]:
    """How often 2 divides it, and what is left."""
    twos = (number & -number).bit_length() - 1
    return twos, number >> twos
