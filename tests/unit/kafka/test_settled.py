"""When the group is known to have settled, so that a topic without a committed offset is new."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as ClientPartition

from bridge.config.topics.consumed_topics import ConsumedTopics
from bridge.config.topics.topic_patterns import Reading
from bridge.formats import commit_mark
from bridge.kafka.consumer.starts.settled import FIRST_LOOKS, Seen, Settled, subscription_of
from bridge.model import TopicPartition
from tests.support.kafka import contexts

LOGGER = logging.getLogger("tests.settled")
ENTRIES = ["orders", "^shop-.*"]


class Cluster:
    """What the brokers would say."""

    def __init__(self, **topics: int) -> None:
        self.topics = {name.replace("_", "-"): partitions for name, partitions in topics.items()}
        self.hidden: set[str] = set()
        self.committed_offsets: dict[TopicPartition, str] = {}
        self.silent = False
        self.asked = 0

    def commit(self, topic: str, *partitions: int, text: str = "") -> None:
        self.committed_offsets |= {TopicPartition(topic, number): text for number in partitions}

    def list_topics(self, *, timeout: float) -> Any:
        self.asked += 1
        self._answers(timeout)
        seen = self.topics.keys() - self.hidden
        return SimpleNamespace(
            topics={name: SimpleNamespace(partitions=dict.fromkeys(range(self.topics[name]))) for name in seen}
        )

    def describe_topics(self, topics: TopicCollection, *, request_timeout: float) -> dict[str, Future[Any]]:
        self._answers(request_timeout)
        described: dict[str, Future[Any]] = {}
        for name in topics.topic_names:
            code = KafkaError.TOPIC_AUTHORIZATION_FAILED if name in self.hidden else KafkaError.UNKNOWN_TOPIC_OR_PART
            described[name] = Future()
            described[name].set_exception(KafkaException(KafkaError(code)))
        return described

    def committed(self, partitions: list[ClientPartition], *, timeout: float) -> list[Any]:
        self._answers(timeout)
        found = [(TopicPartition(each.topic, each.partition), each) for each in partitions]
        return [
            SimpleNamespace(
                topic=each.topic,
                partition=each.partition,
                offset=5 if p in self.committed_offsets else -1001,
                metadata=self.committed_offsets.get(p),
                error=None,
            )
            for p, each in found
        ]

    def _answers(self, timeout: float) -> None:
        assert timeout > 0
        if self.silent:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))


def settled(cluster: Cluster, entries: list[str] = ENTRIES) -> Settled:
    topics = ConsumedTopics(entries, Reading.SEARCHED)
    return Settled(contexts.context(cluster, clock=lambda: 100.0 + cluster.asked), topics)


SUBSCRIPTION = subscription_of(ENTRIES, Reading.SEARCHED.name)
MARK = commit_mark.marked("b1.map", 0, None, SUBSCRIPTION)
ANOTHER = commit_mark.marked("b1.map", 17, 5, SUBSCRIPTION % 999_999 + 1)


def test_the_group_settles_once_all_that_it_takes_has_a_committed_offset() -> None:
    cluster = Cluster(orders=2, shop_a=1, other=1)
    cluster.commit("orders", 0, 1)
    assert settled(cluster).look(1.0) is False
    cluster.commit("shop-a", 0)
    group = settled(cluster)
    assert group.look(1.0) is True
    cluster.topics["shop-b"] = 3
    assert group.look(1.0) is True, "what appears later changes nothing"


def test_a_group_without_any_committed_offset_has_not_settled() -> None:
    assert settled(Cluster(orders=2)).look(1.0) is False
    assert settled(Cluster()).look(1.0) is False


def test_a_partition_that_has_none_yet_keeps_it_from_settling() -> None:
    cluster = Cluster(orders=2)
    cluster.commit("orders", 0)
    assert settled(cluster).look(1.0) is False


def test_another_process_learns_it_from_the_commits_whatever_has_appeared_since() -> None:
    cluster = Cluster(orders=2, shop_new=4)
    cluster.commit("orders", 0, text=MARK)
    cluster.commit("orders", 1)  # a tool moved it, or it was just begun
    assert settled(cluster).look(1.0) is True


@pytest.mark.parametrize("texts", [[ANOTHER], [MARK, ANOTHER], ["b1.map~17"], ["hello"]])
def test_commits_of_another_subscription_or_of_somebody_else_establish_nothing(texts: list[str]) -> None:
    cluster = Cluster(orders=2, shop_new=4)
    for number, text in enumerate(texts):
        cluster.commit("orders", number, text=text)
    assert settled(cluster).look(1.0) is False


def test_a_topic_named_in_the_configuration_that_may_not_be_seen_keeps_it_from_settling() -> None:
    """It may be full of old records, which `start_from` decides about once permission is granted."""
    cluster = Cluster(orders=1, shop_a=1)
    cluster.commit("shop-a", 0)
    cluster.hidden.add("orders")
    assert settled(cluster).look(1.0) is False


def test_a_topic_named_in_the_configuration_that_does_not_exist_is_new_when_it_appears() -> None:
    cluster = Cluster(shop_a=1)
    cluster.commit("shop-a", 0)
    assert settled(cluster).look(1.0) is True


def test_brokers_that_do_not_answer_leave_it_open() -> None:
    cluster = Cluster(orders=1)
    cluster.commit("orders", 0)
    cluster.silent = True
    assert settled(cluster).look(1.0) is None


def test_what_became_known_is_told_once_and_looked_for_seldom() -> None:
    cluster = Cluster(orders=1)
    now = 100.0
    group = Settled(contexts.context(cluster, clock=lambda: now), ConsumedTopics(ENTRIES, Reading.SEARCHED))
    assert group.step() is False
    assert group.step() is False
    assert cluster.asked == 1
    cluster.commit("orders", 0)
    now += FIRST_LOOKS
    assert group.step() is True
    assert group.step() is False
    asked = cluster.asked
    now += 1000.0
    assert group.step() is False
    assert cluster.asked == asked


def test_a_subscription_is_its_topics_in_any_order_and_how_patterns_are_read() -> None:
    assert subscription_of(["b", "a", "a"], "SEARCHED") == subscription_of(["a", "b"], "WHOLE")
    assert subscription_of(["a", "^b"], "SEARCHED") != subscription_of(["a", "^b"], "WHOLE")
    assert subscription_of(["a"], "WHOLE") != subscription_of(["a", "b"], "WHOLE")
    assert 0 < subscription_of(["a"], "WHOLE") < commit_mark.SUBSCRIPTIONS


def test_nothing_settles_by_nothing() -> None:
    assert not Seen(frozenset(), {}).settles
