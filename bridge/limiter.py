"""What repeats is said so often and no oftener, then counted: the one limiter of log lines, for every room."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

_VARYING: Final = re.compile(r"0x[0-9a-f]+|\d+")
_KEYS: Final = 256
"""How many keys are remembered, so that odd input cannot grow the table for ever."""


@dataclass(slots=True)
class _Spell:
    began: float
    said: int = 0
    withheld: int = 0


class Limiter:
    """At most `often` times in `every` seconds of each key; the clock is monotonic seconds."""

    __slots__ = ("_clock", "_every", "_often", "_spells")

    def __init__(self, often: int, every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._often = often
        self._every = every
        self._clock = clock
        self._spells: dict[Hashable, _Spell] = {}

    def admit(self, key: Hashable) -> bool:
        """Whether to say it; False counts it as withheld."""
        now = self._clock()
        spell = self._spells.get(key)
        if spell is None:
            if len(self._spells) >= _KEYS:
                self._spells.clear()
            spell = self._spells[key] = _Spell(now)
        elif now - spell.began >= self._every:
            spell.began, spell.said = now, 0
        if spell.said < self._often:
            spell.said += 1
            return True
        spell.withheld += 1
        return False

    def withheld_of(self, key: Hashable) -> int:
        """How many of this key were withheld since this was last asked."""
        spell = self._spells[key]
        count, spell.withheld = spell.withheld, 0
        return count

    def withheld(self, *, ending: bool = False) -> dict[Hashable, int]:
        """The same of every key whose time is over; ``ending``: of all.

        Asked for regularly, so that the end of a burst is told too.
        """
        now = self._clock()
        over = [key for key, spell in self._spells.items() if ending or now - spell.began >= self._every]
        return {key: count for key in over if (count := self.withheld_of(key))}


def once() -> Limiter:
    """Says each key a single time while the process lives."""
    return Limiter(1, math.inf)


class News:
    """Says a thing once until it changes. None is nothing to say; after it the same is news again."""

    __slots__ = ("_last",)

    def __init__(self, known: object = None) -> None:
        """`known` is said already."""
        self._last = known

    def admit(self, value: object) -> bool:
        """Whether to say it."""
        is_news = value is not None and value != self._last
        self._last = value
        return is_news


class Rare:
    """Lets a text through at most once in a while; texts that differ only in numbers count as repetitions."""

    def __init__(self, *, every: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        """`every` is in seconds; a text let through again says how many were left out."""
        self._limiter = Limiter(1, every, clock)

    def admit(self, text: str) -> str | None:
        """The text to show, or None for one more of those left out."""
        pattern = _VARYING.sub("#", text)
        if not self._limiter.admit(pattern):
            return None
        left_out = self._limiter.withheld_of(pattern)
        return f"{text} (and {left_out} more like it)" if left_out else text


class RareLog:
    """Writes a line at most once in a while, see `Rare`."""

    def __init__(
        self, logger: logging.Logger, *, every: float = 30.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._logger = logger
        self._rare = Rare(every=every, clock=clock)

    def write(self, level: int, text: str) -> None:
        """One line, or one more of those left out."""
        if (shown := self._rare.admit(text)) is not None:
            self._logger.log(level, "%s", shown)
