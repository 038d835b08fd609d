"""``format: '%d.%m.%Y %H:%M'`` with ``zone: Europe/Berlin``: compiled once, to what reads a text without any locale.

The directives mean what they mean to Python's `datetime.strptime`; held to it by a test. Names of months and days are
English ones, on every machine.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from bridge.errors import InvalidError
from bridge.mapping.expressions import instants
from bridge.mapping.expressions.instants import NotATimeError
from bridge.mapping.expressions.times import spellings, zones

ReadTime = Callable[[str], datetime]
"""Takes a text, returns the moment; raises `NotATimeError`."""


class TimeFormatError(InvalidError):
    """A format or a zone that cannot be; reads as the end of a sentence that begins with its text."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        """Whose text it is: ``format`` or ``zone``."""


_FULL_MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAYS: Final = "mon|tue|wed|thu|fri|sat|sun"
_FULL_DAYS: Final = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"

_DIRECTIVES: Final = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>1[0-2]|0[1-9]|[1-9])",
    "d": r"(?P<d>3[01]|[12]\d|0[1-9]|[1-9]| [1-9])",
    "j": r"(?P<j>36[0-6]|3[0-5]\d|[12]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])",
    "H": r"(?P<H>2[0-3]|[01]\d|\d)",
    "I": r"(?P<I>1[0-2]|0[1-9]|[1-9])",
    "p": r"(?P<p>am|pm)",
    "M": r"(?P<M>[0-5]\d|\d)",
    "S": r"(?P<S>[0-5]\d|\d)",
    "f": r"(?P<f>\d{1,9})",
    "z": r"(?P<z>[+-]\d\d:?[0-5]\d|z)",
    "b": rf"(?P<b>{'|'.join(spellings.MONTHS)})",
    "B": rf"(?P<B>{'|'.join(_FULL_MONTHS)})",
    "a": rf"(?P<a>{_DAYS})",
    "A": rf"(?P<A>{_FULL_DAYS})",
}
_INSTEAD: Final = {
    "Z": "a zone's short name is no one zone; write zone: with its full one, such as Europe/Berlin",
    "s": "for seconds since 1970 write unit: s instead of a format",
    "T": "write %H:%M:%S",
    "F": "write %Y-%m-%d",
    "D": "write %m/%d/%y",
    "R": "write %H:%M",
    "e": "write %d, which takes 1 and 01",
    "k": "write %H, which takes 1 and 01",
    "l": "write %I, which takes 1 and 01",
    "L": "write %f",
    "N": "write %f",
    "h": "write %b",
}
_ALIKE: Final = (("m", "b", "B", "j"), ("d", "j"), ("Y", "y"), ("H", "I"))
"""What says the same in two ways."""
_NEEDS: Final = (("p", "I"), ("I", "p"), ("M", "HI"), ("S", "M"), ("f", "S"))
"""What has a meaning only with one of the others."""
_PIVOT: Final = 69
"""Two digits from here on are of the last century, as POSIX has it."""


def reader(written: str | None, zone: str | None) -> ReadTime:
    """What reads a text in this format (None: ISO 8601), and in this zone where it states none.

    Raises `TimeFormatError`.
    """
    place = None if zone is None else _zone(zone)
    if written is None:
        return instants.parse_text if place is None else _with_zone(place)
    pattern = _compiled(written)
    states_zone = "z" in pattern.groupindex
    if place is None and not states_zone:
        raise TimeFormatError("format", "has no %z, so nothing says in which zone its times are; add zone, such as UTC")
    if place is not None and states_zone:
        raise TimeFormatError("format", "has %z, so its times say their zone; remove zone, or %z")
    return _of_pattern(pattern, place, written)


def _with_zone(place: tzinfo) -> ReadTime:
    def read(text: str) -> datetime:
        try:
            local = datetime.fromisoformat(text.strip())
        except ValueError:
            return instants.parse_text(text)
        return local if local.tzinfo is not None else _moment(local, place)

    return read


def _of_pattern(pattern: re.Pattern[str], place: tzinfo | None, written: str) -> ReadTime:
    def read(text: str) -> datetime:
        found = pattern.fullmatch(text.strip())
        if found is None:
            raise NotATimeError(f"is a string that is not a time in the format {written!r}")
        parts = found.groupdict()
        try:
            local = _local(parts)
        except ValueError:
            raise NotATimeError("is a string with a day that its month, or its year, does not have") from None
        stated = parts.get("z")
        zone = place if stated is None else UTC if stated in "zZ" else zones.of_offset(stated)
        if zone is None:
            raise NotATimeError(f"is a string that is not a time in the format {written!r}")
        return _moment(local, zone)

    return read


def _moment(local: datetime, zone: tzinfo) -> datetime:
    found = zones.moment(local, zone)
    if found is None:
        raise NotATimeError(f"is a time that clocks in {zone} never show: there they are put forward over it")
    return found


def _local(parts: dict[str, str | None]) -> datetime:
    """Raises ValueError for a day that is not in the calendar."""
    has = {name: text for name, text in parts.items() if text is not None}
    year = int(has["Y"]) if "Y" in has else int(has["y"]) + (1900 if int(has["y"]) >= _PIVOT else 2000)
    hour = int(has.get("H", "0"))
    if "I" in has:
        hour = int(has["I"]) % 12 + (12 if has["p"].lower() == "pm" else 0)
    clock = (hour, int(has.get("M", "0")), int(has.get("S", "0")), int(has.get("f", "0").ljust(6, "0")[:6]))
    if "j" in has:
        day = datetime(year, 1, 1, *clock) + timedelta(days=int(has["j"]) - 1)  # noqa: DTZ001 - its zone follows
        if day.year != year:
            raise ValueError
        return day
    month = int(has["m"]) if "m" in has else spellings.MONTHS.index((has.get("b") or has["B"])[:3].lower()) + 1
    return datetime(year, month, int(has["d"]), *clock)  # noqa: DTZ001 - its zone follows


def _compiled(written: str) -> re.Pattern[str]:
    pieces: list[str] = []
    used: set[str] = set()
    for directive, blanks, other in re.findall(r"%(.?)|(\s+)|([^%\s]+)", written.strip(), re.DOTALL):
        if blanks:
            pieces.append(r"\s+")
        elif other:
            pieces.append(re.escape(other))
        elif directive == "%":
            pieces.append("%")
        else:
            pieces.append(_directive(directive, used))
            used.add(directive)
    _check(used)
    return re.compile("".join(pieces), re.ASCII | re.IGNORECASE)


def _directive(sign: str, used: set[str]) -> str:
    if sign not in _DIRECTIVES:
        instead = _INSTEAD.get(sign, f"there are {', '.join(f'%{known}' for known in _DIRECTIVES)} and %%")
        raise TimeFormatError("format", f"has %{sign}, which is no directive: {instead}")
    if sign in used:
        raise TimeFormatError("format", f"has %{sign} twice")
    return _DIRECTIVES[sign]


def _check(used: set[str]) -> None:
    for alike in _ALIKE:
        both = [f"%{sign}" for sign in alike if sign in used]
        if len(both) > 1:
            raise TimeFormatError("format", f"has {' and '.join(both)}, which say the same; remove one of them")
    if not used & {"Y", "y"}:
        raise TimeFormatError("format", "has no year; add %Y")
    if "j" not in used and not ("d" in used and used & {"m", "b", "B"}):
        raise TimeFormatError("format", "has no whole date; add %m and %d")
    for sign, others in _NEEDS:
        if sign in used and not used.intersection(others):
            needed = " or ".join(f"%{other}" for other in others)
            raise TimeFormatError("format", f"has %{sign} without {needed}; add it")


def _zone(name: str) -> tzinfo:
    found = zones.of_name(name)
    if found is not None:
        return found
    known = zoneinfo.available_timezones()
    if not known:
        raise TimeFormatError(
            "zone", "is not known: this machine has no list of time zones; install its package tzdata"
        )
    by_small = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_small, n=1, cutoff=0.7)
    meant = f"did you mean {by_small[close[0]]}?" if close else "write it as Europe/Berlin, UTC or +01:00"
    raise TimeFormatError("zone", f"is no time zone; {meant}")
