"""Which group protocol and session a replica ends up with, on brokers that take them and on brokers that do not."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from bridge.config.sections import Kafka as Section
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.kafka import terms
from tests.support.kafka.completing import Completing, running
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.integration.conftest import KafkaFactory
    from tests.support.kafka.client import Kafka


def section(kafka: Kafka, group: str, topic: str, group_protocol: str = "auto") -> Section:
    """As most are written: without a word about protocol or session."""
    return Section.model_validate(
        {
            "bootstrap_servers": kafka.bootstrap,
            "group_id": group,
            "topics": [topic],
            "start_from": "earliest",
            "commit_interval": "50ms",
            "drain_timeout": "2s",
            "group_protocol": group_protocol,
        }
    )


async def produce(kafka: Kafka, topic: str, numbers: range) -> None:
    await asyncio.to_thread(kafka.produce, topic, [(f"user-{number % 50}", str(number)) for number in numbers])


async def test_brokers_without_the_consumer_protocol_and_with_a_longer_least_session_are_joined_all_the_same(
    own_kafka: KafkaFactory,
) -> None:
    properties = {"group.coordinator.rebalance.protocols": "classic", "group.min.session.timeout.ms": "30000"}
    kafka = own_kafka(properties=properties)
    topic, group = kafka.create_topic("orders", partitions=4), kafka.name("group")
    await produce(kafka, topic, range(100))
    consumption = Completing()
    async with running(section(kafka, group, topic), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == 100 and len(consumption.proofs) > 0)
        assert source.protocol is GroupProtocol.CLASSIC
        assert consumption.trusted_for == terms.KAFKAS_SESSION
        assert source.problems == ()
    assert consumption.failure is None
    assert consumption.lost_trackers == []
    assert sum(offset for offset, _ in kafka.committed(group).values()) == 100


async def test_where_online_migration_is_off_a_replica_joins_the_classic_members_and_never_splits_the_group(
    own_kafka: KafkaFactory,
) -> None:
    session = {"group.consumer.session.timeout.ms": "6000", "group.consumer.heartbeat.interval.ms": "1000"}
    kafka = own_kafka(properties={"group.consumer.migration.policy": "disabled", **session})
    topic, group = kafka.create_topic("orders", partitions=4), kafka.name("group")
    old, new, newest = Completing(), Completing(), Completing()
    async with running(section(kafka, group, topic), new) as source:
        await new.until(lambda: len(new.trackers) == 4)
        assert source.protocol is GroupProtocol.CONSUMER
        await new.until(lambda: new.trusted_for == 4.0)  # the brokers were asked: 6 s, less two heartbeats
    async with running(section(kafka, group, topic, "classic"), old):
        await old.until(lambda: len(old.trackers) == 4)
        async with running(section(kafka, group, topic), newest) as source:
            await asyncio.gather(
                old.until(lambda: len(old.trackers) == 2), newest.until(lambda: len(newest.trackers) == 2)
            )
            assert source.protocol is GroupProtocol.CLASSIC
            assert newest.trusted_for == terms.SESSION
            await produce(kafka, topic, range(100))
            await until(
                "both read what was produced",
                lambda: len(old.records) + len(newest.records) >= 100,
                explain=lambda: f"{old.told()}\n{newest.told()}",
            )
    assert {len(old.records) + len(newest.records), len(new.records)} == {100, 0}


async def test_a_rolling_update_to_the_consumer_protocol_and_back_loses_and_repeats_nothing(
    kafka: Kafka, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    topic, group = kafka.create_topic("orders", partitions=6), kafka.name("group")
    replicas = [Completing() for _ in range(6)]
    classic, auto = section(kafka, group, topic, "classic"), section(kafka, group, topic)
    produced = 0

    async def both_work(*two: Completing) -> None:
        nonlocal produced
        for each in two:
            await each.until(lambda owner=each: len(owner.trackers) == 3)  # type: ignore[misc]
        await produce(kafka, topic, range(produced, produced + 500))
        produced += 500

    async with running(classic, replicas[0]):
        async with running(classic, replicas[1]):
            await both_work(replicas[0], replicas[1])
            # Under which protocol it is let in, the brokers say: they refuse the newer one while the classic members
            # carry data of their assignor ("userData … would be lost"), which depends on how often these rejoined.
            async with running(auto, replicas[2]) as source:
                await replicas[2].until(lambda: len(replicas[2].trackers) == 2)
                refused = "do not let this group use the consumer protocol" in caplog.text
                assert source.protocol is (GroupProtocol.CLASSIC if refused else GroupProtocol.CONSUMER)
                await produce(kafka, topic, range(produced, produced + 500))
                produced += 500
            await both_work(replicas[0], replicas[1])
        async with running(auto, replicas[3]):
            await both_work(replicas[0], replicas[3])
        await replicas[0].until(lambda: len(replicas[0].trackers) == 6)
    async with running(auto, replicas[4]) as first, running(classic, replicas[5]):
        await both_work(replicas[4], replicas[5])
        assert first.protocol is GroupProtocol.CONSUMER
        await until(
            "all that was produced is read",
            lambda: sum(len(each.records) for each in replicas) >= produced,
            explain=lambda: "\n".join(each.told() for each in replicas),
        )
    seen = sorted(int(record.value or b"") for each in replicas for record in each.records)
    assert seen == list(range(produced))
    assert [each.failure for each in replicas] == [None] * 6
