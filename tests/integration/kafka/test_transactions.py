"""Transactional producers: markers, aborted records and open transactions at the end of a partition."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bridge.formats import commit_mark, offset_map
from bridge.holds import Reason
from bridge.kafka.consumer import end_offsets
from bridge.kafka.consumer.source import Source
from bridge.model import TopicPartition
from tests.integration.kafka.test_source import BOTH_PROTOCOLS, values
from tests.support import waiting
from tests.support.kafka.completing import Completing, running, settings
from tests.support.kafka.transactions import Transactions, delete_before
from tests.support.waiting import line_of

if TYPE_CHECKING:
    from tests.support.kafka.client import Kafka


def numbers(*wanted: int) -> list[str]:
    return [str(number) for number in wanted]


async def until(what: Callable[[], bool]) -> None:
    """Of what is asked beside the loop."""
    await waiting.until(line_of(what), lambda: asyncio.to_thread(what))


def lag(source: Source, consumption: Completing, partition: TopicPartition) -> int | None:
    """As it is measured: the end less the position."""
    end, tracker = source.ends.get(partition), consumption.trackers.get(partition)
    return None if end is None or tracker is None else end - tracker.lowest_open


@BOTH_PROTOCOLS
async def test_the_committed_offset_follows_past_markers_and_aborted_records_so_that_retention_loses_nothing(
    kafka: Kafka, protocol: dict[str, str]
) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    partition = TopicPartition(topic, 0)
    section = settings(kafka.bootstrap, group, [topic], properties=protocol)
    writer = await asyncio.to_thread(Transactions, kafka, topic)
    await asyncio.to_thread(writer.commit, numbers(0, 1, 2))
    first, second, third = Completing(), Completing(), Completing()
    async with running(section, first) as source:
        await until(lambda: kafka.committed(group).get(partition, (-1, ""))[0] == 4)
        await until(lambda: lag(source, first, partition) == 0)
        await asyncio.to_thread(writer.abort, numbers(*range(100, 130)))
        await until(lambda: kafka.committed(group)[partition][0] == 35)
        await until(lambda: lag(source, first, partition) == 0)
        offset, text = kafka.committed(group)[partition]
        found = offset_map.decode(commit_mark.unmarked(text))
        assert found is not None
        assert (found.base, found.done) == (offset, ())
        await asyncio.to_thread(delete_before, kafka, topic, 35)

        async with running(section, second):  # it joins, and may be the one that gets the partition
            await first.until(lambda: len(first.trackers) + len(second.trackers) == 1)
            await asyncio.to_thread(writer.commit, numbers(3, 4))
            await until(lambda: sum(values(first, second).values()) == 5)
            await until(lambda: kafka.committed(group)[partition][0] == 38)
    await asyncio.to_thread(delete_before, kafka, topic, 38)
    async with running(section, third):
        await asyncio.to_thread(writer.commit, numbers(5))
        await until(lambda: len(third.records) == 1)
    assert first.held == second.held == third.held == {}
    assert values(first, second, third) == dict.fromkeys(range(6), 1)


@BOTH_PROTOCOLS
async def test_a_stop_right_behind_the_last_record_of_a_transaction_commits_past_its_marker(
    kafka: Kafka, protocol: dict[str, str]
) -> None:
    """Before the client says that the end was reached, half a second later."""
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    section = settings(kafka.bootstrap, group, [topic], properties=protocol)
    writer = await asyncio.to_thread(Transactions, kafka, topic)
    consumption = Completing()
    async with running(section, consumption) as source:
        await consumption.until(lambda: bool(consumption.trackers))
        await until(lambda: bool(source.ends))
        await asyncio.to_thread(writer.commit, numbers(0, 1, 2))
        await consumption.until(lambda: len(consumption.records) == 3)
    assert kafka.committed(group)[topic, 0][0] == 4


@BOTH_PROTOCOLS
async def test_what_an_open_transaction_withholds_is_no_lag_and_is_read_when_it_ends(
    kafka: Kafka, protocol: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(end_offsets, "HANGING_AFTER", 1.0)
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    partition = TopicPartition(topic, 0)
    section = settings(kafka.bootstrap, group, [topic], properties=protocol)
    writer = await asyncio.to_thread(Transactions, kafka, topic)
    await asyncio.to_thread(kafka.produce, topic, [("user", "0")], partition=0)
    await asyncio.to_thread(writer.begin, numbers(1, 2))
    await asyncio.to_thread(kafka.produce, topic, [("user", str(number)) for number in range(3, 100)], partition=0)
    consumption, late = Completing(), Completing()
    async with running(section, consumption) as source:
        await until(lambda: kafka.committed(group).get(partition, (-1, ""))[0] == 1)
        await until(lambda: lag(source, consumption, partition) == 0)
        assert source.ends[partition] == 1
        await consumption.until(lambda: partition in consumption.held)
        reason, sentence = consumption.held[partition]
        assert reason is Reason.TRANSACTION_HANGING
        assert "the last stable offset is 1 since" in sentence
        assert "while the log continues to 100" in sentence
    async with running(section, late) as source:  # the position goes no further for a restart
        await until(lambda: lag(source, late, partition) == 0)
        assert kafka.committed(group)[partition][0] == 1
        await asyncio.to_thread(writer.end)
        await late.until(lambda: len(late.records) == 99)
        await until(lambda: kafka.committed(group)[partition][0] == 101)
        await late.until(lambda: not late.held)
    assert values(consumption, late) == dict.fromkeys(range(100), 1)


@BOTH_PROTOCOLS
async def test_transactions_aborted_without_a_pause_are_no_lag(kafka: Kafka, protocol: dict[str, str]) -> None:
    topic, group = kafka.create_topic("orders", partitions=1), kafka.name("group")
    partition = TopicPartition(topic, 0)
    section = settings(kafka.bootstrap, group, [topic], properties=protocol)
    writer = await asyncio.to_thread(Transactions, kafka, topic)
    consumption = Completing()
    async with running(section, consumption):
        await consumption.until(lambda: bool(consumption.trackers))
        done = asyncio.Event()

        async def abort() -> None:
            while not done.is_set():
                await asyncio.to_thread(writer.abort, numbers(0, 1, 2, 3))

        aborting = asyncio.create_task(abort())
        await until(lambda: kafka.committed(group).get(partition, (-1, ""))[0] > 20)
        seen = kafka.committed(group)[partition][0]
        await until(lambda: kafka.committed(group)[partition][0] > seen + 20)
        done.set()
        await aborting
    assert consumption.records == []
