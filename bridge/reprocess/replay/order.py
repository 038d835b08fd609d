"""The order in which letters are sent again: that of their records."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.reprocess.reading.selection import LetterEntry


def in_original_order(entries: Iterable[LetterEntry]) -> list[LetterEntry]:
    """By time over all partitions, and within one partition strictly by offset.

    Timestamps are the producers' and may step back from one offset to the next; two events of one user in one
    partition must still go in the order of their offsets, so each counts as no earlier than those before it.
    """
    partitions: dict[tuple[str, int], list[LetterEntry]] = {}
    for entry in entries:
        origin = entry.letter.origin
        partitions.setdefault((origin.topic, origin.partition) if origin else ("", -1), []).append(entry)
    timed: list[tuple[int, str, int, int, int, LetterEntry]] = []
    for (topic, partition), those in partitions.items():
        those.sort(key=_offset_and_output)
        latest = 0
        for entry in those:
            latest = max(latest, _time(entry))
            timed.append((latest, topic, partition, *_offset_and_output(entry), entry))
    timed.sort(key=lambda each: each[:5])
    return [each[5] for each in timed]


def _offset_and_output(entry: LetterEntry) -> tuple[int, int]:
    letter = entry.letter
    return (letter.origin.offset if letter.origin else letter.place.offset, letter.output)


def _time(entry: LetterEntry) -> int:
    """The record's time; that of its letter where the record's is unknown."""
    origin = entry.letter.origin
    if origin is not None and origin.timestamp_ms is not None:
        return origin.timestamp_ms
    return entry.letter.timestamp_ms or 0
