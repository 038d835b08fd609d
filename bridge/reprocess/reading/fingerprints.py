"""Many events remembered in little memory, by a number made of each: 24 bytes for one, and a bound for all.

The number is Python's own hash, which is seeded in each process: nobody can write events that share one.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from bridge.formats.letters import LetterPlace

_MASK: Final = 2**64 - 1
_NOTHING: Final = 0
"""Marks a free slot; no fingerprint is 0."""
_SMALLEST: Final = 1 << 10
_OFFSET_BITS: Final = 40
_PARTITION_BITS: Final = 20
_OFFSETS: Final = (1 << _OFFSET_BITS) - 1
_PARTITIONS: Final = (1 << _PARTITION_BITS) - 1
NO_TIME: Final = 2**63 - 1


def fingerprint(*parts: object) -> int:
    """Of what names an event; never 0."""
    return (hash(parts) & _MASK) or 1


class Kept(NamedTuple):
    """What is known of one event."""

    place: LetterPlace
    label: int
    """At most 15."""
    time: int
    """`NO_TIME` where there is none."""


class FingerprintTable:
    """Fingerprints with what is known of each: open addressing in three arrays, at most two thirds full."""

    def __init__(self) -> None:
        self._make(_SMALLEST)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, name: int) -> bool:
        return self._names[self._slot(name)] == name

    @staticmethod
    def can_hold(place: LetterPlace) -> bool:
        """Whether its numbers are of this world: a trillion letters, a million partitions."""
        return not (place.offset >> _OFFSET_BITS or place.partition >> _PARTITION_BITS)

    def add(self, name: int, kept: Kept) -> bool:
        """False where it is there already."""
        place = kept.place
        slot = self._slot(name)
        if self._names[slot] == name:
            return False
        packed = kept.label << (_OFFSET_BITS + _PARTITION_BITS) | place.partition << _OFFSET_BITS | place.offset
        self._put(slot, name, packed, kept.time)
        self._count += 1
        if 3 * self._count > 2 * len(self._names):
            self._grow()
        return True

    def remove(self, name: int) -> Kept | None:
        """What was known of it; None where it was not there."""
        slot = self._slot(name)
        if self._names[slot] != name:
            return None
        kept = self._kept(slot)
        self._names[slot] = _NOTHING
        self._count -= 1
        self._close_gap(slot)
        return kept

    def below(self, first: Mapping[int, int]) -> list[int]:
        """Those whose offset is less than the first that their partition has."""
        return [
            name
            for name, packed in zip(self._names, self._packed, strict=True)
            if name != _NOTHING and packed & _OFFSETS < first.get(packed >> _OFFSET_BITS & _PARTITIONS, 0)
        ]

    def offsets(self) -> dict[int, array[int]]:
        """By partition, in order."""
        found: dict[int, list[int]] = {}
        for name, packed in zip(self._names, self._packed, strict=True):
            if name != _NOTHING:
                found.setdefault(packed >> _OFFSET_BITS & _PARTITIONS, []).append(packed & _OFFSETS)
        return {partition: array("q", sorted(offsets)) for partition, offsets in sorted(found.items())}

    def oldest(self) -> int | None:
        """The least of the times."""
        found = min(
            (time for name, time in zip(self._names, self._times, strict=True) if name != _NOTHING), default=NO_TIME
        )
        return None if found == NO_TIME else found

    def _make(self, size: int) -> None:
        self._names = array("Q", bytes(8 * size))
        self._packed = array("Q", bytes(8 * size))
        self._times = array("q", bytes(8 * size))
        self._count = 0

    def _slot(self, name: int) -> int:
        """Where it is, or would be."""
        names, last = self._names, len(self._names) - 1
        slot = name & last
        while names[slot] != name and names[slot] != _NOTHING:
            slot = (slot + 1) & last
        return slot

    def _kept(self, slot: int) -> Kept:
        packed = self._packed[slot]
        place = LetterPlace(packed >> _OFFSET_BITS & _PARTITIONS, packed & _OFFSETS)
        return Kept(place, packed >> (_OFFSET_BITS + _PARTITION_BITS), self._times[slot])

    def _put(self, slot: int, name: int, packed: int, time: int) -> None:
        self._names[slot], self._packed[slot], self._times[slot] = name, packed, time

    def _grow(self) -> None:
        names, packed, times, count = self._names, self._packed, self._times, self._count
        self._make(2 * len(names))
        for slot, name in enumerate(names):
            if name != _NOTHING:
                self._put(self._slot(name), name, packed[slot], times[slot])
        self._count = count

    def _close_gap(self, gap: int) -> None:
        """Move up what was put further on because this slot was taken: a search ends at the first free one."""
        last = len(self._names) - 1
        slot = gap
        while True:
            slot = (slot + 1) & last
            name = self._names[slot]
            if name == _NOTHING:
                return
            if (slot - name) & last >= (slot - gap) & last:
                self._put(gap, name, self._packed[slot], self._times[slot])
                self._names[slot] = _NOTHING
                gap = slot


class Filter:
    """Fingerprints without end in 4 MiB: what was added is in it, and of a million others one in some thousands."""

    _BITS: Final = 25
    _PROBES: Final = 4

    def __init__(self) -> None:
        self._bits = bytearray()
        """Made with the first: where nothing was ever settled there is none."""

    def add(self, name: int) -> None:
        """From now on it is in."""
        if not self._bits:
            self._bits = bytearray(1 << (self._BITS - 3))
        for bit in self._places(name):
            self._bits[bit >> 3] |= 1 << (bit & 7)

    def __contains__(self, name: int) -> bool:
        bits = self._bits
        return bool(bits) and all(bits[bit >> 3] >> (bit & 7) & 1 for bit in self._places(name))

    def _places(self, name: int) -> Iterator[int]:
        step = name >> 32 | 1
        for probe in range(self._PROBES):
            yield (name + probe * step) & (1 << self._BITS) - 1
