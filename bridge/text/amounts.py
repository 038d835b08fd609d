"""Durations as people read them: one way to write one, in every command and page."""

from __future__ import annotations


def span(seconds: float) -> str:
    """A duration in its two largest units: ``1 d 6 h``, ``2 h 5 min``, ``40 s``."""
    whole = max(0, round(seconds))
    days, hours, minutes = whole // 86_400, whole // 3_600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole % 60} s"
