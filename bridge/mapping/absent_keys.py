"""Counts, event by event, which metadata keys of a route found nothing: so cheap that every event is counted.

The code of a route's metadata notes absent keys as bits of one number, and adds one to that number's count: nothing
per key, and nothing at all for a key that is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

PATTERNS_KEPT: Final = 256
"""Different sets of absent keys that are counted apart before they are added up."""


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
