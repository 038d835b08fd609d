"""Reads what the whole group has committed, and how many partitions its topics have: what shares of the rate come from.

One request a view, answered by the group coordinator in under a millisecond; it needs DESCRIBE on the group, which
every consumer has through READ.

It is asked by a consumer that never subscribes, hence never joins. The admin client has the same question
(`list_consumer_group_offsets`), but in librdkafka up to 2.16 an answer that the coordinator is another broker now, or
still loads, kills the process: its handler takes every client for a member of a group.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaError, KafkaException

from bridge.config.topics import consumed_topics
from bridge.errors import Misuse
from bridge.kafka import answers, client
from bridge.kafka.admin import committed
from bridge.kafka.admin.committed import Committed
from bridge.kafka.client_log import ClientLog
from bridge.kafka.partitions import from_client, to_client
from bridge.model import TopicPartition

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Kafka

PATIENCE: Final = 3.0
"""Seconds one question may take; a view that comes later would be too old to use."""
PARTITIONS_EVERY: Final = 30.0
"""Seconds the number of partitions is believed: topics seldom grow, and the question covers the whole cluster."""


class ViewRefusedError(Misuse):
    """The cluster does not allow the question; the message is one sentence."""


class GroupReader:
    """One client of its own; all methods belong to the loop's thread."""

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
            if each.error is None and (found := committed.of_client(each)) is not None
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
