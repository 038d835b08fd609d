"""The client library's name for a partition, to and fro."""

from __future__ import annotations

from typing import Any

from confluent_kafka import TopicPartition as ClientPartition

from bridge.model import Position, TopicPartition


def to_client(
    partition: TopicPartition,
    offset: int | None = None,
    leader_epoch: int | None = None,
    metadata: str | None = None,
) -> ClientPartition:
    """With an offset where one is meant. The client takes absent arguments but no None."""
    given: dict[str, Any] = {"offset": offset, "leader_epoch": leader_epoch, "metadata": metadata}
    return ClientPartition(
        partition.topic, partition.partition, **{name: value for name, value in given.items() if value is not None}
    )


def committable(partition: TopicPartition, position: Position, metadata: str) -> ClientPartition:
    """An offset to commit, with the text that goes along; a commit without text clears what was there."""
    return to_client(partition, position.offset, position.leader_epoch, metadata or None)


def from_client(partition: ClientPartition) -> TopicPartition:
    """The plain name."""
    return TopicPartition(partition.topic, partition.partition)
