"""A topic that was created is told of once the broker that is asked next knows it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import KafkaError, KafkaException

from bridge.kafka import client
from bridge.kafka.admin.topic_creation import Created, Creation, create, plans, until_known
from tests.support.kafka import contexts

if TYPE_CHECKING:
    import pytest
    from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic


class Brokers:
    """They hear of a topic only after they were asked for it so many times."""

    def __init__(self, late: dict[str, int]) -> None:
        self._late = late
        self.refuses: dict[str, KafkaError] = {}
        self.made: list[tuple[str, int, int, dict[str, str] | None]] = []
        self.asked: list[list[str]] = []

    def describe_configs(self, resources: Sequence[ConfigResource]) -> dict[ConfigResource, Future[Any]]:
        self.asked.append([each.name for each in resources])
        return {each: self._answer(each.name) for each in resources}

    def create_topics(self, topics: Sequence[NewTopic], **_: object) -> dict[str, Future[None]]:
        self.made += [(each.topic, each.num_partitions, each.replication_factor, each.config) for each in topics]
        answered: dict[str, Future[None]] = {each.topic: Future() for each in topics}
        for name, answer in answered.items():
            if name in self.refuses:
                answer.set_exception(KafkaException(self.refuses[name]))
            else:
                answer.set_result(None)
        return answered

    def _answer(self, name: str) -> Future[Any]:
        answer: Future[Any] = Future()
        if self._late.get(name, 0) > 0:
            self._late[name] -= 1
            answer.set_exception(KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART)))
        else:
            answer.set_result({})
        return answer


def test_a_created_topic_is_waited_for_until_the_brokers_know_it() -> None:
    brokers = Brokers({"letters": 2})
    until_known(cast("AdminClient", brokers), ["letters", "letters.resolutions"])
    assert brokers.asked == [["letters", "letters.resolutions"], ["letters"], ["letters"]]


def test_where_nothing_was_created_nothing_is_asked() -> None:
    brokers = Brokers({})
    until_known(cast("AdminClient", brokers), [])
    assert brokers.asked == []


def test_what_is_there_already_is_left_as_it_is_and_what_the_brokers_refuse_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    brokers = Brokers({})
    wanted = plans("letters", partitions=3, replication_factor=1, retention=60.0, sources=())
    letters, resolutions = (plan.name for plan in wanted)
    monkeypatch.setattr(client, "open_admin", lambda *_: brokers)
    logger = logging.getLogger("tests.kafka")

    brokers.refuses = {letters: KafkaError(KafkaError.TOPIC_ALREADY_EXISTS)}
    assert create(contexts.kafka(), wanted, logger) == {
        letters: Created(Creation.EXISTS),
        resolutions: Created(Creation.CREATED),
    }
    assert brokers.made == [(each.name, 3, 1, dict(each.settings)) for each in wanted]
    assert brokers.asked == [[resolutions]], "only what was made is waited for"

    brokers.refuses = {letters: KafkaError(KafkaError.POLICY_VIOLATION, "too few replicas")}
    made = create(contexts.kafka(), wanted, logger)
    assert made[letters] == Created(Creation.REFUSED, "too few replicas")
    assert create(contexts.kafka(), (), logger) == {}
