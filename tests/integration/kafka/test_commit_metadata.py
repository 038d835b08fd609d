"""Brokers that take less commit metadata than Kafka does by default."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from bridge.formats import commit_mark, offset_map
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka.consumer.assignment.holding import OperatorOutcome
from bridge.model import TopicPartition
from tests.support.kafka.completing import Completing, running, settings
from tests.support.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.conftest import KafkaFactory


@pytest.mark.parametrize(("limit", "has_map"), [("200", True), ("20", False), ("0", False)])
async def test_brokers_that_take_little_metadata_get_a_shorter_map_then_none_and_all_is_committed(
    own_kafka: KafkaFactory, caplog: pytest.LogCaptureFixture, limit: str, *, has_map: bool
) -> None:
    caplog.set_level(logging.WARNING, "tests.support.kafka")
    kafka = own_kafka(properties={"offset.metadata.max.bytes": limit})
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    records = [("user", str(number)) for number in range(1000)]
    await asyncio.to_thread(kafka.produce, topic, records)
    # Every second record stays open: a map of all the others is longer than these brokers take.
    first = Completing(keep=lambda record: record.offset % 2 == 0)
    section = settings(kafka.bootstrap, group, [topic])

    def committed() -> tuple[int, str]:
        offset, text = kafka.committed(group).get((topic, 0), (-1, ""))
        return offset, commit_mark.unmarked(text)

    async with running(section, first) as source:
        await first.until(lambda: len(first.records) == 1000)
        async with patience("the first commit is there", explain=lambda: f"{committed()}\n{first.told()}"):
            while committed()[0] < 0 or source.counts.committed_at is None or not first.proofs:
                first.store()
                await asyncio.sleep(0.05)
        proofs = len(first.proofs)
        source.send_heartbeat()
        await first.until(lambda: len(first.proofs) > proofs)
        first.store()
    offset, text = committed()
    assert offset == 0
    found = offset_map.decode(text)
    assert (found is not None and len(found.done) > 5) == has_map
    said = [record.message for record in caplog.records if "offset.metadata.max.bytes" in record.message]
    assert len(said) == 1, said

    second = Completing()
    async with running(section, second):
        await second.until(lambda: len(second.records) + len(second.already_done) == 1000)
        assert (len(second.already_done) > 5) == has_map
    assert committed()[0] == 1000


@pytest.mark.parametrize(("limit", "outcome"), [("20", OperatorOutcome.DONE), ("0", OperatorOutcome.NOT_KEPT)])
async def test_a_hold_travels_as_far_as_brokers_take_metadata_and_says_where_it_does_not(
    own_kafka: KafkaFactory, limit: str, outcome: OperatorOutcome
) -> None:
    kafka = own_kafka(properties={"offset.metadata.max.bytes": limit})
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    partition = TopicPartition(topic, 0)
    await asyncio.to_thread(kafka.produce, topic, [("user", str(number)) for number in range(100)])
    first, section = Completing(), settings(kafka.bootstrap, group, [topic])
    loop = asyncio.get_running_loop()
    told: asyncio.Future[object] = loop.create_future()
    async with running(section, first) as source:
        await first.until(lambda: len(first.records) == 100)
        hold = OperatorHold("sends the wrong name", "alice", 1_700_000_000)

        def tell(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
            loop.call_soon_threadsafe(told.set_result, outcomes)

        source.hold([partition], hold, tell)
        async with patience("it is told what became of the hold", explain=first.told):
            assert await told == {partition: outcome}
        assert first.held[partition][0] is Reason.HELD_BY_OPERATOR
    assert kafka.committed(group)[topic, 0][0] == 100

    await asyncio.to_thread(kafka.produce, topic, [("user", str(number)) for number in range(100)])
    second = Completing()
    async with running(section, second):
        await second.until(lambda: bool(second.held) if outcome is OperatorOutcome.DONE else len(second.records) == 100)
        assert bool(second.records) is (outcome is OperatorOutcome.NOT_KEPT)
