"""Moments and spans as a person at a terminal reads them. Pure but for `local`, which knows the terminal's zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.text.amounts import span
from bridge.text.moments import FIRST, LAST

Local = Callable[[float], datetime]
"""From Unix seconds to that moment in the reader's zone, with its offset."""
_HOUR = 3_600.0


def local(seconds: float) -> datetime:
    """In the zone of this process; what lies outside the calendar is shown at its edge."""
    return datetime.fromtimestamp(min(max(seconds, FIRST), LAST)).astimezone()


def moment(iso: str) -> float:
    """Unix seconds of a time in the document."""
    return datetime.fromisoformat(iso).timestamp()


@dataclass(frozen=True, slots=True)
class Times:
    """Writes times as seen at `now` (Unix seconds) in one zone."""

    now: float
    zone: Local

    def as_of(self) -> str:
        """Now, with the zone that all other times are in: ``12:00:00 CET (UTC+01:00)``."""
        here = self.zone(self.now)
        name, offset = here.tzname() or "", _offset(here)
        named = name if name and name.isalpha() else ""
        zone = offset if not named else named if offset == named else f"{named} ({offset})"
        return f"{here:%H:%M:%S} {zone}"

    def at(self, iso: str) -> str:
        """A time of day, with the date where it is another day, and the offset where the time alone is ambiguous."""
        return self._written(moment(iso), "%H:%M:%S")

    def about(self, iso: str) -> str:
        """The same to the minute, for what is only estimated; upwards, so that it is not too early."""
        return self._written(-(-moment(iso) // 60) * 60, "%H:%M")

    def since(self, iso: str | None) -> str:
        """``since 11:56:55 (3 min 5 s)``; empty where it is not known."""
        return "" if iso is None else f"since {self.at(iso)} ({span(self.now - moment(iso))})"

    def until(self, iso: str) -> str:
        """``14:32:10 (in 8 s)``."""
        return f"{self.at(iso)} ({self.ahead(iso)})"

    def ahead(self, iso: str) -> str:
        """``in 8 s``; ``now`` where it is over."""
        left = moment(iso) - self.now
        return f"in {span(left)}" if left >= 1.0 else "now"

    def _written(self, seconds: float, clock: str) -> str:
        here, there = self.zone(self.now), self.zone(seconds)
        date = "" if here.date() == there.date() else f"{there:%Y-%m-%d} "
        offset = f" {_offset(there)}" if there.utcoffset() != here.utcoffset() or self._comes_twice(seconds) else ""
        return f"{date}{there:{clock}}{offset}"

    def _comes_twice(self, seconds: float) -> bool:
        """Whether a clock on the wall shows this time twice, as it does when summer time ends."""
        wall = self.zone(seconds).replace(tzinfo=None)
        return any(self.zone(seconds + other).replace(tzinfo=None) == wall for other in (-_HOUR, _HOUR))


def _offset(there: datetime) -> str:
    offset = there.utcoffset() or timedelta()
    if not offset:
        return "UTC"
    minutes = round(offset.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
