"""Times that are stored as counts, as `mapping` writes its own: seconds; milliseconds or more where there are any."""

from __future__ import annotations

from datetime import date
from typing import Final

_EPOCH: Final = date(1970, 1, 1).toordinal()
_LAST: Final = date.max.toordinal()
_MOST_KEPT: Final = 4_096

DATES: Final[dict[int, str]] = {}
"""What `date_of` found, by days since 1970: events that come together are of few days."""
CLOCK: Final = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(1_440))
"""By minutes of a day."""
SECONDS: Final = tuple(f"{second:02}" for second in range(60))


def date_of(days: int) -> str | None:
    """``2026-01-02``, of days since 1970; None outside the years 1 to 9999."""
    known = DATES.get(days)
    if known is None:
        if not 0 < _EPOCH + days <= _LAST:
            return None
        known = str(date.fromordinal(_EPOCH + days))
        if len(DATES) >= _MOST_KEPT:
            DATES.clear()
        DATES[days] = known
    return known


def second_of(seconds: int) -> str | None:
    """``2026-01-02T03:04:05``, of seconds since 1970; None outside the years 1 to 9999."""
    days, rest = divmod(seconds, 86_400)
    day = DATES.get(days) or date_of(days)
    if day is None:
        return None
    minute, second = divmod(rest, 60)
    return f"{day}{CLOCK[minute]}{SECONDS[second]}"


def fraction_of(nanos: int) -> str:
    """Of a second: ``.678``, milliseconds, microseconds or nanoseconds, the coarsest that says it; empty for none."""
    if not nanos:
        return ""
    micros, rest = divmod(nanos, 1_000)
    if rest:
        return f".{nanos:09}"
    millis, rest = divmod(micros, 1_000)
    return f".{micros:06}" if rest else f".{millis:03}"
