"""Where ``--to`` points: pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.cli.offsets.standing import PartitionOffsets
from bridge.config.keys import scalars
from bridge.model import TopicPartition

_LARGEST = 2**63 - 1


class LogPlace(enum.StrEnum):
    """A place every log has."""

    EARLIEST = "earliest"
    """The log's start."""
    LATEST = "latest"
    """The last stable offset: what an open transaction holds is still read when it ends."""
    END = "end"
    """The log's end, above open transactions."""


@dataclass(frozen=True, slots=True)
class Moment:
    """The first record at or after it; where there is none, as `LogPlace.LATEST`."""

    epoch_ms: int


Target = LogPlace | Moment | int


def parse(text: str) -> Target:
    """From the command line. `ValueError` continues "--to"."""
    if text in set(LogPlace):
        return LogPlace(text)
    if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _LARGEST:
        return int(text)
    if text[:4].isdigit() and text[4:5] == "-":
        return Moment(round(scalars.instant(text) * 1000))
    raise ValueError(
        f"must be an offset, earliest, latest, end, or a time with its zone such as 2026-01-31T00:00:00Z, "
        f"not {scalars.shown(text)}"
    )


def aim(
    standings: Sequence[PartitionOffsets], target: Target, at_time: Mapping[TopicPartition, int | None]
) -> dict[TopicPartition, int]:
    """The offset for each partition. `at_time` holds what a `Moment` is there. `ValueError`: not in the log, which all
    partitions that this is so of are named for.
    """
    offsets = {each.partition: _one(each, target, at_time) for each in standings}
    outside = [each for each in standings if not each.log.first <= offsets[each.partition] <= each.log.end]
    if outside:
        where = "; ".join(f"{each.partition} has {each.log.first} to {each.log.end}" for each in outside)
        raise ValueError(f"{target} is not in the log, and the partition would be held again: {where}")
    return offsets


def _one(standing: PartitionOffsets, target: Target, at_time: Mapping[TopicPartition, int | None]) -> int:
    match target:
        case LogPlace.EARLIEST:
            return standing.log.first
        case LogPlace.LATEST:
            return standing.stable
        case LogPlace.END:
            return standing.log.end
        case Moment():
            found = at_time.get(standing.partition)
            return standing.stable if found is None else found
        case _:
            return target
