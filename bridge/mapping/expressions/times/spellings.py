"""Times that are not ISO 8601 as Python reads it, and yet nobody can mistake: asked only where that has given up.

RFC 2822 (mail, HTTP), a small ``z``, what databases and languages append: ``2026-01-02 03:04:05 UTC``, ``+0100 CET``,
``[Europe/Berlin]``. All have a zone; none is guessed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from bridge.mapping.expressions.times import zones

_LONGEST: Final = 120
"""Characters: no time has more, with its blanks and the name of its zone."""

_WORD: Final = r"[A-Z][A-Z0-9_+/-]*"
_ISO: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?)"
    rf"(?: ?(?P<offset>Z|[+-]\d\d(?::?[0-5]\d)?)(?: {_WORD})?| ?(?P<word>{_WORD}))?"
    r"(?P<tags>(?:\[[^\[\]]{1,60}\])*)",
    re.ASCII | re.IGNORECASE,
)
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MAIL: Final = re.compile(
    r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? +)?"
    rf"(?P<day>\d\d?)[ -](?P<month>{'|'.join(MONTHS)})[ -](?P<year>\d{{4}}) +"
    r"(?P<hour>\d\d?):(?P<minute>\d\d)(?::(?P<second>\d\d))? *(?P<zone>[+-]\d{4}|[a-z]{1,3})(?: *\([^()]{0,60}\))?",
    re.ASCII | re.IGNORECASE,
)
_HOURS: Final = {
    **dict.fromkeys(("UT", "UTC", "GMT", "Z"), 0),
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
}
"""The names that RFC 2822 has an offset for; those of the military are not to be trusted, as it says itself."""


def read(text: str) -> datetime | None:
    """A moment that has its zone; None for all other texts."""
    text = text.strip()
    if len(text) > _LONGEST:
        return None
    try:
        mail = _MAIL.fullmatch(text)
        if mail is not None:
            return _of_mail(mail)
        iso = _ISO.fullmatch(text)
        return None if iso is None else _of_iso(iso)
    except (ValueError, OverflowError):
        return None


def _of_iso(found: re.Match[str]) -> datetime | None:
    local = datetime.fromisoformat(found["time"])
    offset, word = found["offset"], found["word"]
    if offset is not None:  # it decides, whatever name stands behind it
        return None if (zone := _of_offset(offset.upper())) is None else zones.moment(local, zone)
    name = word or next((tag for tag in found["tags"][1:-1].split("][") if tag and "=" not in tag), None)
    named = None if name is None or (word and not _is_sure(word)) else zones.of_name(_plain(name))
    return None if named is None else zones.moment(local, named)


def _of_offset(offset: str) -> tzinfo | None:
    return UTC if offset == "Z" else zones.of_offset(offset if len(offset) > 3 else f"{offset}00")


def _is_sure(word: str) -> bool:
    """Whether a word is the name of one zone: CST is at least three."""
    return "/" in word or word.upper() in {"UTC", "GMT"}


def _plain(name: str) -> str:
    """Without the sign of RFC 9557 that the name matters."""
    name = name.removeprefix("!")
    return name.upper() if "/" not in name else name


def _of_mail(found: re.Match[str]) -> datetime | None:
    zone = found["zone"].upper()
    hours = _HOURS.get(zone)
    place = zones.of_offset(zone) if hours is None else timezone(timedelta(hours=hours))
    local = datetime(  # noqa: DTZ001 - its zone follows
        int(found["year"]),
        MONTHS.index(found["month"].lower()) + 1,
        int(found["day"]),
        int(found["hour"]),
        int(found["minute"]),
        int(found["second"] or 0),
    )
    return None if place is None else zones.moment(local, place)
