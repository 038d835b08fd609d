"""Times: ISO 8601 text and epoch numbers in, ISO 8601 UTC with ``Z`` out. Zones are never guessed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

from bridge.errors import InvalidError
from bridge.mapping.expressions.times import spellings

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECONDS_PER: Final = {"s": 1_000_000, "ms": 1_000, "us": 1, "d": 86_400_000_000}
UNITS: Final = ("s", "ms", "us", "ns", "d")
"""What a number may count since 1970; days as Debezium, Avro and Connect have dates."""

_NUMERAL = re.compile(r"-?\d{1,20}(?:\.\d{1,20})?", re.ASCII)
_COUNT: Final = "is a number, and nothing says what it counts; set type: datetime with unit: s, ms, us, ns or d"
_from_iso_format: Final = datetime.fromisoformat
_SECONDS_LENGTH: Final = len("2026-01-02T03:04:05Z")
_MILLISECONDS_LENGTH: Final = len("2026-01-02T03:04:05.678Z")


class NotATimeError(InvalidError):
    """Says what a value is instead of a time, without showing it."""


def parse_text(text: str) -> datetime:
    """A moment from text that has a date, a time and a zone: ISO 8601, or what else is understood.

    Raises `NotATimeError`.
    """
    try:
        moment = _from_iso_format(text)
    except ValueError:
        other = spellings.read(text)
        if other is not None:
            return other
        raise NotATimeError(
            _COUNT if _NUMERAL.fullmatch(text.strip()) else "is a string that is not an ISO 8601 time"
        ) from None
    if moment.tzinfo is None:
        raise NotATimeError(_without_zone(text))
    return moment


def _without_zone(text: str) -> str:
    """Says what to append, and only what then is a time."""
    try:
        _from_iso_format(f"{text}Z")
    except ValueError:
        return (
            "is a time without a zone, a date alone; where its midnight in UTC is meant, append that, as in "
            "join('', [created_on, 'T00:00:00Z']), or say its zone with type: datetime and zone"
        )
    return (
        "is a time without a zone; append Z or an offset, as in join('', [created_at, 'Z']), "
        "or say it with type: datetime and zone"
    )


def parse_number(number: float | Decimal, unit: str) -> datetime:
    """A moment from what a number counts since 1970; `unit` is one of `UNITS`; parts of a microsecond are rounded."""
    try:
        if unit == "ns":
            micros = _micros_of_nanos(number)
        elif isinstance(number, int):
            micros = number * MICROSECONDS_PER[unit]
        else:
            micros = round(Decimal(str(number)) * MICROSECONDS_PER[unit])
        return EPOCH + timedelta(microseconds=micros)
    except (OverflowError, ArithmeticError, ValueError):
        raise _outside_the_calendar(number, unit) from None


def _micros_of_nanos(number: float | Decimal) -> int:
    if isinstance(number, int):
        micros, rest = divmod(number, 1_000)
        return micros + (rest > _HALF or (rest == _HALF and micros % 2 == 1))
    return round(Decimal(str(number)) / 1_000)


_HALF: Final = 500


def _outside_the_calendar(number: float | Decimal, unit: str) -> NotATimeError:
    other = likelier_unit(number, unit)
    hint = f"; in {other} it is one of this century" if other else ""
    return NotATimeError(f"is a number that, as a time in {unit}, is not between the years 1 and 9999{hint}")


def likelier_unit(number: float | Decimal, unit: str) -> str | None:
    """The unit in which a number is a time of this century, where in `unit` it is one of the seventies, or none at all.

    None where that is not so: a time in the seventies may be a birthday, but not one that is of today in days.
    """
    exact = Decimal(str(number)) if isinstance(number, float) else Decimal(number)
    if not exact > 0 or _SEVENTIES_END <= exact * _SECONDS_IN[unit] <= _CALENDAR_END:
        return None
    first, end = _CENTURY
    return next((other for other in UNITS if first <= exact * _SECONDS_IN[other] < end), None)


_SECONDS_IN: Final = {
    "s": Decimal(1), "ms": Decimal("1e-3"), "us": Decimal("1e-6"), "ns": Decimal("1e-9"), "d": Decimal(86_400)
}  # fmt: skip
_SEVENTIES_END: Final = int(datetime(1980, 1, 1, tzinfo=UTC).timestamp())
_CALENDAR_END: Final = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())
_CENTURY: Final = tuple(int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2000, 2100))


def parse(value: Any, unit: str | None) -> datetime:
    """A moment from text, or from a number (or a text of digits) where a unit says what it counts."""
    if isinstance(value, datetime):
        return value
    if isinstance(value, str):
        if unit is not None and _NUMERAL.fullmatch(value.strip()):
            return parse_number(Decimal(value.strip()), unit)
        return parse_text(value)
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        if unit is None:
            raise NotATimeError(_COUNT)
        return parse_number(value, unit)
    raise TypeError


def in_utc(moment: datetime) -> str:
    """``2026-01-02T03:04:05Z``; milliseconds or microseconds only where there are any."""
    if moment.tzinfo is not UTC:
        try:
            moment = moment.astimezone(UTC)
        except OverflowError:
            raise NotATimeError("is a time outside the years 1 to 9999") from None
    micros = moment.microsecond
    spec = "seconds" if not micros else "microseconds" if micros % 1000 else "milliseconds"
    return moment.isoformat(timespec=spec)[:-6] + "Z"


def canonical(text: str) -> tuple[str, datetime]:
    """`parse_text` and `in_utc` in one; text that already has a usual form is passed on as it is, for speed."""
    length = len(text)
    signs = text[4:20:3]  # in one go: picking six characters one by one takes longer than reading the time
    if (length == _SECONDS_LENGTH and signs == "--T::Z") or (
        length == _MILLISECONDS_LENGTH and signs == "--T::." and text[23] == "Z" and text[20:23] != "000"
    ):
        try:
            return text, _from_iso_format(text)
        except ValueError:
            pass  # `parse_text` says what is wrong with it
    moment = parse_text(text)
    return in_utc(moment), moment


def count_in_utc(count: int, unit: str) -> str:
    """`parse_number` and `in_utc` in one, for whole numbers, and without a `datetime` where minutes recur.

    Not of nanoseconds.
    """
    millis, micros = divmod(count * MICROSECONDS_PER[unit], 1_000)
    seconds, millis = divmod(millis, 1_000)
    minute, second = divmod(seconds, 60)
    try:
        begins = _minute_in_utc(minute)
    except OverflowError:
        raise _outside_the_calendar(count, unit) from None
    if micros:
        return f"{begins}{second:02}.{millis:03}{micros:03}Z"
    return f"{begins}{_SECONDS[second]}{_MILLISECONDS[millis]}"


@lru_cache(maxsize=1024)
def _minute_in_utc(number: int) -> str:
    """``2026-01-02T03:04:`` of a minute counted since 1970. Events that come together are of few minutes."""
    return (EPOCH + timedelta(minutes=number)).isoformat(timespec="minutes")[:-6] + ":"


_SECONDS: Final = tuple(f"{second:02}" for second in range(60))
_MILLISECONDS: Final = ("Z", *(f".{millis:03}Z" for millis in range(1, 1_000)))
"""Written once: formatting takes three times as long as all the rest."""


def milliseconds(moment: datetime) -> int:
    """Since 1970, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)
