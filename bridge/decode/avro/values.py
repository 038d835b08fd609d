"""From what Avro stores to what expressions see: times and decimals as people write them, bytes as base64.

Times are written as `mapping` writes its own (seconds; milliseconds or more only where there are any), so that what is
passed on is passed on as it is. What JSON cannot say is `Unusable`: unread it costs nothing.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from collections.abc import Mapping
from datetime import date
from decimal import Context, Decimal
from struct import Struct
from typing import Any, Final

from bridge.decode.avro.nodes import Meaning
from bridge.decode.exact_json import BEYOND, MOST_DIGITS, held
from bridge.decode.failures import Unusable, invalid

_unpack_single: Final = Struct("<f").unpack
_pack_single: Final = Struct("<f").pack
_unpack_duration: Final = Struct("<III").unpack

# --- numbers

NOT_FINITE: Final = Unusable(
    "NaN or infinite",
    lambda: invalid("a number is NaN or infinite, which JSON has no word for: no request can carry it"),
)
_TOO_LONG: Final = Unusable(
    f"a number of more than {MOST_DIGITS} digits",
    lambda: invalid(f"a number has more than {MOST_DIGITS} digits, and no request can carry it"),
)
_LEAST_SINGLE: Final = 1.2e-38
"""A single below this has fewer digits than others: any six may be more than it needs."""
_SAFE: Final = 10**15
"""Below it the double that is nearest to a quotient by a power of ten is written with the digits of that quotient."""
_MOST_BYTES: Final = 415
"""Hold `MOST_DIGITS` digits."""
_EXACT: Final = Context(prec=2 * MOST_DIGITS)


def decimal_of(content: bytes, scale: int) -> int | float | Decimal | Unusable:
    """A number from its digits, which are a big-endian integer in two's complement. No bytes at all are a 0."""
    if len(content) > _MOST_BYTES:
        return _TOO_LONG
    return scaled(int.from_bytes(content, "big", signed=True), scale)


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


def single(content: bytes) -> float | Unusable:
    """A number of single precision by the fewest digits that say it: 0.1, and not 0.10000000149011612."""
    number: float = _unpack_single(content)[0]
    if number - number:
        return NOT_FINITE
    for digits in (6, 7, 8) if abs(number) >= _LEAST_SINGLE else range(1, 9):
        short = float(f"{number:.{digits}g}")
        try:
            if _pack_single(short) == content:
                return short
        except OverflowError:  # rounded up beyond the largest of all
            pass
    return float(f"{number:.9g}")


def base64_of(content: bytes) -> str:
    """As text."""
    return b2a_base64(content)[:-1].decode("ascii")


def uuid_of(content: bytes) -> str:
    """16 bytes as ``0f8fad5b-d9cb-469f-a165-70867728950e``."""
    digits = content.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


# --- times

_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST: Final = date.max.toordinal()
_DAY: Final = 86_400
_MOST_KEPT: Final = 4_096
_PLACES: Final = {1_000: 3, 1_000_000: 6, 1_000_000_000: 9}


def _outside(what: str) -> Unusable:
    return Unusable(
        f"{what} outside the years 1 to 9999", lambda: invalid(f"{what} is outside the years 1 to 9999: it is not sent")
    )


_NO_DATE: Final = _outside("a date")
NO_MOMENT: Final = _outside("a time")
_days: Final[dict[int, str]] = {}
"""Events that come together are of few days."""


def date_of(days: int) -> str | Unusable:
    """``2026-01-02``, of days since 1970."""
    known = _days.get(days)
    if known is None:
        if not 0 < _EPOCH + days <= _LAST:
            return _NO_DATE
        known = str(date.fromordinal(_EPOCH + days))
        if len(_days) >= _MOST_KEPT:
            _days.clear()
        _days[days] = known
    return known


def second_of(seconds: int) -> str | None:
    """``2026-01-02T03:04:05``, of seconds since 1970; None outside the calendar."""
    days, second = divmod(seconds, _DAY)
    day = date_of(days)
    return f"{day}T{_clock(second)}" if isinstance(day, str) else None


def moment_of(count: int, ticks: int, zone: str) -> str | Unusable:
    """``2026-01-02T03:04:05.678Z``, of ticks since 1970; `zone` is ``Z``, or empty for a clock on a wall."""
    seconds, rest = divmod(count, ticks)
    second = second_of(seconds)
    return NO_MOMENT if second is None else f"{second}{_fraction(rest, ticks)}{zone}"


def time_of(count: int, ticks: int) -> str | Unusable:
    """``03:04:05.12``, of ticks since midnight. 24:00 is the end of a day, beyond it there is no time of day."""
    seconds, rest = divmod(count, ticks)
    if not 0 <= seconds < _DAY and (seconds, rest) != (_DAY, 0):
        return Unusable(
            "a time of day outside 24 hours", lambda: invalid("a time of day is outside 24 hours: it is not sent")
        )
    return f"{_clock(seconds)}{_fraction(rest, ticks).rstrip('0')}"


def span_of(count: int, ticks: int) -> str:
    """``PT26H3M4.5S``, of ticks that passed."""
    seconds, rest = divmod(abs(count), ticks)
    return _span("-" if count < 0 else "", seconds, _fraction(rest, ticks).rstrip("0"))


def duration_of(content: bytes) -> str:
    """``P1M2DT3.5S``: months, days and milliseconds, which no zone and no calendar turns into each other."""
    months, days, millis = _unpack_duration(content)
    seconds, rest = divmod(millis, 1_000)
    date_part = (f"{months}M" if months else "") + (f"{days}D" if days else "")
    time_part = _span("", seconds, _fraction(rest, 1_000).rstrip("0"))
    return f"P{date_part}{time_part[1:] if millis else ''}" if date_part else time_part


def _span(sign: str, seconds: int, fraction: str) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    text = (f"{hours}H" if hours else "") + (f"{minute}M" if minute else "")
    if second or fraction or not text:
        text += f"{second}{fraction}S"
    return f"{sign}PT{text}"


def _clock(second: int) -> str:
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def _fraction(rest: int, ticks: int) -> str:
    """Of a second: milliseconds, microseconds or nanoseconds, the coarsest that says it; empty for none."""
    if not rest:
        return ""
    text = f"{rest:0{_PLACES[ticks]}}"
    while text.endswith("000"):
        text = text[:-3]
    return f".{text}"


def meant(stored: Any, meaning: Meaning) -> Any:  # noqa: PLR0911 - one for each meaning
    """What a number, some bytes or a text say, by their type's meaning. Slow: for what no fast way was written for."""
    match meaning.kind:
        case "decimal":
            return decimal_of(stored, meaning.scale)
        case "date":
            return date_of(stored)
        case "time":
            return time_of(stored, meaning.ticks)
        case "timestamp":
            return moment_of(stored, meaning.ticks, "Z")
        case "local-timestamp":
            return moment_of(stored, meaning.ticks, "")
        case "span":
            return span_of(stored, meaning.ticks)
        case "duration":
            return duration_of(stored)
        case "uuid":
            return stored if isinstance(stored, str) else uuid_of(stored)
        case "big-decimal":
            return big_decimal_of(stored)


def big_decimal_of(content: bytes) -> int | float | Decimal | Unusable:
    """A decimal that brings its own scale: its digits behind their length, then the scale."""
    length, place = _long(content, 0)
    scale, end = _long(content, place + length)
    if length < 0 or end != len(content) or abs(scale) > MOST_DIGITS:
        raise ValueError("no big-decimal")
    return decimal_of(content[place : place + length], scale)


def decimal_of_parts(parts: Mapping[str, Any]) -> int | float | Decimal | Unusable:
    """Debezium's decimal with a scale of its own, once its parts are read as they are stored."""
    scale: int = parts["scale"]
    if abs(scale) > MOST_DIGITS:
        return BEYOND
    return decimal_of(a2b_base64(parts["value"]), scale)


def _long(content: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = content[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1), place
        if shift > 63:
            raise ValueError("a number of more than 64 bits")
