"""Which metadata keys of a route find nothing, counted event by event, and when one vanishes that used to be there.

The code of a route's metadata notes absent keys as bits of one number, and adds one to that number's count: nothing
per key, and nothing at all for a key that is there. So every event is counted. The watch is fed with the counts now
and then: a producer that renames a field fails nothing, its events arrive without the key from then on.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

PATTERNS_KEPT: Final = 256
"""Different sets of absent keys that are counted apart before they are added up."""
WINDOW: Final = 20
"""Events of a route that are judged together, at least."""
THERE: Final = 0.75
"""The share of them that must have a key for it to count as there. A key that so many had by chance is in none of the
next `WINDOW` once in a million million times."""


class MetadataKey(NamedTuple):
    """A metadata key of a route."""

    route: str
    key: str
    text: str
    """What it reads."""


@dataclass(frozen=True, slots=True)
class KeyCount:
    """Events of a route since the start."""

    events: int = 0
    absent: int = 0
    """Of these: in which the key found nothing, so that it was left out, or its default was used."""

    def __add__(self, other: KeyCount) -> KeyCount:
        return KeyCount(self.events + other.events, self.absent + other.absent)


class AbsentKeys(dict[int, int]):
    """How many events had which keys absent: one bit for each of the `keys`, in their order.

    A dict, so that counting is ``absent_keys[bits] += 1``.
    """

    def __init__(self, keys: Iterable[MetadataKey]) -> None:
        super().__init__()
        self.keys_counted = tuple(keys)
        self._events = 0
        self._absent = [0] * len(self.keys_counted)

    def __missing__(self, _bits: int) -> int:
        if len(self) >= PATTERNS_KEPT:
            self._add_up()
        return 0

    def counts(self) -> Mapping[MetadataKey, KeyCount]:
        """Of every key."""
        self._add_up()
        return {key: KeyCount(self._events, self._absent[place]) for place, key in enumerate(self.keys_counted)}

    def _add_up(self) -> None:
        for bits, count in self.items():
            self._events += count
            place = 0
            while bits:
                if bits & 1:
                    self._absent[place] += count
                bits >>= 1  # noqa: PLW2901 - the bits still to be looked at
                place += 1
        self.clear()


# --- the watch


class KeyChange(NamedTuple):
    """A key that vanished, or is back."""

    key: MetadataKey
    vanished: bool
    events: int
    """In which it was not, or again was."""


class _State(enum.Enum):
    UNKNOWN = "unknown"
    """Seldom there from the start: an optional one."""
    THERE = "there"
    GONE = "gone"


class KeyWatch:
    """One judgement per key and window of events, said once per spell.

    Holds two numbers and a word for each configured key.
    """

    def __init__(self) -> None:
        self._begins: dict[MetadataKey, KeyCount] = {}
        """Where the window that is open began."""
        self._states: dict[MetadataKey, _State] = {}

    @property
    def there(self) -> frozenset[tuple[str, str]]:
        """Routes and keys that would be missed."""
        return frozenset((key.route, key.key) for key, state in self._states.items() if state is _State.THERE)

    def look(self, counts: Mapping[MetadataKey, KeyCount]) -> list[KeyChange]:
        """What changed, of windows that are full by now."""
        return [change for key, count in counts.items() if (change := self._look(key, count)) is not None]

    def _look(self, key: MetadataKey, count: KeyCount) -> KeyChange | None:
        begin = self._begins.get(key, KeyCount())
        events = count.events - begin.events
        if events < WINDOW:
            return None
        self._begins[key] = count
        found = events - (count.absent - begin.absent)
        before = self._states.get(key, _State.UNKNOWN)
        if found >= THERE * events:
            self._states[key] = _State.THERE
            return KeyChange(key, vanished=False, events=events) if before is _State.GONE else None
        if not found and before is _State.THERE:
            self._states[key] = _State.GONE
            return KeyChange(key, vanished=True, events=events)
        return None
