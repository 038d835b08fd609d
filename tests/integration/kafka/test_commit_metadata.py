"""Brokers that take less commit metadata than Kafka does by default."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from bridge.kafka import commit_mark
from bridge.pipeline import offset_map
from tests.kafka.completing import PATIENCE, Completing, running, settings

if TYPE_CHECKING:
    from tests.integration.conftest import KafkaFactory


@pytest.mark.parametrize(("limit", "has_map"), [("200", True), ("20", False), ("0", False)])
async def test_brokers_that_take_little_metadata_get_a_shorter_map_then_none_and_all_is_committed(
    own_kafka: KafkaFactory, caplog: pytest.LogCaptureFixture, limit: str, *, has_map: bool
) -> None:
    caplog.set_level(logging.WARNING, "tests.kafka")
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
        async with asyncio.timeout(PATIENCE):
            while committed()[0] < 0 or source.counts.committed_at is None or not first.proofs:
                first.store()
                await asyncio.sleep(0.05)
        proofs = len(first.proofs)
        source.prove_membership()
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
