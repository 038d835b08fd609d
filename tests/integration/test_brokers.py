"""The brokers the other tests stand on do what those tests rely on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclOperation, AdminClient, ResourceType

from tests.support.kafka.client import Kafka, OwnKafka
from tests.support.kafka.settings import PASSWORDS

MakeKafka = Callable[..., OwnKafka]


def answers(bootstrap: str, timeout: float = 10.0, **settings: str) -> bool:
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, **settings})
    try:
        client.list_topics(timeout=timeout)
    except KafkaException:
        return False
    return True


def logged_in(user: str, mechanism: str = "PLAIN", password: str | None = None) -> dict[str, Any]:
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": mechanism,
        "sasl.username": user,
        "sasl.password": PASSWORDS[user] if password is None else password,
    }


def test_what_was_produced_is_read_back_in_order(kafka: Kafka) -> None:
    topic = kafka.create_topic("orders", partitions=2)
    kafka.produce(topic, [("k", f"v{n}") for n in range(50)], partition=1, headers=[("h", b"1")])
    read = kafka.read(topic)
    assert [record.value() for record in read] == [f"v{n}".encode() for n in range(50)]
    assert {record.partition() for record in read} == {1}
    assert read[0].headers() == [("h", b"1")]


def test_a_topic_is_created_as_configured_and_under_a_name_of_its_own(kafka: Kafka) -> None:
    first = kafka.create_topic("same", partitions=3, cleanup_policy="compact")
    second = kafka.create_topic("same", partitions=1)
    assert first != second
    topics = kafka.admin.list_topics(timeout=10).topics
    assert (len(topics[first].partitions), len(topics[second].partitions)) == (3, 1)


def test_a_topic_nobody_created_stays_missing(kafka: Kafka) -> None:
    missing = kafka.name("missing")
    for _ in range(2):  # asking is what would create it
        error = kafka.admin.list_topics(missing, timeout=10).topics[missing].error
        assert error is not None
        assert error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART


def test_committed_positions_are_seen_with_their_metadata(kafka: Kafka) -> None:
    topic, group = kafka.create_topic(), kafka.name("group")
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": group})
    try:
        consumer.commit(offsets=[TopicPartition(topic, 1, 7, "map")], asynchronous=False)
    finally:
        consumer.close()
    assert kafka.committed(group) == {(topic, 1): (7, "map")}


def test_an_own_broker_keeps_its_address_and_data_over_stop_and_kill(own_kafka: MakeKafka) -> None:
    kafka = own_kafka()
    topic = kafka.create_topic(partitions=1)
    kafka.produce(topic, [(None, "kept")])
    for end in (kafka.stop, kafka.kill):
        end()
        assert not answers(kafka.bootstrap, timeout=0.5)
        kafka.start()
        assert [record.value() for record in kafka.read(topic)] == [b"kept"]


def test_a_frozen_broker_answers_nothing_until_it_is_thawed(own_kafka: MakeKafka) -> None:
    kafka = own_kafka()
    kafka.freeze()
    frozen = answers(kafka.bootstrap, timeout=1.0)
    kafka.thaw()
    assert not frozen
    assert answers(kafka.bootstrap)


def test_a_cluster_serves_on_when_one_of_three_is_killed(kafka_cluster: OwnKafka) -> None:
    topic = kafka_cluster.create_topic(partitions=3)
    kafka_cluster.kill(2)
    kafka_cluster.produce(topic, [(None, f"v{n}") for n in range(30)])
    kafka_cluster.start(2)
    assert len(kafka_cluster.read(topic)) == 30


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_a_user_gets_in_by_its_password_only(secured_kafka: OwnKafka, mechanism: str) -> None:
    bootstrap = secured_kafka.sasl_bootstrap
    assert answers(bootstrap, **logged_in("alice", mechanism))
    assert not answers(bootstrap, timeout=1.5, **logged_in("alice", mechanism, "wrong"))


def test_what_no_acl_allows_is_denied(secured_kafka: OwnKafka) -> None:
    topic = secured_kafka.create_topic()
    assert produced_by_alice(secured_kafka, topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    secured_kafka.allow("alice", AclOperation.WRITE, ResourceType.TOPIC, topic)
    assert produced_by_alice(secured_kafka, topic) is None


def produced_by_alice(kafka: OwnKafka, topic: str) -> int | None:
    """Produce one record; the error's code, or None when the brokers took it."""
    failures: list[KafkaError | None] = []
    producer = Producer({"bootstrap.servers": kafka.sasl_bootstrap, "log_level": 0, **logged_in("alice")})
    producer.produce(topic, b"x", on_delivery=lambda error, _message: failures.append(error))
    assert producer.flush(20) == 0
    return failures[0].code() if failures[0] else None
