"""What a group has committed for a partition, as any reader of its committed offsets sees it.

Each commit carries the number of the mapping it was made by, and says when. Two programs with different mappings in
one group deliver each about half of the events by either, and nothing else would show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.formats import commit_text, offset_map
from bridge.formats.operator_hold import OperatorHold
from bridge.model import Position, TopicPartition

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition as ClientPartition


FRESH: Final = 120.0
"""Seconds after a commit for which its author is taken to work still; an old one is of a process that was replaced."""


@dataclass(frozen=True, slots=True)
class Committed:
    """One partition's."""

    offset: int
    metadata: str
    """The offset map, without the mark of the commit."""
    mapping: int | None = None
    """The number of the mapping that the process which committed it works by; None where it did not say."""
    leader_epoch: int | None = None
    """Of the log when it was committed; None where the commit does not say."""
    operator_hold: OperatorHold | None = None
    """That an operator holds the partition."""
    subscription: int | None = None
    """Under which subscription the group is known to have settled; see `consumer.starts.settled`."""

    @property
    def position(self) -> Position:
        """As the pipeline has it."""
        return Position(self.offset, self.metadata, self.leader_epoch)


def of_client(partition: ClientPartition) -> Committed | None:
    """Of an answer of the client; None where nothing is committed."""
    if partition.offset < 0:
        return None
    read = commit_text.read(partition.metadata)
    return Committed(
        partition.offset, read.offset_map, read.mapping, partition.leader_epoch, read.hold, read.subscription
    )


def other_mappings(
    committed: Mapping[TopicPartition, Committed], mine: int, now: float
) -> dict[int, tuple[TopicPartition, ...]]:
    """Partitions by the other mappings they were committed by lately; `now` is in Unix seconds.

    A commit that does not say by which mapping, or when, is left out: an older version made it.
    """
    found: dict[int, list[TopicPartition]] = {}
    for partition, each in committed.items():
        if each.mapping is None or each.mapping == mine:
            continue
        text = offset_map.decode(each.metadata)
        if text is not None and now - text.demand.at < FRESH:
            found.setdefault(each.mapping, []).append(partition)
    return {mapping: tuple(sorted(partitions)) for mapping, partitions in sorted(found.items())}
