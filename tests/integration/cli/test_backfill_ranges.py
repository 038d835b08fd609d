"""History beside a real Kafka's own ways: transactions, compaction, retention, and the bridge that begins behind it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Consumer, TopicPartition

from bridge.kafka.admin.history_reader import HistoryReader, OffsetGoneError
from bridge.model import TopicPartition as ModelPartition
from tests.integration.cli.conftest import Ran
from tests.integration.conftest import KafkaFactory
from tests.support.kafka.completing import Completing, running, settings
from tests.support.kafka.transactions import Transactions, delete_before

if TYPE_CHECKING:
    from tests.support.kafka.client import Kafka

Cli = Callable[..., Ran]
Config = Callable[..., str]
COMPACTED_WITHIN = 120.0


def events(numbers: Iterable[int]) -> list[str]:
    return [
        json.dumps(
            {
                "type": "order.completed",
                "id": f"e{each}",
                "time": "2026-10-01T08:00:00Z",
                "data": {"user_id": f"u{each}"},
            }
        )
        for each in numbers
    ]


def ids(folder: Path) -> list[str]:
    """Of the events that were written, in their order."""
    lines = [line for each in sorted(folder.glob("events-*.ndjson")) for line in each.read_bytes().splitlines()]
    return [json.loads(line)["metadata"]["event_id"] for line in lines]


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


async def test_after_a_cut_history_and_the_bridge_have_each_committed_record_once(
    kafka: Kafka, cli: Cli, config: Config, tmp_path: Path
) -> None:
    """With a transaction that is open at the cut: history ends before it, and the bridge begins with it."""
    topic, group = kafka.create_topic("orders", partitions=2), kafka.name("group")
    writers = [await asyncio.to_thread(Transactions, kafka, topic, partition) for partition in range(2)]
    await asyncio.to_thread(writers[0].commit, events(range(20)))
    await asyncio.to_thread(writers[0].abort, events(range(900, 910)))
    await asyncio.to_thread(writers[0].commit, events(range(20, 30)))
    await asyncio.to_thread(writers[1].commit, events(range(100, 110)))
    await asyncio.to_thread(writers[1].begin, events(range(110, 115)))
    path = config(bootstrap=kafka.bootstrap, topic=topic, letters="l", group=group, start_from="latest")
    folder = tmp_path / "run"

    planned = cli("backfill", "plan", str(folder), "--cut", "-c", path)
    written = cli("backfill", "write", str(folder), "-c", path)
    await asyncio.to_thread(writers[1].end)
    live = Completing()
    async with running(settings(kafka.bootstrap, group, [topic]), live):
        await asyncio.to_thread(writers[0].commit, events(range(30, 33)))
        await live.until(lambda: len(live.records) >= 8)

    assert (planned.code, written.code) == (0, 0), planned.err + written.err
    assert "a transaction is open at offset 11" in planned.out
    delivered = [json.loads(each.value or b"")["id"] for each in live.records]
    assert ids(folder) == [f"e{each}" for each in (*range(30), *range(100, 110))]
    assert sorted(delivered) == sorted(f"e{each}" for each in (*range(30, 33), *range(110, 115)))
    assert "hold no record" in written.out


async def test_what_compaction_removed_is_not_there_and_is_said(
    own_kafka: KafkaFactory, cli: Cli, config: Config, tmp_path: Path
) -> None:
    kafka = own_kafka(properties={"log.cleaner.backoff.ms": "100"})
    topic, group = kafka.name("orders"), kafka.name("group")
    kafka.create_topic_named(
        topic, 1, cleanup_policy="compact", segment_ms=200, min_cleanable_dirty_ratio="0.001", max_compaction_lag_ms=200
    )
    for round_ in range(4):
        kafka.produce(topic, [("same", each) for each in events(range(round_ * 10, round_ * 10 + 10))])
        await asyncio.sleep(0.3)  # so that the next record begins another segment, which alone is compacted
    deadline = time.monotonic() + COMPACTED_WITHIN
    while len(await asyncio.to_thread(readable, kafka, topic)) > 15:
        assert time.monotonic() < deadline, "it was not compacted"
        await asyncio.sleep(0.5)
    path = config(bootstrap=kafka.bootstrap, topic=topic, letters="l", group=group)

    planned = cli("backfill", "plan", str(tmp_path / "run"), "--cut", "-c", path)
    written = cli("backfill", "write", str(tmp_path / "run"), "-c", path)

    assert (planned.code, written.code) == (0, 0), planned.err + written.err
    assert f"{topic} is compacted" in planned.out
    left = len(ids(tmp_path / "run"))
    assert 0 < left <= 15
    assert f"{left} records of 40 offsets written" in written.out
    assert f"{40 - left} offsets hold no record" in written.out


def readable(kafka: Kafka, topic: str) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": kafka.name("look"), "log_level": 0})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = consumer.consume(100, 3)
    consumer.close()
    return [each for each in found if each.error() is None]


async def test_what_left_the_log_since_the_plan_has_to_be_accepted(
    kafka: Kafka, cli: Cli, config: Config, tmp_path: Path
) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    kafka.produce(topic, [("u", each) for each in events(range(10))])
    path = config(bootstrap=kafka.bootstrap, topic=topic, letters="l", group=group)
    folder = tmp_path / "run"
    assert cli("backfill", "plan", str(folder), "--cut", "-c", path).code == 0
    await asyncio.to_thread(delete_before, kafka, topic, 4)

    refused = cli("backfill", "write", str(folder), "-c", path)
    accepted = cli("backfill", "write", str(folder), "--accept-gone", "4", "-c", path)

    assert refused.code == 2
    assert f"{topic}/0: the log begins at 4 by now, so 4 planned offsets from 0 on are gone" in refused.err
    assert "--accept-gone 4" in refused.err
    assert accepted.code == 0, accepted.err
    assert ids(folder) == [f"e{each}" for each in range(4, 10)]
    assert manifest(folder)["ranges"][0]["gone"] == 4


async def test_an_offset_that_leaves_the_log_while_it_is_read_is_told(kafka: Kafka) -> None:
    topic = kafka.create_topic("orders", partitions=1)
    kafka.produce(topic, [("u", each) for each in events(range(10))])
    await asyncio.to_thread(delete_before, kafka, topic, 4)

    with HistoryReader(settings(kafka.bootstrap, "any", [topic]), logging.getLogger("quiet")) as reader:
        with pytest.raises(OffsetGoneError):
            next(reader.read(ModelPartition(topic, 0), 0, 10))
        assert [each.offset for each in next(reader.read(ModelPartition(topic, 0), 4, 10))] == list(range(4, 10))  # type: ignore[union-attr]


async def test_a_topic_that_was_created_again_is_another_one(
    kafka: Kafka, cli: Cli, config: Config, tmp_path: Path
) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    kafka.produce(topic, [("u", each) for each in events(range(3))])
    path = config(bootstrap=kafka.bootstrap, topic=topic, letters="l", group=group)
    assert cli("backfill", "plan", str(tmp_path / "run"), "--cut", "-c", path).code == 0
    kafka.admin.delete_topics([topic])[topic].result(timeout=30)
    kafka.create_topic_named(topic, 1)
    kafka.produce(topic, [("u", each) for each in events(range(3))])

    ran = cli("backfill", "write", str(tmp_path / "run"), "-c", path)

    assert ran.code == 2
    assert f"The topic {topic} was deleted and created again since the plan was made" in ran.err


async def test_ranges_by_time_are_those_of_the_records_timestamps(
    kafka: Kafka, cli: Cli, config: Config, tmp_path: Path
) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    writer = await asyncio.to_thread(Transactions, kafka, topic)
    await asyncio.to_thread(writer.begin, events(range(3)), seconds_ago=7200.0)
    await asyncio.to_thread(writer.end)
    await asyncio.to_thread(writer.commit, events(range(3, 6)))
    path = config(bootstrap=kafka.bootstrap, topic=topic, letters="l", group=group)
    hour_ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))

    planned = cli("backfill", "plan", str(tmp_path / "old"), "--to", hour_ago, "--cut", "-c", path)
    written = cli("backfill", "write", str(tmp_path / "old"), "-c", path)

    assert (planned.code, written.code) == (0, 0), planned.err + written.err
    assert ids(tmp_path / "old") == ["e0", "e1", "e2"]
    assert "the bridge will begin at 3" in planned.out
