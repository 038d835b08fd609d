from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from confluent_kafka import ConsumerGroupState, ConsumerGroupType
from confluent_kafka import TopicPartition as ClientPartition

from bridge.kafka.admin.group_description import description
from bridge.model import TopicPartition

P = TopicPartition("orders", 0)


def answer(state: ConsumerGroupState, kind: ConsumerGroupType, *partitions: int) -> Any:
    assigned = [ClientPartition("orders", number) for number in partitions]
    member = SimpleNamespace(
        client_id="track-bridge",
        host="/10.0.0.7",
        group_instance_id=None,
        assignment=SimpleNamespace(topic_partitions=assigned),
    )
    return SimpleNamespace(state=state, type=kind, partition_assignor="range", members=[member])


def test_a_stable_group_says_who_has_what() -> None:
    found = description(answer(ConsumerGroupState.STABLE, ConsumerGroupType.CLASSIC, 0, 1))
    assert (found.state, found.assignor, found.protocol) == ("stable", "range", "classic")
    assert found.owners is not None
    assert str(found.owners[P]) == "track-bridge at 10.0.0.7"


def test_a_classic_group_between_two_assignments_does_not_say_that_nobody_has_anything() -> None:
    for state in (ConsumerGroupState.PREPARING_REBALANCING, ConsumerGroupState.COMPLETING_REBALANCING):
        assert description(answer(state, ConsumerGroupType.CLASSIC)).owners is None


def test_a_group_of_the_consumer_protocol_always_says_who_has_what() -> None:
    found = description(answer(ConsumerGroupState.UNKNOWN, ConsumerGroupType.CONSUMER, 0))
    assert found.owners is not None
    assert found.owners.keys() == {P}
