"""What a group has committed for a partition, and the reader that asks for the whole group.

Each commit carries the number of the mapping it was made by, and says when. Two programs with different mappings in
one group deliver each about half of the events by either, and nothing else would show it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException

from bridge.config.topics import consumed_topics
from bridge.errors import Misuse
from bridge.formats import commit_text, offset_map
from bridge.formats.operator_hold import OperatorHold
from bridge.kafka import answers, client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.partitions import from_client, to_client
from bridge.model import Position, TopicPartition

if TYPE_CHECKING:
    import logging

    from confluent_kafka import TopicPartition as ClientPartition

    from bridge.config.sections import Kafka


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
    is_beginning: bool = False
    """Somebody decided by it where the group begins, and no bridge has committed since."""

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
        partition.offset,
        read.offset_map,
        read.mapping,
        partition.leader_epoch,
        read.hold,
        read.subscription,
        read.is_beginning,
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


PATIENCE: Final = 3.0
"""Seconds one question may take; a view that comes later would be too old to use."""
PARTITIONS_EVERY: Final = 30.0
"""Seconds the number of partitions is believed: topics seldom grow, and the question covers the whole cluster."""


class ViewRefusedError(Misuse):
    """The cluster does not allow the question; the message is one sentence."""


class GroupReader:
    """One client of its own; all methods belong to the loop's thread.

    One request a view, answered by the group coordinator in under a millisecond; it needs DESCRIBE on the group, which
    every consumer has through READ.

    It is asked by a consumer that never subscribes, hence never joins. The admin client has the same question
    (`list_consumer_group_offsets`), but in librdkafka up to 2.16 an answer that the coordinator is another broker now,
    or still loads, kills the process: its handler takes every client for a member of a group.
    """

    def __init__(self, kafka: Kafka, logger: logging.Logger) -> None:
        """`client.ClientRefusedError` for properties the client library does not take."""
        self._topics = consumed_topics.topics_of(kafka)
        self._client = client.open_reader(kafka, ClientLog(logger))
        self._partitions: tuple[TopicPartition, ...] = ()
        self._partitions_until = 0.0

    async def metadata(self) -> Mapping[TopicPartition, str]:
        """The commit metadata of every partition of the subscribed topics that the group has a committed offset on.

        Raises `ViewRefusedError`, and `OSError` where no answer comes in time.
        """
        return {partition: found.metadata for partition, found in (await self.committed()).items()}

    async def committed(self) -> Mapping[TopicPartition, Committed]:
        """What is committed for every partition of the subscribed topics that has a committed offset.

        Raises as `metadata` does.
        """
        self._client.poll(0)  # serves its log, which would otherwise pile up while the brokers are away
        wanted = [to_client(each) for each in await self._known()]
        if not wanted:
            return {}
        try:
            answered = await asyncio.to_thread(self._client.committed, wanted, timeout=PATIENCE)
        except KafkaException as error:
            raise _translated(error) from error
        return {
            from_client(each): found
            for each in answered
            if each.error is None and (found := of_client(each)) is not None
        }

    async def partitions(self) -> int:
        """How many partitions the subscribed topics have. Raises as `metadata` does."""
        return len(await self._known())

    async def topics(self) -> Mapping[str, int]:
        """The subscribed topics that are there, with how many partitions each has. Raises as `metadata` does."""
        return Counter(partition.topic for partition in await self._known())

    async def _known(self) -> tuple[TopicPartition, ...]:
        now = time.monotonic()
        if now >= self._partitions_until:
            try:
                described = await asyncio.to_thread(self._client.list_topics, timeout=PATIENCE)
            except KafkaException as error:
                raise _translated(error) from error
            self._partitions = tuple(
                TopicPartition(name, number)
                for name, topic in described.topics.items()
                if self._topics.takes(name)
                for number in topic.partitions
            )
            self._partitions_until = now + PARTITIONS_EVERY
        return self._partitions


def _translated(error: KafkaException) -> Exception:
    found = answers.error_of(error)
    if found.code() in (KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return ViewRefusedError(f"the committed offsets of the group may not be read: {found.str()}")
    return OSError(found.str())
