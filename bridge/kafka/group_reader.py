"""Reads what the whole group has committed, and how many partitions its topics have: what shares of the rate come from.

One admin call a view, answered by the group coordinator in under a millisecond; it needs DESCRIBE on the group, which
every consumer has through READ.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.kafka import answers, client, commit_mark
from bridge.kafka.client_log import ClientLog
from bridge.model import TopicPartition

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Kafka

PATIENCE: Final = 3.0
"""Seconds one question may take; a view that comes later would be too old to use."""
PARTITIONS_EVERY: Final = 30.0
"""Seconds the number of partitions is believed: topics seldom grow, and the question covers the whole cluster."""


class ViewRefusedError(Exception):
    """The cluster does not allow the question; the message is one sentence."""


class GroupReader:
    """One admin client; all methods belong to the loop's thread."""

    def __init__(self, kafka: Kafka, logger: logging.Logger) -> None:
        """`client.ClientRefusedError` for properties the client library does not take."""
        self._group = kafka.group_id
        self._names = frozenset(topic for topic in kafka.topics if not topic.startswith("^"))
        self._patterns = [re.compile(topic) for topic in kafka.topics if topic.startswith("^")]
        self._admin = client.open_admin(client.admin_configuration(kafka), ClientLog(logger))
        self._partitions: tuple[TopicPartition, ...] = ()
        self._partitions_until = 0.0

    async def metadata(self) -> Mapping[TopicPartition, str]:
        """The commit metadata of every partition of the subscribed topics that the group has a position on.

        Raises `ViewRefusedError`, and `OSError` where no answer comes in time.
        """
        self._admin.poll(0)  # serves its log, which would otherwise pile up while the brokers are away
        # Named one by one: an embedded broker answers a question for "all" with nothing.
        wanted = [ClientPartition(each.topic, each.partition) for each in await self._known()]
        if not wanted:
            return {}
        request = ConsumerGroupTopicPartitions(self._group, wanted)
        try:
            future = self._admin.list_consumer_group_offsets([request], request_timeout=PATIENCE)[self._group]
            answered = await asyncio.wait_for(asyncio.wrap_future(future), PATIENCE + 1.0)
        except (KafkaException, TimeoutError) as error:
            raise _translated(error) from error
        return {
            TopicPartition(each.topic, each.partition): commit_mark.unmarked(each.metadata)
            for each in answered.topic_partitions
            if each.error is None and each.offset >= 0
        }

    async def partitions(self) -> int:
        """How many partitions the subscribed topics have. Raises as `metadata` does."""
        return len(await self._known())

    async def _known(self) -> tuple[TopicPartition, ...]:
        now = time.monotonic()
        if now >= self._partitions_until:
            try:
                described = await asyncio.to_thread(self._admin.list_topics, timeout=PATIENCE)
            except KafkaException as error:
                raise _translated(error) from error
            self._partitions = tuple(
                TopicPartition(name, number)
                for name, topic in described.topics.items()
                if self._subscribes(name)
                for number in topic.partitions
            )
            self._partitions_until = now + PARTITIONS_EVERY
        return self._partitions

    def _subscribes(self, topic: str) -> bool:
        return topic in self._names or any(pattern.match(topic) for pattern in self._patterns)


def _translated(error: BaseException) -> Exception:
    if isinstance(error, TimeoutError):
        return OSError("the group coordinator did not answer in time")
    found = answers.error_of(error)
    if found.code() in (KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.TOPIC_AUTHORIZATION_FAILED):
        return ViewRefusedError(f"the positions of the group may not be read: {found.str()}")
    return OSError(found.str())
