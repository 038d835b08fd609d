from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, TopicCollection
from confluent_kafka import TopicPartition as ClientPartition

from bridge.holds import Reason
from bridge.kafka.consumer.source import Source
from bridge.model import TopicPartition
from tests.support.kafka.completing import PATIENCE, Completing, running, settings
from tests.support.waiting import patience, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.kafka.client import Kafka, OwnKafka

ROOT = Path(__file__).parents[3]
PROTOCOLS = [{"group.protocol": "classic"}, {"group.protocol": "consumer"}]
BOTH_PROTOCOLS = pytest.mark.parametrize("protocol", PROTOCOLS, ids=["classic", "consumer"])


def values(*consumptions: Completing) -> Counter[int]:
    return Counter(int(record.value or b"-1") for each in consumptions for record in each.records)


async def produce(kafka: Kafka, topic: str, numbers: range, partition: int = -1) -> None:
    records = [(f"user-{number % 50}", str(number)) for number in numbers]
    await asyncio.to_thread(kafka.produce, topic, records, partition=partition)


async def commit(kafka: Kafka, group: str, topic: str, offset: int, metadata: str) -> None:
    """As a tool does that moves positions of an empty group."""

    def now() -> None:
        consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group, "log_level": 0})
        # The epoch of a topic nobody's leader ever moved for: the least reason to doubt the text.
        moved = ClientPartition(topic, 0, offset, metadata, leader_epoch=0)
        consumer.commit(offsets=[moved], asynchronous=False)
        consumer.close()

    await asyncio.to_thread(now)


@BOTH_PROTOCOLS
async def test_two_replicas_that_come_and_go_under_load_lose_and_repeat_nothing(
    kafka: Kafka, protocol: dict[str, str]
) -> None:
    topic, group = kafka.create_topic("orders", partitions=6), kafka.name("group")
    section = settings(kafka.bootstrap, group, [topic], properties=protocol)
    first, second, third = Completing(), Completing(), Completing()
    async with running(section, first):
        await first.until(lambda: len(first.trackers) == 6)
        load = asyncio.create_task(produce(kafka, topic, range(3000)))
        async with running(section, second):
            await second.until(lambda: len(second.trackers) == 3 and len(first.trackers) == 3)
            await produce(kafka, topic, range(3000, 6000))
            await second.until(lambda: len(second.records) > 0)
        await first.until(lambda: len(first.trackers) == 6)
        async with running(section, third):
            await produce(kafka, topic, range(6000, 7000))
            await load
            await first.until(lambda: sum(values(first, second, third).values()) >= 7000 or len(third.records) > 0)
            await until(
                "every record is delivered",
                lambda: sum(values(first, second, third).values()) >= 7000,
                explain=lambda: "\n".join(each.told() for each in (first, second, third)),
            )
    assert values(first, second, third) == Counter(range(7000))
    ends = {number: sum(1 for each in kafka.read(topic) if each.partition() == number) for number in range(6)}
    assert {number: kafka.committed(group)[topic, number][0] for number in range(6)} == ends


async def test_after_kill_9_only_what_was_open_is_delivered_again(kafka: Kafka) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    await produce(kafka, topic, range(100))
    command = [
        sys.executable,
        "-m",
        "tests.support.kafka.source_program",
        kafka.bootstrap,
        group,
        topic,
        "100",
        "3",
        "50",
    ]
    killed = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert killed.stdout is not None
    async with patience("it says that it committed"):
        assert await killed.stdout.readline() == b"committed\n"
    killed.kill()
    await killed.wait()
    again = Completing()
    async with running(settings(kafka.bootstrap, group, [topic]), again):
        await again.until(lambda: len(again.records) + len(again.already_done) == 97)
    assert sorted(record.offset for record in again.records) == [3, 50]
    assert kafka.committed(group)[topic, 0][0] == 100


async def test_a_map_of_the_topic_that_was_deleted_is_not_applied_to_its_successor(kafka: Kafka) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    section = settings(kafka.bootstrap, group, [topic])
    await produce(kafka, topic, range(10))
    before, after = Completing(keep=lambda record: record.offset == 0), Completing()
    async with running(section, before):
        await before.until(lambda: len(before.records) == 10)
    offset, metadata = kafka.committed(group)[topic, 0]
    assert metadata
    old_id = kafka.admin.describe_topics(TopicCollection([topic]))[topic].result(PATIENCE).topic_id
    kafka.admin.delete_topics([topic])[topic].result(PATIENCE)
    kafka.create_topic_named(topic, 1)
    assert kafka.admin.describe_topics(TopicCollection([topic]))[topic].result(PATIENCE).topic_id != old_id
    await produce(kafka, topic, range(10))
    await commit(kafka, group, topic, offset, metadata)
    async with running(section, after):
        await after.until(lambda: len(after.records) + len(after.already_done) == 10)
    assert after.already_done == []


async def test_metadata_of_another_tool_is_ignored_and_replaced(kafka: Kafka) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    await produce(kafka, topic, range(10))
    await commit(kafka, group, topic, 4, "checkpoint 7 ü")
    consumption = Completing()
    async with running(settings(kafka.bootstrap, group, [topic], start_from="error"), consumption):
        await consumption.until(lambda: len(consumption.records) == 6)
    offset, metadata = kafka.committed(group)[topic, 0]
    assert offset == 10
    assert (metadata or "").startswith("b1.")


@BOTH_PROTOCOLS
async def test_records_deleted_under_a_reader_hold_the_partition_and_are_never_skipped(
    kafka: Kafka, protocol: dict[str, str]
) -> None:
    topic, group = kafka.create_topic("orders", partitions=2), kafka.name("group")
    await produce(kafka, topic, range(5000), partition=0)
    section = settings(kafka.bootstrap, group, [topic], properties=protocol)
    consumption = Completing(keep=lambda _: True, capacity=20)
    async with running(section, consumption, records=20) as source:
        # What was prefetched is gone then.
        await until("the source is paused", lambda: bool(source.paused), explain=consumption.told)
        kafka.admin.delete_records([ClientPartition(topic, 0, 4000)])
        consumption.release()
        await consumption.until(lambda: bool(consumption.held))
        reason, detail = consumption.held[TopicPartition(topic, 0)]
        assert reason is Reason.OUT_OF_RANGE
        assert f"{topic}/0: offset {len(consumption.records)}" in detail
        await produce(kafka, topic, range(5000, 5010), partition=1)
        await consumption.until(lambda: sum(record.partition == 1 for record in consumption.records) == 10)
    taken = sum(record.partition == 0 for record in consumption.records)
    assert taken < 100
    assert kafka.committed(group)[topic, 0][0] == taken


async def test_a_time_to_start_from_is_looked_up_per_partition(kafka: Kafka) -> None:
    topic, group = kafka.create_topic("orders", partitions=2), kafka.name("group")
    await produce(kafka, topic, range(5), partition=0)
    await asyncio.sleep(0.05)  # times have milliseconds: the next record is certainly younger
    moment = datetime.now(UTC).isoformat()
    await produce(kafka, topic, range(5, 8), partition=0)
    await produce(kafka, topic, range(8, 10), partition=1)
    consumption = Completing()
    async with running(settings(kafka.bootstrap, group, [topic], start_from=moment), consumption):
        await consumption.until(lambda: len(consumption.records) == 5)
    assert values(consumption) == Counter(range(5, 10))


async def test_a_replica_that_comes_a_moment_later_starts_where_the_first_decided(kafka: Kafka) -> None:
    topic, group = kafka.create_topic("orders", partitions=4), kafka.name("group")
    await produce(kafka, topic, range(100))
    section = settings(kafka.bootstrap, group, [topic], start_from="latest")
    first, second = Completing(), Completing()
    async with running(section, first), running(section, second):
        await first.until(lambda: len(first.trackers) == 2)
        await second.until(lambda: len(second.trackers) == 2)
        await produce(kafka, topic, range(100, 120))
        await until(
            "all that came later is delivered",
            lambda: len(first.records) + len(second.records) >= 20,
            explain=lambda: f"{first.told()}\n{second.told()}",
        )
    assert values(first, second) == Counter(range(100, 120))


@BOTH_PROTOCOLS
async def test_two_processes_of_one_instance_id_are_told_apart_with_a_sentence(
    kafka: Kafka, protocol: dict[str, str]
) -> None:
    topic = kafka.create_topic("orders", partitions=2)
    properties = {**protocol, "group.instance.id": "replica-1"}
    section = settings(kafka.bootstrap, kafka.name("group"), [topic], properties=properties)
    first, second = Completing(), Completing()
    async with running(section, first):
        await first.until(lambda: len(first.trackers) == 2)
        async with running(section, second):
            await until(
                "one of the two fails",
                lambda: first.failure is not None or second.failure is not None,
                explain=lambda: f"{first.told()}\n{second.told()}",
            )
    (failure,) = [each.failure for each in (first, second) if each.failure is not None]
    assert "group.instance.id" in str(failure)


async def test_a_broker_that_does_not_answer_the_last_commit_cannot_keep_the_process(
    own_kafka: Callable[[], OwnKafka], caplog: pytest.LogCaptureFixture
) -> None:
    kafka = own_kafka()
    topic, aborted = kafka.create_topic("orders", partitions=1), asyncio.Event()
    await produce(kafka, topic, range(10))
    loop, consumption = asyncio.get_running_loop(), Completing(keep=lambda record: record.offset == 9)

    def abort() -> None:
        loop.call_soon_threadsafe(aborted.set)

    source = Source(
        settings(kafka.bootstrap, kafka.name("group"), [topic]),
        consumption,
        loop=loop,
        logger=logging.getLogger("tests.support.kafka"),
        abort=abort,
        max_records=100,
        max_bytes=1_000_000,
    )
    consumption.source = source
    source.start()
    await consumption.until(lambda: len(consumption.records) == 10)
    kafka.freeze()
    consumption.release()
    closed = source.stop()
    async with patience("the source gives up its last commit", explain=lambda: "\n".join(caplog.messages)):
        await aborted.wait()
    assert not closed.done()
    assert any("the brokers do not answer" in message for message in caplog.messages)
    kafka.thaw()
    async with patience("the source is closed", within=60, explain=lambda: "\n".join(caplog.messages)):
        await asyncio.wrap_future(closed)
