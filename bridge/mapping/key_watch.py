"""Notices when a metadata key that used to be there vanishes, and when it is back: pure, fed with counts now and then.

A producer that renames a field fails nothing: its events arrive without the key, for ever. Said once per spell.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final, NamedTuple

from bridge.mapping.absent_keys import KeyCount, MetadataKey

WINDOW: Final = 20
"""Events of a route that are judged together, at least."""
THERE: Final = 0.75
"""The share of them that must have a key for it to count as there. A key that so many had by chance is in none of the
next `WINDOW` once in a million million times."""


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
    """One judgement per key and window of events; holds two numbers and a word for each configured key."""

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
