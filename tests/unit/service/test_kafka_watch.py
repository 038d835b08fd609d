"""What is said of a Kafka that does not answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from bridge.kafka.admin.inspection import Inspection
from bridge.kafka.admin.obstacles import NotConnectedError, Obstacle
from bridge.model import TopicPartition
from bridge.service.watches.kafka_watch import KafkaWatch, Surroundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.ops.log.events import Events

BOTH = [TopicPartition("orders", 0), TopicPartition("orders", 1)]


class Silent:
    """A cluster of which no broker answers, and whoever is told of it."""

    def reach(self) -> None:
        raise NotConnectedError(Obstacle.CONNECTION, "broker 1 is down")

    def kafka_lost(self, **_told: Any) -> None: ...


async def last_partitions(*assigned: Sequence[TopicPartition]) -> tuple[TopicPartition, ...]:
    """Those that the process is said to have had, where it has these one after the other while it asks."""
    given = iter(assigned)
    silent: Any = Silent()
    around = Surroundings(lambda: next(given), joined=lambda: True, complaints=lambda: 0)
    watch = KafkaWatch(cast("Inspection", silent), cast("Events", silent), around)
    for _ in assigned:
        with pytest.raises(NotConnectedError):
            await watch.first_answer(0.0)
    assert watch.lost is not None
    return tuple(watch.lost.partitions)


async def test_partitions_that_came_while_a_question_was_under_way_are_those_it_had_when_kafka_went_silent() -> None:
    assert await last_partitions([], BOTH) == tuple(BOTH)


async def test_partitions_that_are_lost_in_the_silence_are_those_it_had_before() -> None:
    assert await last_partitions(BOTH, []) == tuple(BOTH)
