"""Numbers that are stored otherwise than with decimal digits: the number that is written with the fewest of them."""

from __future__ import annotations

from decimal import Context, Decimal
from struct import Struct
from typing import Final

from bridge.decode.exact_json import BEYOND, MOST_DIGITS, TOO_LONG, held
from bridge.decode.failures import Unusable, unsendable

NOT_FINITE: Final = unsendable("a number that is not finite", "a number is NaN or infinite")

_pack_single: Final = Struct("<f").pack
_LEAST_SINGLE: Final = 1.2e-38
"""A single below this has fewer digits than others: any six may be more than it needs."""
_SHORTEST: Final[dict[float, float]] = {}
"""What was found before: rates, ratings and prices come again and again."""
_MOST_SHORTEST: Final = 4096

_SAFE: Final = 10**15
"""Below it the double that is nearest to a quotient by a power of ten is written with the digits of that quotient."""
_MOST_BYTES: Final = 415
"""Hold `MOST_DIGITS` digits."""
_EXACT: Final = Context(prec=2 * MOST_DIGITS)


def shortest(number: float) -> float | Unusable:
    """The double that is written with the fewest digits that mean this float of 32 bits: 0.1, not 0.10000000149…"""
    found = _SHORTEST.get(number)
    if found is None:
        if number * 0.0 != 0.0:
            return NOT_FINITE
        if len(_SHORTEST) >= _MOST_SHORTEST:
            _SHORTEST.clear()
        found = _SHORTEST[number] = _shortest(number)
    return found if number else number  # 0 and -0 are one key


def _shortest(number: float) -> float:
    exact = _pack_single(number)
    for digits in (6, 7, 8) if abs(number) >= _LEAST_SINGLE else range(1, 9):
        found = float(f"{number:.{digits}g}")
        try:
            if _pack_single(found) == exact:
                return found
        except OverflowError:  # rounded up beyond the largest of them
            continue
    return float(f"{number:.9g}")


def decimal_of(content: bytes, scale: int) -> int | float | Decimal | Unusable:
    """A number from its digits, which are a big-endian integer in two's complement. No bytes at all are a 0.

    `scale` is within `MOST_DIGITS`.
    """
    if len(content) > _MOST_BYTES:
        return TOO_LONG
    return scaled(int.from_bytes(content, "big", signed=True), scale)


def decimal_with_scale(content: bytes, scale: int) -> int | float | Decimal | Unusable:
    """As `decimal_of`, of a value that brings its scale with it: any number at all."""
    return BEYOND if abs(scale) > MOST_DIGITS else decimal_of(content, scale)


def scaled(digits: int, scale: int) -> int | float | Decimal | Unusable:
    """An integer over a power of ten: the double that is written with those digits, else the digits."""
    if scale <= 0:
        return digits * int(10**-scale)
    divisor = int(10**scale)
    if -_SAFE < digits < _SAFE and scale <= 22:
        return digits / divisor
    try:
        number = digits / divisor
    except OverflowError:
        return BEYOND
    if number == 0.0:
        return BEYOND if digits else number
    return held(Decimal(digits).scaleb(-scale, _EXACT), number)
