"""The committed offset of a partition, where ``--to`` points, and what setting it there skips or repeats: pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.config.keys import scalars
from bridge.formats import offset_map
from bridge.formats.commit_text import CommitText
from bridge.formats.losses import PASSED, Lost
from bridge.kafka.consumer.starts.partition_offsets import PartitionOffsets, within
from bridge.model import TopicPartition

_LARGEST = 2**63 - 1


# --- where to ----------------------------------------------------------------------------------------


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
    states: Sequence[PartitionOffsets], target: Target, at_time: Mapping[TopicPartition, int | None]
) -> dict[TopicPartition, int]:
    """The offset for each partition. `at_time` holds what a `Moment` is there. `ValueError`: not in the log, which all
    partitions that this is so of are named for.
    """
    offsets = {each.partition: _one(each, target, at_time) for each in states}
    outside = [each for each in states if not each.log.first <= offsets[each.partition] <= each.log.end]
    if outside:
        where = "; ".join(f"{each.partition} has {each.log.first} to {each.log.end}" for each in outside)
        raise ValueError(f"{target} is not in the log, and the partition would be held again: {where}")
    return offsets


def _one(state: PartitionOffsets, target: Target, at_time: Mapping[TopicPartition, int | None]) -> int:
    match target:
        case LogPlace.EARLIEST:
            return state.log.first
        case LogPlace.LATEST:
            return state.stable
        case LogPlace.END:
            return state.log.end
        case Moment():
            found = at_time.get(state.partition)
            return state.stable if found is None else found
        case _:
            return target


# --- what that changes -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OffsetChange:
    """A new committed offset for one partition."""

    before: PartitionOffsets
    offset: int
    passed: int
    """Offsets below it that are not done: their records would never be sent."""
    gone: int
    """How many of those are below the log's start: they cannot be sent any more, whatever is set."""
    repeated: int
    """Offsets from it on that are done: their records would be sent once more."""

    @property
    def text(self) -> str:
        """What to commit along with the offset: what is done above it."""
        return "" if self.before.map is None else offset_map.moved(self.before.map, self.offset)

    @property
    def lost(self) -> Lost | None:
        """What is passed, as it is recorded; None where all of it is done. What lies between may be done in part."""
        committed, begins = self.before.committed, self.before.first_open
        if not self.passed:
            return None
        found = None if committed is None or begins != committed.offset else offset_map.decode(committed.metadata)
        topic_id = (self.before.topic_id or "") if found is None else found.topic_id
        return Lost(self.before.partition, topic_id, begins, self.offset, PASSED)

    @property
    def committed_text(self) -> str:
        """That, with an operator's hold on the partition: a new offset does not end it."""
        committed = self.before.committed
        return CommitText().of(self.text, None, None, None if committed is None else committed.operator_hold)

    @property
    def changes_nothing(self) -> bool:
        """It is the committed offset already, and a bridge reads from it."""
        committed = self.before.committed
        return committed is not None and committed.offset == self.offset and self.before.hold is None


def change(state: PartitionOffsets, target: int) -> OffsetChange:
    """What setting the committed offset to `target`, which lies in the log, comes to.

    Where only what is done lies between the target and a later offset, that one is set: the map cannot say
    that its own base is done, and what is done would be sent again.
    """
    first_open, first = state.first_open, state.log.first
    if target < first_open:
        return OffsetChange(state, target, 0, 0, first_open - max(target, first) + sum(map(len, state.done)))
    offset = next((each.stop for each in state.done if target in each), target)
    passed = offset - first_open - within(state.done, first_open, offset)
    below = max(first_open, min(offset, first))
    gone = below - first_open - within(state.done, first_open, below)
    return OffsetChange(state, offset, passed, gone, 0)
