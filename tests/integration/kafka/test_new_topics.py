"""Topics that appear, or are created again, while the group lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.config.sections import Kafka
from bridge.formats import commit_mark
from bridge.kafka.consumer.starts.start_policy import StartReason
from tests.integration.kafka.test_source import BOTH_PROTOCOLS, produce, values
from tests.integration.kafka.test_transactions import until
from tests.support.kafka.client import ANSWER_WITHIN
from tests.support.kafka.completing import Completing, running, settings

if TYPE_CHECKING:
    from tests.support.kafka.client import Kafka as Cluster

REFRESH = 2.0


def section(kafka: Cluster, group: str, topics: list[str], protocol: dict[str, str]) -> Kafka:
    made = settings(kafka.bootstrap, group, topics, start_from="latest", properties=protocol)
    return made.model_copy(update={"refresh": REFRESH})


def why(consumption: Completing, topic: str) -> dict[int, str]:
    return {each.partition.partition: each.why for each in consumption.starts if each.partition.topic == topic}


def has_settled(kafka: Cluster, group: str, topic: str) -> Callable[[], bool]:
    return lambda: commit_mark.subscription_of(kafka.committed(group).get((topic, 0), (0, ""))[1]) is not None


async def delete(kafka: Cluster, topic: str) -> None:
    await asyncio.to_thread(lambda: kafka.admin.delete_topics([topic])[topic].result(ANSWER_WITHIN))
    await until(lambda: topic not in kafka.admin.list_topics(timeout=ANSWER_WITHIN).topics)


@BOTH_PROTOCOLS
async def test_a_topic_that_a_pattern_takes_is_noticed_soon_and_read_from_its_beginning(
    kafka: Cluster, protocol: dict[str, str]
) -> None:
    family, group = kafka.name("nt"), kafka.name("group")
    old, new = f"{family}.one", f"{family}.two"
    await asyncio.to_thread(kafka.create_topic_named, old, 1)
    await produce(kafka, old, range(1000, 1010))
    consumption = Completing()
    async with running(section(kafka, group, [rf"^{family}\..*"], protocol), consumption):
        await until(has_settled(kafka, group, old))
        await asyncio.to_thread(kafka.create_topic_named, new, 2)
        await produce(kafka, new, range(10))
        await consumption.until(lambda: len(consumption.records) == 10)
    assert values(consumption) == dict.fromkeys(range(10), 1)
    assert why(consumption, old) == {0: StartReason.START_FROM}
    assert StartReason.NEW_TOPIC in why(consumption, new).values()
    assert StartReason.START_FROM not in why(consumption, new).values()


@BOTH_PROTOCOLS
async def test_a_topic_that_appears_while_nobody_is_there_is_new_all_the_same(
    kafka: Cluster, protocol: dict[str, str]
) -> None:
    family, group = kafka.name("nt"), kafka.name("group")
    old, new = f"{family}.one", f"{family}.two"
    await asyncio.to_thread(kafka.create_topic_named, old, 2)
    topics = [rf"^{family}\..*"]
    first, second, third = Completing(), Completing(), Completing()
    async with running(section(kafka, group, topics, protocol), first):
        await until(has_settled(kafka, group, old))
    async with running(section(kafka, group, topics, protocol), second):
        await second.until(lambda: len(second.trackers) == 2)  # what it commits forgets nothing
    await asyncio.to_thread(kafka.create_topic_named, new, 2)
    await produce(kafka, new, range(10))
    async with running(section(kafka, group, topics, protocol), third):
        await third.until(lambda: len(third.records) == 10)
    assert StartReason.NEW_TOPIC in why(third, new).values()


@BOTH_PROTOCOLS
async def test_a_topic_created_again_while_the_group_lives_is_read_from_its_beginning(
    kafka: Cluster, protocol: dict[str, str]
) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    consumption = Completing()
    async with running(section(kafka, group, [topic], protocol), consumption):
        await until(has_settled(kafka, group, topic))
        await produce(kafka, topic, range(10))
        await consumption.until(lambda: len(consumption.records) == 10)
        await delete(kafka, topic)
        await asyncio.to_thread(kafka.create_topic_named, topic, 1)
        await produce(kafka, topic, range(100, 130))
        await consumption.until(lambda: values(consumption).keys() >= {*range(10), *range(100, 130)})
        await until(lambda: kafka.committed(group).get((topic, 0), (-1, ""))[0] == 30)
    assert StartReason.NEW_TOPIC in [each.why for each in consumption.starts if each.offset == 0]
    found = values(consumption)
    # The client reads at the old offset until the other topic is noticed; that much is sent again.
    assert all(found[number] == 1 for number in [*range(10), *range(100, 110)])
    assert all(found[number] <= 2 for number in range(110, 130))


@BOTH_PROTOCOLS
async def test_a_topic_that_is_only_new_to_the_group_starts_where_start_from_says(
    kafka: Cluster, protocol: dict[str, str]
) -> None:
    """Somebody added it to the configuration; it is full of events that nobody wanted sent."""
    first_topic, added = kafka.create_topic("orders", partitions=1), kafka.create_topic("accounts", partitions=2)
    group = kafka.name("group")
    await produce(kafka, added, range(1000, 1100))
    before, after = Completing(), Completing()
    async with running(section(kafka, group, [first_topic], protocol), before):
        await until(has_settled(kafka, group, first_topic))
    async with running(section(kafka, group, [first_topic, added], protocol), after):
        await after.until(lambda: len(after.trackers) == 3)
        await until(lambda: kafka.committed(group).keys() >= {(added, 0), (added, 1)})
        await produce(kafka, added, range(10))
        await after.until(lambda: len(after.records) == 10)
    assert values(after) == dict.fromkeys(range(10), 1)
    assert set(why(after, added).values()) == {StartReason.START_FROM}
