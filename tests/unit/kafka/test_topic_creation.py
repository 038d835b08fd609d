"""A topic that was created is told of once the broker that is asked next knows it."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

from confluent_kafka import KafkaError, KafkaException

from bridge.kafka.admin.topic_creation import until_known

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient, ConfigResource


class Brokers:
    """They hear of a topic only after they were asked for it so many times."""

    def __init__(self, late: dict[str, int]) -> None:
        self._late = late
        self.asked: list[list[str]] = []

    def describe_configs(self, resources: Sequence[ConfigResource]) -> dict[ConfigResource, Future[Any]]:
        self.asked.append([each.name for each in resources])
        return {each: self._answer(each.name) for each in resources}

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
