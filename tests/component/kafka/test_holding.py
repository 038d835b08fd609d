"""What an operator's hold, its end, and a new committed offset do to partitions that are read, on an embedded Kafka."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from bridge.formats import commit_mark, operator_hold
from bridge.formats.operator_hold import OperatorHold
from bridge.holds import Reason
from bridge.kafka.consumer.assignment.holding import Move, OperatorOutcome
from bridge.model import TopicPartition
from tests.support.kafka.completing import Completing, running, settings
from tests.support.waiting import patience, until

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bridge.kafka.consumer.source import Source
    from tests.component.kafka.conftest import Embedded

HOLD = OperatorHold("sends the wrong name", "alice", 1_700_000_000)


async def done(order: object) -> Mapping[TopicPartition, OperatorOutcome]:
    """What became of an order, told on the poll thread."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Mapping[TopicPartition, OperatorOutcome]] = loop.create_future()
    order(lambda outcomes: loop.call_soon_threadsafe(answer.set_result, outcomes))  # type: ignore[operator]
    async with patience("it is told what became of the order"):
        return await answer


async def hold(source: Source, *partitions: TopicPartition) -> Mapping[TopicPartition, OperatorOutcome]:
    return await done(lambda told: source.hold(partitions, HOLD, told))


async def release(
    source: Source, *partitions: TopicPartition, start_over: bool = False
) -> Mapping[TopicPartition, OperatorOutcome]:
    return await done(lambda told: source.release(partitions, partitions[0].topic, told, start_over=start_over))


def numbers(consumption: Completing, topic: str) -> list[int]:
    return [int(record.value or b"") for record in consumption.records if record.topic == topic]


def carried(embedded: Embedded, group: str, topic: str) -> dict[int, OperatorHold | None]:
    return {p: operator_hold.of_metadata(text) for p, (_, text) in embedded.committed(group, topic).items()}


async def test_a_held_topic_stands_still_while_another_flows_and_goes_on_where_it_was(embedded: Embedded) -> None:
    topic, other, group = embedded.topic(1), embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 5, partitions=1)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic, other]), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == 5)
        outcomes = await hold(source, TopicPartition(topic, 0))
        assert outcomes == {TopicPartition(topic, 0): OperatorOutcome.DONE}
        assert carried(embedded, group, topic) == {0: HOLD}
        embedded.produce(topic, 5, partitions=1, first=5)
        embedded.produce(other, 5, partitions=1)
        await consumption.until(lambda: len(consumption.records) == 10)
        assert numbers(consumption, topic) == [0, 1, 2, 3, 4]
        assert consumption.held[TopicPartition(topic, 0)][0] is Reason.HELD_BY_OPERATOR
        assert await release(source, TopicPartition(topic, 0)) == outcomes
        await consumption.until(lambda: len(consumption.records) == 15)
        assert numbers(consumption, topic) == list(range(10))
        assert consumption.held == {}
        await until(
            "no hold is committed any more",
            lambda: carried(embedded, group, topic) == {0: None},
            explain=lambda: f"{carried(embedded, group, topic)}\n{consumption.told()}",
        )


@pytest.mark.slow(reason="a group that was left opens after a session", seconds=6)
async def test_a_hold_outlives_the_process_and_what_was_done_is_not_read_again(embedded: Embedded) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 5, partitions=1)
    first, second = Completing(keep=lambda record: record.offset == 2), Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), first) as source:
        await first.until(lambda: len(first.records) == 5)
        await hold(source, TopicPartition(topic, 0))
    async with running(settings(embedded.bootstrap, group, [topic]), second) as source:
        await second.until(lambda: TopicPartition(topic, 0) in second.held)
        reason, detail = second.held[TopicPartition(topic, 0)]
        assert reason is Reason.HELD_BY_OPERATOR
        assert "Held by alice at 2023-11-14T22:13:20Z: sends the wrong name" in detail
        assert second.records == []
        await release(source, TopicPartition(topic, 0))
        await second.until(lambda: len(second.records) + len(second.already_done) == 3)
        assert numbers(second, topic) == [2]


@pytest.mark.slow(reason="two replicas share a group out, which takes the embedded broker a session", seconds=16)
async def test_a_hold_moves_with_its_partition_to_another_replica(embedded: Embedded) -> None:
    topic, group = embedded.topic(2), embedded.name("group")
    embedded.produce(topic, 20, partitions=2)
    first, second = Completing(), Completing()
    partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    async with running(settings(embedded.bootstrap, group, [topic]), first) as source:
        await first.until(lambda: len(first.records) == 20)
        await hold(source, *partitions)
        async with running(settings(embedded.bootstrap, group, [topic]), second):
            await second.until(lambda: bool(second.held))
            embedded.produce(topic, 20, partitions=2, first=20)
            assert {reason for reason, _ in second.held.values()} == {Reason.HELD_BY_OPERATOR}
            assert second.records == []
    assert len(first.records) == 20


async def test_a_committed_offset_that_is_set_while_it_runs_is_where_reading_goes_on(embedded: Embedded) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 10, partitions=1)
    partition = TopicPartition(topic, 0)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == 10)
        await hold(source, partition)
        offset, text = embedded.committed(group, topic)[0]
        move = Move(offset, commit_mark.unmarked(text), 4, "")
        assert await done(lambda told: source.move({partition: move}, told)) == {partition: OperatorOutcome.DONE}
        assert embedded.committed(group, topic)[0][0] == 4
        assert carried(embedded, group, topic) == {0: HOLD}, "it stays held until it is released"
        stale = await done(lambda told: source.move({partition: move}, told))
        assert stale == {partition: OperatorOutcome.MOVED_MEANWHILE}
        await release(source, partition)
        await consumption.until(lambda: len(consumption.records) == 16)
        # The client commits by itself again what is above the offset that was set.
        await until(
            "offset 10 is committed again",
            lambda: embedded.committed(group, topic)[0][0] == 10,
            explain=lambda: f"{embedded.committed(group, topic)}\n{consumption.told()}",
        )
    assert numbers(consumption, topic) == [*range(10), *range(4, 10)]
    assert embedded.committed(group, topic)[0][0] == 10


async def test_a_partition_outside_its_log_is_read_again_once_its_offset_is_set(embedded: Embedded) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    embedded.produce(topic, 10, partitions=1)
    embedded.commit(group, topic, {0: 99})
    partition = TopicPartition(topic, 0)
    consumption = Completing()
    async with running(settings(embedded.bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: partition in consumption.held)
        outcome = await done(lambda told: source.move({partition: Move(99, "", 8, "")}, told))
        assert outcome == {partition: OperatorOutcome.DONE}
        await consumption.until(lambda: len(consumption.records) == 2)
        assert consumption.held == {}


@pytest.mark.parametrize("partitions", [[5], []])
async def test_what_is_another_replicas_is_told_and_left_alone(embedded: Embedded, partitions: Sequence[int]) -> None:
    topic, group = embedded.topic(1), embedded.name("group")
    asked = [TopicPartition(topic, number) for number in partitions]
    async with running(settings(embedded.bootstrap, group, [topic]), Completing()) as source:
        assert await hold(source, *asked) == dict.fromkeys(asked, OperatorOutcome.GONE)
