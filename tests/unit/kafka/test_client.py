from __future__ import annotations

import logging
from typing import Any

import pytest

from bridge.config.sections import DeadLetterSettings, Kafka
from bridge.config.topics.consumed_topics import GroupProtocol
from bridge.kafka import client, terms
from bridge.kafka.client_log import ClientLog
from tests.support.kafka.completing import settings


def kafka(**properties: str) -> Kafka:
    return settings("broker:9092", "group", ["topic"], properties=properties)


def test_positions_are_only_what_was_stored_and_never_reset_by_the_client() -> None:
    configuration = client.consumer_configuration(kafka())
    assert configuration["enable.auto.commit"] is True
    assert configuration["enable.auto.offset.store"] is False
    assert configuration["auto.offset.reset"] == "error"
    assert configuration["auto.commit.interval.ms"] == 25
    assert configuration["isolation.level"] == "read_committed"


def test_what_the_client_fetches_ahead_is_bounded_to_some_megabytes() -> None:
    """By default it may take 64 MB and 100,000 records, for a sink that takes ten a second."""
    configuration = client.consumer_configuration(kafka())
    assert configuration["queued.max.messages.kbytes"] <= 16_384
    assert configuration["queued.min.messages"] <= 1000
    assert configuration["fetch.max.bytes"] <= 4 << 20


def test_partitions_move_one_by_one_by_default() -> None:
    configuration = client.consumer_configuration(kafka())
    assert configuration["partition.assignment.strategy"] == "cooperative-sticky"
    assert client.is_incremental(configuration)


def test_the_new_group_protocol_gets_no_assignor_which_it_would_refuse() -> None:
    configuration = client.consumer_configuration(kafka(**{"group.protocol": "consumer"}))
    assert "partition.assignment.strategy" not in configuration
    assert client.is_incremental(configuration)


def test_an_eager_assignor_is_recognised() -> None:
    configuration = client.consumer_configuration(kafka(**{"partition.assignment.strategy": "range"}))
    assert not client.is_incremental(configuration)


@pytest.mark.parametrize(
    "built",
    [
        client.consumer_configuration(kafka(**{"security.protocol": "SSL", "client.id": "mine"})),
        client.admin_configuration(kafka(**{"security.protocol": "SSL", "client.id": "mine"})),
        client.producer_configuration(
            kafka(**{"security.protocol": "SSL", "client.id": "mine"}), DeadLetterSettings(topic="dlq")
        ),
    ],
)
def test_properties_reach_every_client_and_go_over_the_defaults(built: dict[str, Any]) -> None:
    assert (built["security.protocol"], built["client.id"]) == ("SSL", "mine")
    assert built["bootstrap.servers"] == "broker:9092"


def test_a_letter_is_acknowledged_or_given_up_before_a_drain_is_over() -> None:
    section = kafka()
    configuration = client.producer_configuration(section, DeadLetterSettings(topic="dlq"))
    assert configuration["enable.idempotence"] is True
    assert configuration["message.timeout.ms"] < section.drain_timeout * 1000
    assert configuration["allow.auto.create.topics"] is False


def test_dead_letter_properties_go_over_kafka_properties() -> None:
    letters = DeadLetterSettings.model_validate({"topic": "dlq", "properties": {"compression.type": "zstd"}})
    configuration = client.producer_configuration(kafka(**{"compression.type": "lz4"}), letters)
    assert configuration["compression.type"] == "zstd"


def test_a_session_of_our_own_is_short_with_heartbeats_that_fit_and_a_chosen_one_stays() -> None:
    classic = client.consumer_configuration(kafka(), terms.Terms(GroupProtocol.CLASSIC, terms.SESSION))
    assert (classic["session.timeout.ms"], classic["heartbeat.interval.ms"]) == (10_000, 1_000)
    chosen = kafka(**{"session.timeout.ms": "30000"})
    configuration = client.consumer_configuration(chosen, terms.first(chosen))
    assert (configuration["session.timeout.ms"], "heartbeat.interval.ms" in configuration) == ("30000", True)


def test_the_consumer_protocol_is_named_to_the_client_with_nothing_that_it_refuses() -> None:
    section = Kafka.model_validate({"bootstrap_servers": "broker:9092", "group_id": "group", "topics": ["topic"]})
    configuration = client.consumer_configuration(section, terms.first(section))
    assert configuration["group.protocol"] == "consumer"
    assert not {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"} & configuration.keys()
    client.open_consumer(configuration, ClientLog(logging.getLogger("tests")), lambda *_: None).close()


def test_new_topics_are_looked_for_as_often_as_configured_unless_a_property_says_otherwise() -> None:
    name = "topic.metadata.refresh.interval.ms"
    assert client.consumer_configuration(kafka())[name] == 30_000
    assert client.consumer_configuration(kafka().model_copy(update={"refresh": 1.5}))[name] == 1500
    assert client.consumer_configuration(kafka(**{name: "500"}))[name] == "500"


def test_the_ends_of_partitions_are_heard_of() -> None:
    assert client.consumer_configuration(kafka())["enable.partition.eof"] is True


@pytest.mark.parametrize(("level", "only"), [("read_committed", True), ("READ_UNCOMMITTED", False)])
def test_whether_open_transactions_are_read_is_the_owners_choice(level: str, *, only: bool) -> None:
    configuration = client.consumer_configuration(kafka(**{"isolation.level": level}))
    assert client.reads_committed_only(configuration) is only
