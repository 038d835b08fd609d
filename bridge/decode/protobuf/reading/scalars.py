"""Numbers of the wire as Python's, and texts for what JSON has no type for."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from bridge.decode.beyond_json.numbers import NOT_FINITE
from bridge.decode.beyond_json.times import CLOCK, DATES, SECONDS, date_of, fraction_of
from bridge.decode.failures import Unusable
from bridge.decode.protobuf.reading.unusable import NO_DURATION, NO_TEXT, NO_TIME

_UNPACKERS: Final = {form: Struct(form).unpack_from for form in ("<d", "<f", "<Q", "<I", "<q", "<i")}
DOUBLE: Final = Struct("<d")
FLOAT: Final = Struct("<f")


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


def lenient(content: bytes) -> str | Unusable:
    """A string of a field that need not be UTF-8, as proto2's need not."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return NO_TEXT


# --- times

_LONGEST: Final = 315_576_000_000
_BILLION: Final = 1_000_000_000


def timestamp(seconds: int, nanos: int) -> str | Unusable:
    """ISO 8601 with Z, and 0, 3, 6 or 9 digits of a fraction, as Protobuf's own JSON has it."""
    # As `second_of`, written out: one call less for every time that is kept nowhere.
    days, rest = divmod(seconds, 86_400)
    day = DATES.get(days) or date_of(days)
    if day is None or not 0 <= nanos < _BILLION:
        return NO_TIME
    minute, second = divmod(rest, 60)
    if nanos:
        return f"{day}{CLOCK[minute]}{SECONDS[second]}{fraction_of(nanos)}Z"
    return f"{day}{CLOCK[minute]}{SECONDS[second]}Z"


def duration(seconds: int, nanos: int) -> str | Unusable:
    """``1.5s``: with the fewest digits that say it."""
    if not -_LONGEST <= seconds <= _LONGEST or not -_BILLION < nanos < _BILLION or seconds * nanos < 0:
        return NO_DURATION
    sign = "-" if seconds < 0 or nanos < 0 else ""
    digits = f".{abs(nanos):09d}".rstrip("0") if nanos else ""
    return f"{sign}{abs(seconds)}{digits}s"
