"""Says a repeated event some times a second, then counts it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class _Second:
    began: float
    said: int = 0
    withheld: int = 0


class Throttle:
    """At most `per_second` a second of each key. The clock is monotonic seconds; keys must be a small fixed set."""

    __slots__ = ("_monotonic", "_per_second", "_seconds")

    def __init__(self, monotonic: Callable[[], float], per_second: int = 10) -> None:
        self._monotonic = monotonic
        self._per_second = per_second
        self._seconds: dict[str, _Second] = {}

    def admit(self, key: str) -> bool:
        """Whether to say it; False counts it as withheld."""
        now = self._monotonic()
        second = self._seconds.get(key)
        if second is None:
            second = self._seconds[key] = _Second(now)
        elif now - second.began >= 1.0:
            second.began, second.said = now, 0
        if second.said < self._per_second:
            second.said += 1
            return True
        second.withheld += 1
        return False

    def withheld(self, *, ending: bool = False) -> dict[str, int]:
        """How many were withheld per key since this was last asked, for seconds that are over; ``ending``: for all.

        Asked for once a second, so that the end of a burst is told too.
        """
        now = self._monotonic()
        counts: dict[str, int] = {}
        for key, second in self._seconds.items():
            if second.withheld and (ending or now - second.began >= 1.0):
                counts[key] = second.withheld
                second.withheld = 0
        return counts
