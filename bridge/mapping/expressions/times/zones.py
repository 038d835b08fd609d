"""Time zones by name, and the moment that a local time of one is."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

_NAME: Final = re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+){0,2}|[A-Z]{3}[0-9][A-Z]{3}", re.ASCII)
_OFFSET: Final = re.compile(r"([+-])(\d\d):?([0-5]\d)", re.ASCII)
_IN_UTC: Final = frozenset({"UTC", "Z", "GMT", "UT", "Etc/UTC"})
_OF_THE_MACHINE: Final = frozenset({"localtime", "posixrules", "Factory"})
"""Files beside those of zones, which mean something else on every machine."""


@lru_cache(maxsize=256)
def of_name(name: str) -> tzinfo | None:
    """The zone; None for what is none, or where the machine has no list of zones. Names may come from records."""
    if name in _IN_UTC:
        return UTC
    offset = of_offset(name)
    if offset is not None or not _NAME.fullmatch(name) or name in _OF_THE_MACHINE:
        return offset
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return None


def of_offset(text: str) -> tzinfo | None:
    """``+01:00`` or ``+0100``."""
    match = _OFFSET.fullmatch(text)
    if match is None or int(match[2]) > 23:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-offset if match[1] == "-" else offset) if offset else UTC


def moment(local: datetime, zone: tzinfo) -> datetime | None:
    """The moment in UTC that a local time is; None for one that the zone's clocks skip.

    Of a time that they show twice it is the first, as RFC 5545 and Java have it.
    """
    if zone is UTC:
        return local.replace(tzinfo=UTC)
    try:
        found = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
        return found if found.astimezone(zone).replace(tzinfo=None, fold=0) == local else None
    except (OverflowError, ValueError):
        return None
