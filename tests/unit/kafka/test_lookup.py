"""What is found out of partitions that start, where another replica starts others of the same topic at that moment."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.config.keys.scalars import StartPoint
from bridge.kafka.consumer.starts import start_policy
from bridge.kafka.consumer.starts.lookup import Lookup
from bridge.kafka.consumer.starts.settled import Settled
from bridge.kafka.consumer.starts.start_policy import StartReason
from bridge.model import LogRange, TopicPartition
from tests.support.kafka import contexts

PARTITIONS = [TopicPartition("orders", number) for number in range(4)]
MINE = PARTITIONS[2:]
END = 25


def done(result: object) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future


class Admin:
    """A cluster with one topic, each of whose partitions has records up to `END`."""

    def describe_topics(self, _topics: object, **_: object) -> dict[str, Future[Any]]:
        described = SimpleNamespace(partitions=PARTITIONS, topic_id=SimpleNamespace(__str__=lambda: "id"))
        return {"orders": done(described)}

    def list_offsets(self, wanted: dict[ClientPartition, object], **_: object) -> dict[ClientPartition, Future[Any]]:
        return {each: done(SimpleNamespace(offset=END)) for each in wanted}


class Group:
    """Answers for committed offsets. Another replica commits all starts of the topic after so many questions."""

    def __init__(self, commits_after: int) -> None:
        self._commits_after = commits_after
        self.asked = 0

    def committed(self, wanted: list[ClientPartition], **_: object) -> list[ClientPartition]:
        self.asked += 1
        offset = END if self.asked > self._commits_after else -1001
        return [ClientPartition(each.topic, each.partition, offset) for each in wanted]


class SettledAfter:
    """Whether the group has settled, asked for last: it has once the other replica committed."""

    def __init__(self, group: Group, commits_after: int) -> None:
        self._group, self._commits_after = group, commits_after

    def look(self, _budget: float) -> bool:
        self._group.asked += 1
        return self._group.asked > self._commits_after


@pytest.mark.parametrize("commits_after", [0, 1, 2, 3, 9])
def test_replicas_that_start_at_the_same_moment_never_take_a_topic_for_newer_than_the_group(commits_after: int) -> None:
    """Whenever the other one's commit comes: `latest` is kept, and no record from before is read."""
    group = Group(commits_after)
    lookup = Lookup(contexts.context(group, admin=Admin()), cast("Settled", SettledAfter(group, commits_after)))

    found = lookup.find(MINE, time_ms=None, budget=5.0)

    for partition in MINE:
        decision = start_policy.resolve(partition, found[partition], StartPoint.LATEST)
        assert isinstance(decision, start_policy.Start)
        assert decision.why in (StartReason.COMMITTED, StartReason.START_FROM)
        assert decision.position.offset == END


class Refusing(Admin):
    """Answers nothing of what a cluster may not have."""

    def __init__(self) -> None:
        self.asked = 0

    def list_offsets(self, wanted: dict[ClientPartition, object], **_: object) -> dict[ClientPartition, Future[Any]]:
        self.asked += 1
        if self.asked % 2:
            raise KafkaException(KafkaError(KafkaError._UNSUPPORTED_FEATURE, "not supported"))
        refused: dict[ClientPartition, Future[Any]] = {each: Future() for each in wanted}
        for each in refused.values():
            each.set_exception(KafkaException(KafkaError(KafkaError._UNSUPPORTED_FEATURE, "not supported")))
        return refused


def test_where_logs_begin_and_end_is_known_of_those_that_answer() -> None:
    lookup = Lookup(contexts.context(Group(0), admin=Admin()), cast("Settled", None))
    assert lookup.ranges(MINE, 5.0) == dict.fromkeys(MINE, LogRange(END, END))
    assert lookup.ranges([], 5.0) == {}


def test_what_a_cluster_cannot_answer_is_said_once_however_often_it_is_asked(caplog: pytest.LogCaptureFixture) -> None:
    admin = Refusing()
    lookup = Lookup(contexts.context(Group(0), admin=admin), cast("Settled", None))
    with caplog.at_level(logging.WARNING):
        assert [lookup.ranges(MINE, 5.0) for _ in range(3)] == [{}] * 3
    assert [each.getMessage() for each in caplog.records] == [
        "the cluster did not answer about log ranges: not supported"
    ]
    assert admin.asked == 6
