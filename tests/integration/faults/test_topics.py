"""Topics that change under the bridge: more partitions, deleted, made anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from confluent_kafka.admin import NewPartitions

from tests.support.kafka.client import ANSWER_WITHIN
from tests.support.service.ground import CLASSIC, Ground, protocols
from tests.support.waiting import until

if TYPE_CHECKING:
    from tests.support.service.replica import Replica

LOOK_OFTEN = {"topic.metadata.refresh.interval.ms": "500"}
"""After five minutes otherwise."""


async def add_partitions(ground: Ground, total: int) -> None:
    def now() -> None:
        ground.kafka.admin.create_partitions([NewPartitions(ground.topic, total)])[ground.topic].result(ANSWER_WITHIN)

    await asyncio.to_thread(now)
    await until("they are there", lambda: len(ground.ends()) == total)
    ground.outcome.faults["partition added"] += 1


async def recreate(ground: Ground, partitions: int) -> None:
    """Delete the topic and create it again, as soon as the brokers let that happen."""

    def now() -> None:
        ground.kafka.admin.delete_topics([ground.topic])[ground.topic].result(ANSWER_WITHIN)
        ground.kafka.create_topic_named(ground.topic, partitions)

    await asyncio.to_thread(now)
    ground.forget(topic=ground.topic)
    ground.outcome.faults["topic recreated"] += 1


def held(status: dict[str, Any]) -> dict[int, str]:
    """The sentences of partitions that wait for their owner."""
    return {row["partition"]: row["detail"] for row in status["partitions"] if row["why"] == "out_of_range"}


async def held_on(replica: Replica, *partitions: int) -> dict[int, str]:
    await replica.until("it is held", lambda status: set(held(status)) == set(partitions), within=60)
    return held(await replica.status())


@protocols("consumer")
async def test_partitions_added_while_running_are_read_from_their_first_record_also_after_a_restart(
    ground: Ground, protocol: dict[str, str]
) -> None:
    ground.create_topic(1)
    # `latest` would skip what was written before the partition is noticed, were it not for the rule on added ones.
    replica = await ground.started(kafka={"start_from": "latest", "properties": {**protocol, **LOOK_OFTEN}})
    await replica.until("it has its position", lambda _: 0 in ground.committed())
    await ground.produce(50)
    await add_partitions(ground, 3)
    await ground.produce(50, partition=1)  # partition 2 stays idle
    await ground.everything()
    assert await replica.terminate() == 0

    await ground.produce(50, partition=2)
    await add_partitions(ground, 4)
    await ground.produce(50, partition=3)
    await replica.start()
    await ground.everything()
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.duplicates == 0


@protocols("classic")
async def test_a_topic_recreated_while_running_is_read_from_its_start_or_held_and_never_from_the_middle(
    ground: Ground, protocol: dict[str, str]
) -> None:
    ground.create_topic(1)
    await ground.produce(100)
    replica = await ground.started(kafka={"properties": protocol})
    await ground.everything()
    await ground.is_committed()

    await recreate(ground, 1)
    ground.api.reset()
    await ground.produce(300)

    def is_decided(status: dict[str, Any]) -> bool:
        return bool(held(status)) or not ground.missing()

    await replica.until("it starts anew or says why not", is_decided, within=60)
    is_held = bool(held(await replica.status()))
    assert await replica.terminate() == 0
    if is_held:
        await ground.alter({0: (0, None)})
        await replica.start()
    await ground.everything()
    await ground.is_committed()
    if not is_held:
        return
    assert await replica.terminate() == 0


async def test_a_position_of_the_topic_that_was_deleted_is_not_believed_in_its_successor(ground: Ground) -> None:
    ground.create_topic(1)
    await ground.produce(100)
    replica = await ground.started(kafka={"properties": CLASSIC})
    await ground.everything()
    assert await replica.terminate() == 0
    before = ground.committed()
    assert before[0][0] == 100

    await recreate(ground, 1)
    ground.api.reset()
    await ground.produce(300)
    await ground.alter({0: before[0]})  # as a backup of the group's positions would
    await replica.start()
    sentence = (await held_on(replica, 0))[0]
    assert "earlier topic of this name" in sentence
    assert "--reset-offsets" in sentence
    assert (await replica.status())["possible_loss"]["out_of_range"] == 1
    await ground.show_everything()
    assert await replica.terminate() == 0
    assert ground.delivered == 0
    assert ground.committed()[0] == before[0]

    await ground.alter({0: (0, None)})
    await replica.start()
    await ground.everything()
    assert await replica.terminate() == 0
    assert ground.outcome.duplicates == 0


async def test_a_position_that_mirrormaker_translated_is_believed_and_its_map_is_not(ground: Ground) -> None:
    ground.create_topic(1)
    await ground.produce(100)
    replica = await ground.started(kafka={"properties": CLASSIC})
    await ground.everything()
    assert await replica.terminate() == 0
    _, text = ground.committed()[0]
    ground.api.reset()
    await ground.alter({0: (60, text)})
    await replica.start()
    await until("the rest is delivered", lambda: ground.delivered == 40)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.delivered == 40
