"""Whether what was planned is still in the log: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.backfill.manifest import PlannedRange
from bridge.model import LogRange, TopicPartition
from bridge.text.amounts import plural


@dataclass(frozen=True, slots=True)
class Presence:
    """Of planned ranges."""

    ranges: tuple[PlannedRange, ...]
    """Without what is gone."""
    gone: int
    """Offsets that left the log before they were written."""
    sentences: tuple[str, ...]
    """Which those are."""
    truncated: tuple[str, ...]
    """Partitions whose log ends before the range does: it is another log, or it lost its end."""


def present(ranges: Sequence[PlannedRange], logs: Mapping[TopicPartition, LogRange]) -> Presence:
    """`logs` has those of the ranges that are not written to their end."""
    found: list[PlannedRange] = []
    gone = 0
    sentences: list[str] = []
    truncated: list[str] = []
    for each in ranges:
        log = None if each.is_done else logs.get(each.of)
        if log is not None and log.end < each.end:
            truncated.append(
                f"{each.of}: the log ends at {log.end}, and the range at {each.end}: it was truncated, or it is "
                "another one. Plan again, in a new folder."
            )
        if log is None or log.first <= each.at:
            found.append(each)
            continue
        first = min(log.first, each.end)
        missing = first - each.at
        gone += missing
        sentences.append(
            f"{each.of}: the log begins at {log.first} by now, so {plural(missing, 'planned offset')} from {each.at} "
            "on are gone: retention or compaction removed them."
        )
        found.append(replace(each, next=first, gone=each.gone + missing))
    return Presence(tuple(found), gone, tuple(sentences), tuple(truncated))
