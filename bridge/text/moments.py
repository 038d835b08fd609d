"""Numbers that others sent as moments: a record's timestamp, a note's time. Not every number is one.

A producer that writes microseconds where milliseconds belong makes a record of the year 55840. No calendar here holds
it, and what only wanted to show it must not fail of it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

FIRST: Final = -62_135_510_400.0
"""Unix seconds of 0001-01-02; the calendar begins a day earlier, in the zone that is farthest behind."""
LAST: Final = 253_402_128_000.0
"""Unix seconds of 9999-12-30; a day later the calendar ends where the clocks are farthest ahead."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def utc(seconds: float) -> datetime | None:
    """That many Unix seconds as a moment in UTC; None where no calendar of any zone holds it (also for NaN)."""
    return datetime.fromtimestamp(seconds, UTC) if FIRST <= seconds <= LAST else None


def iso(seconds: float, timespec: str = "milliseconds") -> str | None:
    """The same as ISO 8601: ``2026-07-31T12:00:00.000Z``."""
    moment = utc(seconds)
    return None if moment is None else written(moment, timespec)


def iso_of_millis(count: int) -> str | None:
    """That many milliseconds since 1970 as ISO 8601, exactly; None outside the calendar of UTC."""
    try:
        return written(EPOCH + timedelta(milliseconds=count), "milliseconds")
    except OverflowError:  # a double of seconds would round what is far away
        return None


def of_micros(micros: int, between: str = "T") -> str:
    """That many microseconds since 1970 in UTC, without a zone: ``2024-07-28T08:55:35.874555``. `OverflowError` beyond
    the calendar.
    """
    second, rest = divmod(micros, 1_000_000)
    return f"{_of_second(second, between)}.{rest:06}"


@lru_cache(maxsize=4096)
def _of_second(second: int, between: str) -> str:
    return (EPOCH + timedelta(seconds=second)).isoformat(sep=between)[:19]


def written(moment: datetime, timespec: str = "auto") -> str:
    """A moment in UTC as ISO 8601, with the ``Z`` that everybody reads."""
    return moment.isoformat(timespec=timespec).replace("+00:00", "Z")
