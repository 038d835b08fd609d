"""What an operator's look makes of the brokers' answers."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AclOperation, ConfigEntry, ConfigResource

from bridge.errors import Unreachable
from bridge.kafka import client
from bridge.kafka.admin.inspection import Inspection, TopicSettings
from bridge.kafka.consumer.cluster_watch import session
from tests.support.kafka import contexts

LOGGER = logging.getLogger("tests.kafka")


def done(result: object) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(result)
    return future


class Brokers:
    """Describe what they are asked for; of the topic `hidden` nothing."""

    def __init__(self) -> None:
        self.operations: set[AclOperation] | None = {AclOperation.READ, AclOperation.DESCRIBE}

    def describe_configs(self, resources: list[ConfigResource], **_: object) -> dict[ConfigResource, Future[Any]]:
        values = {"cleanup.policy": "compact,delete", "retention.ms": "-1", "max.message.bytes": "1048588"}
        entries = {name: ConfigEntry(name, value) for name, value in values.items()}
        answers = {each: done(entries) for each in resources if each.name != "hidden"}
        for each in resources:
            if each.name == "hidden":
                answers[each] = Future()
                answers[each].set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
        return answers

    def describe_topics(self, _topics: object, **_: object) -> dict[str, Future[Any]]:
        return {"orders": done(SimpleNamespace(authorized_operations=self.operations))}

    def describe_consumer_groups(self, groups: list[str], **_: object) -> dict[str, Future[Any]]:
        return {each: done(SimpleNamespace(authorized_operations=self.operations)) for each in groups}


@pytest.fixture
def brokers(monkeypatch: pytest.MonkeyPatch) -> Brokers:
    answering = Brokers()
    monkeypatch.setattr(client, "open_admin", lambda *_: answering)
    return answering


def test_settings_are_told_of_the_topics_whose_settings_may_be_read(brokers: Brokers) -> None:
    del brokers
    inspection = Inspection(contexts.kafka(), LOGGER)
    assert inspection.settings(["orders", "hidden"]) == {"orders": TopicSettings(True, True, -1, 1_048_588)}
    assert inspection.settings([]) == {}


def test_what_a_user_may_do_is_told_by_name_where_the_brokers_say_it(brokers: Brokers) -> None:
    inspection = Inspection(contexts.kafka(), LOGGER)
    assert inspection.allowed_on_topics(["orders"]) == {"orders": {"READ", "DESCRIBE"}}
    assert inspection.allowed_on_group() == frozenset({"READ", "DESCRIBE"})
    brokers.operations = None
    assert inspection.allowed_on_topics(["orders"]) == {}
    assert inspection.allowed_on_group() is None


@pytest.mark.parametrize("refusal", [None, KafkaException(KafkaError(KafkaError._TRANSPORT)), Unreachable("no token")])
def test_whether_a_client_gets_in_is_tried_with_a_new_one(
    refusal: Exception | None, brokers: Brokers, monkeypatch: pytest.MonkeyPatch
) -> None:
    del brokers
    inspection = Inspection(contexts.kafka(), LOGGER)
    opened: list[object] = []

    def list_topics(**_: object) -> None:
        if refusal is not None:
            raise refusal

    def open_admin(*given: object) -> object:
        opened.append(given)
        return SimpleNamespace(list_topics=list_topics)

    monkeypatch.setattr(client, "open_admin", open_admin)
    assert inspection.logs_in() is (refusal is None)
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("entries", "seconds"),
    [
        ({"consumer.session.timeout.ms": "45000", "consumer.heartbeat.interval.ms": "5000"}, (45.0, 5.0)),
        ({"consumer.session.timeout.ms": "45000"}, None),
        ({"consumer.session.timeout.ms": "", "consumer.heartbeat.interval.ms": "5000"}, None),
        ({}, None),
    ],
)
def test_the_session_of_a_group_is_known_where_brokers_describe_both_of_its_times(
    entries: dict[str, str], seconds: tuple[float, float] | None
) -> None:
    assert session({name: ConfigEntry(name, value) for name, value in entries.items()}) == seconds
