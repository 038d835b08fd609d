"""What a group has committed for a partition, as any reader of its committed offsets sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bridge.formats import commit_mark, operator_hold
from bridge.formats.operator_hold import OperatorHold
from bridge.model import Position

if TYPE_CHECKING:
    from confluent_kafka import TopicPartition as ClientPartition


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
    text = partition.metadata
    return Committed(
        partition.offset,
        commit_mark.unmarked(text),
        commit_mark.mapping_of(text),
        partition.leader_epoch,
        operator_hold.of_metadata(text),
        commit_mark.subscription_of(text),
    )
