from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bridge.config.topics.consumed_topics import topics_of
from bridge.counts import SourceCounts
from bridge.kafka import client
from bridge.kafka.client_log import ClientLog
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.starts.lookup import Lookup
from bridge.kafka.consumer.starts.settled import Settled
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.kafka.consumer.thread.hand_over import FirstFailure, HandOver
from bridge.model import TopicPartition
from tests.support.kafka import contexts
from tests.support.kafka.completing import Completing, settings
from tests.support.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import KafkaError
    from confluent_kafka import TopicPartition as ClientPartition

    from tests.component.kafka.conftest import Embedded

LOGGER = logging.getLogger("tests.starting")


class Proofs(Completing):
    """Takes down the commits that were acknowledged."""

    def __init__(self, proofs: list[float]) -> None:
        super().__init__()
        self.proofs = proofs

    def heartbeat_answered(self, issued_at: float) -> None:
        self.proofs.append(issued_at)


async def test_the_start_of_a_new_topic_is_decided_once_for_all_its_partitions(embedded: Embedded) -> None:
    """A replica that comes a moment later must not take its partitions for added ones and send all their history."""
    topic, group = embedded.topic(), embedded.name("group")
    embedded.produce(topic, 30)
    kafka = settings(embedded.bootstrap, group, [topic], start_from="latest")
    log = ClientLog(LOGGER)
    proofs: list[float] = []

    def on_commit(error: KafkaError | None, partitions: Sequence[ClientPartition]) -> None:
        commits.answered(error, partitions)

    consumer = client.open_consumer(client.consumer_configuration(kafka), log, on_commit)
    admin = client.open_admin(client.admin_configuration(kafka), log)
    counts, failure = SourceCounts(), FirstFailure()
    consumption = Proofs(proofs)
    hand_over = HandOver(asyncio.get_running_loop(), consumption, counts, failure)
    context = contexts.context(
        consumer, hand_over, admin=admin, kafka=kafka, incremental=False, counts=counts, failure=failure
    )
    commits = Commits(context)
    starting = StartRunner(context, Lookup(context, Settled(context, topics_of(kafka))), commits)
    await asyncio.to_thread(starting.assign, [TopicPartition(topic, 0)])
    async with patience("a commit tells that the group is answered"):
        while not proofs:
            await asyncio.to_thread(consumer.poll, 0.05)
    await asyncio.to_thread(consumer.close)
    assert {p: offset for p, (offset, _) in embedded.committed(group, topic).items()} == {0: 10, 1: 10, 2: 10}
