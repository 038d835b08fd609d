"""Numbers of the wire as Python's, and texts for what JSON has no type for."""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable
from datetime import date, timedelta
from struct import Struct
from typing import Any, Final

from bridge.decode.failures import Unusable
from bridge.decode.protobuf.reading.unusable import NO_DURATION, NO_TEXT, NO_TIME, NOT_FINITE

_UNPACKERS: Final = {form: Struct(form).unpack_from for form in ("<d", "<f", "<Q", "<I", "<q", "<i")}
DOUBLE: Final = Struct("<d")
FLOAT: Final = Struct("<f")

_SHORTEST: Final[dict[float, float]] = {}
"""What was found before: rates, ratings and prices come again and again."""
_MOST_SHORTEST: Final = 4096
_FEWEST_DIGITS: Final = 6
_MOST_DIGITS: Final = 9
"""So many tell every float of 32 bits from all others."""


def unpacker(form: str) -> Callable[[bytes, int], tuple[Any, ...]]:
    """Reads one number of a struct's form at a position."""
    return _UNPACKERS[form]


def signed(number: int, bits: int) -> int:
    """The lowest bits of a number, the highest of them being the sign."""
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number


def unzigzag(number: int) -> int:
    """Sign in the lowest bit, as the types sint32 and sint64 have it."""
    return (number >> 1) ^ -(number & 1)


def finite(number: float) -> float | Unusable:
    """The number, unless it is none that JSON has."""
    return number if number * 0.0 == 0.0 else NOT_FINITE


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
    pack = FLOAT.pack
    exact = pack(number)
    for digits in range(_FEWEST_DIGITS, _MOST_DIGITS):
        found = float(f"{number:.{digits}g}")
        try:
            if pack(found) == exact:
                return found
        except OverflowError:  # rounded up beyond the largest of them
            continue
    return float(f"{number:.{_MOST_DIGITS}g}")


def base64_of(content: bytes) -> str:
    """Base64 without line ends."""
    return b2a_base64(content, newline=False).decode()


def lenient(content: bytes) -> str | Unusable:
    """A string of a field that need not be UTF-8, as proto2's need not."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return NO_TEXT


# --- times

_DAYS: Final[dict[int, str]] = {}
"""Dates as they were written, by days since 1970: most records are of the same few."""
_MOST_DAYS: Final = 1024
_EPOCH: Final = date(1970, 1, 1)
_TWO: Final = tuple(f"{number:02d}" for number in range(60))
_MINUTES: Final = tuple(f"T{number // 60:02d}:{number % 60:02d}:" for number in range(24 * 60))
_FIRST_SECOND: Final = -62_135_596_800
_LAST_SECOND: Final = 253_402_300_799
_LONGEST: Final = 315_576_000_000
_BILLION: Final = 1_000_000_000


def timestamp(seconds: int, nanos: int) -> str | Unusable:
    """ISO 8601 with Z, and 0, 3, 6 or 9 digits of a fraction, as Protobuf's own JSON has it."""
    days, rest = divmod(seconds, 86_400)
    day = _DAYS.get(days)
    if day is None:
        if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
            return NO_TIME
        if len(_DAYS) >= _MOST_DAYS:
            _DAYS.clear()
        day = _DAYS[days] = _day(days)
    minutes, rest = divmod(rest, 60)
    if nanos == 0:
        return f"{day}{_MINUTES[minutes]}{_TWO[rest]}Z"
    if 0 < nanos < _BILLION:
        return f"{day}{_MINUTES[minutes]}{_TWO[rest]}{_fraction(nanos)}Z"
    return NO_TIME


def _day(days: int) -> str:
    day = _EPOCH + timedelta(days)
    return f"{day.year:04d}-{day.month:02d}-{day.day:02d}"


def duration(seconds: int, nanos: int) -> str | Unusable:
    """``1.5s``: with the fewest digits that say it."""
    if not -_LONGEST <= seconds <= _LONGEST or not -_BILLION < nanos < _BILLION or seconds * nanos < 0:
        return NO_DURATION
    sign = "-" if seconds < 0 or nanos < 0 else ""
    digits = f".{abs(nanos):09d}".rstrip("0") if nanos else ""
    return f"{sign}{abs(seconds)}{digits}s"


def _fraction(nanos: int) -> str:
    thousands, rest = divmod(nanos, 1000)
    if rest:
        return f".{nanos:09d}"
    millis, rest = divmod(thousands, 1000)
    return f".{thousands:06d}" if rest else f".{millis:03d}"
