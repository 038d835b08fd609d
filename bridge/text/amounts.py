"""Counts and spans as people read them: one way to write one, in every command, page and message."""

from __future__ import annotations

from collections.abc import Sequence


def thousands(value: float) -> str:
    """With thousands separated, so that nobody has to count digits; a fraction is rounded: ``1,200``."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.0f}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 record``, ``1,200 records``."""
    return f"{thousands(count)} {one if count == 1 else many or one + 's'}"


def size(count: int) -> str:
    """Bytes of a file: ``12.5 MB``; few of them exactly."""
    return f"{count / 1e6:,.1f} MB" if count >= 100_000 else plural(count, "byte")


def per_second(rate: float) -> str:
    """A pace: ``1,250.5/s``."""
    return f"{rate:,.1f}/s"


def per_minute(rate: float) -> str:
    """A limit, given in requests per second, as it is configured: ``600/min``."""
    return f"{thousands(rate * 60.0)}/min"


def span(seconds: float) -> str:
    """A duration in its two largest units: ``1 d 6 h``, ``2 h 5 min``, ``40 s``."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole % 60} s"


def listed(names: Sequence[object], most: int = 10) -> str:
    """As many as a person reads at once: ``a, b and 3 more``."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(str, names[:most])) + more
