"""From what Avro and Kafka Connect store to what expressions see, by what its type means.

What JSON cannot say is `Unusable`: unread it costs nothing.
"""

from __future__ import annotations

from binascii import a2b_base64
from collections.abc import Mapping
from decimal import Decimal
from struct import Struct
from typing import Any, Final

from bridge.decode.beyond_json import times
from bridge.decode.beyond_json.binary import uuid_of
from bridge.decode.beyond_json.meanings import Meaning
from bridge.decode.beyond_json.numbers import decimal_of, decimal_with_scale
from bridge.decode.beyond_json.times import fraction_of
from bridge.decode.exact_json import MOST_DIGITS
from bridge.decode.failures import Unusable, invalid

_unpack_duration: Final = Struct("<III").unpack

# --- times

_DAY: Final = 86_400
_NANOS: Final = 1_000_000_000


def _outside(what: str) -> Unusable:
    return Unusable(
        f"{what} outside the years 1 to 9999", lambda: invalid(f"{what} is outside the years 1 to 9999: it is not sent")
    )


_NO_DATE: Final = _outside("a date")
NO_MOMENT: Final = _outside("a time")


def date_of(days: int) -> str | Unusable:
    """``2026-01-02``, of days since 1970."""
    return times.date_of(days) or _NO_DATE


def moment_of(count: int, ticks: int, zone: str) -> str | Unusable:
    """``2026-01-02T03:04:05.678Z``, of ticks since 1970; `zone` is ``Z``, or empty for a clock on a wall."""
    seconds, rest = divmod(count, ticks)
    second = times.second_of(seconds)
    return NO_MOMENT if second is None else f"{second}{fraction_of(rest * _NANOS // ticks)}{zone}"


def time_of(count: int, ticks: int) -> str | Unusable:
    """``03:04:05.12``, of ticks since midnight. 24:00 is the end of a day, beyond it there is no time of day."""
    seconds, rest = divmod(count, ticks)
    if not 0 <= seconds < _DAY and (seconds, rest) != (_DAY, 0):
        return Unusable(
            "a time of day outside 24 hours", lambda: invalid("a time of day is outside 24 hours: it is not sent")
        )
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"{clock}{fraction_of(rest * _NANOS // ticks).rstrip('0')}"


def span_of(count: int, ticks: int) -> str:
    """``PT26H3M4.5S``, of ticks that passed."""
    seconds, rest = divmod(abs(count), ticks)
    return _span("-" if count < 0 else "", seconds, fraction_of(rest * _NANOS // ticks).rstrip("0"))


def duration_of(content: bytes) -> str:
    """``P1M2DT3.5S``: months, days and milliseconds, which no zone and no calendar turns into each other."""
    months, days, millis = _unpack_duration(content)
    seconds, rest = divmod(millis, 1_000)
    date_part = (f"{months}M" if months else "") + (f"{days}D" if days else "")
    time_part = _span("", seconds, fraction_of(rest * 1_000_000).rstrip("0"))
    return f"P{date_part}{time_part[1:] if millis else ''}" if date_part else time_part


def _span(sign: str, seconds: int, fraction: str) -> str:
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    text = (f"{hours}H" if hours else "") + (f"{minute}M" if minute else "")
    if second or fraction or not text:
        text += f"{second}{fraction}S"
    return f"{sign}PT{text}"


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
    return decimal_with_scale(a2b_base64(parts["value"]), parts["scale"])


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
