from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.config import kafka_properties
from bridge.config.load import Loaded

Load = Callable[..., Loaded]


def with_properties(changed: Load, section: str = "kafka", **properties: str) -> Loaded:
    written = "".join(f"    {name}: {value}\n" for name, value in properties.items())
    return changed(f"{section}:\n", f"{section}:\n  properties:\n{written}")


REFUSED = [
    ("enable.auto.commit", "true", "an offset only when everything below it is done"),
    ("enable.auto.commit", "false", "an offset only when everything below it is done"),
    ("enable.auto.offset.store", "true", "an offset only"),
    ("auto.offset.reset", "earliest", "set kafka.start_from instead"),
    ("auto.commit.interval.ms", "5000", "set kafka.commit_interval instead"),
    ("group.id", "x", "set kafka.group_id instead"),
    ("bootstrap.servers", "x", "set kafka.bootstrap_servers instead"),
    ("metadata.broker.list", "x", "set kafka.bootstrap_servers instead"),
    ("error_cb", "x", "a callback is code"),
    ("on_delivery", "x", "a callback is code"),
    ("enable.partition.eof", "true", "hear of the ends of partitions"),
    ("acks", "1", "all in-sync replicas"),
    ("request.required.acks", "0", "all in-sync replicas"),
    ("enable.idempotence", "false", "exactly once and in order"),
    ("message.send.max.retries", "0", "message.timeout.ms alone"),
    ("retries", "3", "message.timeout.ms alone"),
    ("transactional.id", "x", "no transactions"),
    ("partitioner", "random", "must meet in one partition"),
    ("max.in.flight", "2", "acknowledges dead letters that no broker has"),
    ("max.in.flight.requests.per.connection", "5", "acknowledges dead letters that no broker has"),
    ("delivery.report.only.error", "true", "receipt"),
    ("allow.auto.create.topics", "true", "misspelt topic"),
    ("test.mock.num.brokers", "3", "simulated"),
    ("partition.assignment.strategy", "range,roundrobin", "only cooperative-sticky"),
    ("group.protocol", "share", "must be classic or consumer"),
    ("enable.ssl.certificate.verification", "false", "ssl.ca.location"),
    ("offset.store.method", "file", "by the brokers alone"),
    ("sasl.jaas.config", "x", "set sasl.username and sasl.password instead"),
    ("ssl.truststore.location", "/x.jks", "set ssl.ca.location to a PEM file"),
    ("key.deserializer", "x", "records are always read as bytes"),
    ("max.poll.records", "5", "set delivery.max_buffered instead"),
    ("fetch.max.wait.ms", "5", "set fetch.wait.max.ms instead"),
    ("sasl_password", "x", "sasl.password"),
]


@pytest.mark.parametrize("section", ["kafka", "dead_letter"])
@pytest.mark.parametrize(("name", "value", "says"), REFUSED)
def test_a_property_that_would_break_a_promise_is_refused_by_name_with_the_reason(
    changed: Load, section: str, name: str, value: str, says: str
) -> None:
    problems = with_properties(changed, section, **{name: value}).problems
    assert [each.where for each in problems] == [f"{section}.properties.{name}"]
    assert says in problems[0].message
    assert problems[0].source == ("line 3" if section == "kafka" else "line 10")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("acks", "all"),
        ("acks", "-1"),
        ("enable.idempotence", "true"),
        ("max.in.flight", "1"),
        ("partition.assignment.strategy", "cooperative-sticky"),
        ("group.protocol", "consumer"),
        ("group.instance.id", "bridge-0"),
        ("client.id", "x"),
        ("compression.type", "zstd"),
        ("queued.max.messages.kbytes", "4096"),
        ("security.protocol", "SSL"),
        ("ssl.ca.location", "/ca.pem"),
        ("message.timeout.ms", "15000"),
        ("enable.ssl.certificate.verification", "true"),
        ("a.property.of.tomorrow", "1"),
    ],
)
def test_every_other_property_is_passed_through(changed: Load, name: str, value: str) -> None:
    loaded = with_properties(changed, **{name: value})
    assert loaded.problems == ()
    assert loaded.config
    assert loaded.config.kafka.properties == {name: value}


def test_numbers_and_booleans_become_the_text_librdkafka_reads(changed: Load) -> None:
    loaded = with_properties(changed, **{"socket.keepalive.enable": "true", "linger.ms": "0.5", "debug": "'5'"})
    assert loaded.config
    assert loaded.config.kafka.properties == {"socket.keepalive.enable": "true", "linger.ms": "0.5", "debug": "5"}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("session.timeout.ms", "the brokers set it"),
        ("heartbeat.interval.ms", "the brokers set it"),
        ("partition.assignment.strategy", "group.remote.assignor"),
    ],
)
def test_what_the_consumer_protocol_does_not_know_is_refused_with_it_alone(changed: Load, name: str, says: str) -> None:
    value = "cooperative-sticky" if name.startswith("partition") else "6000"
    assert with_properties(changed, **{name: value}).problems == ()
    problems = with_properties(changed, **{name: value, "group.protocol": "consumer"}).problems
    assert [each.where for each in problems] == [f"kafka.properties.{name}"]
    assert says in problems[0].message


def test_a_nested_map_is_answered_with_the_flat_form(changed: Load) -> None:
    problems = with_properties(changed, sasl="{username: x}").problems
    assert [each.where for each in problems] == ["kafka.properties.sasl"]
    assert "such as sasl.username" in problems[0].message


@pytest.mark.parametrize(
    ("properties", "where", "says"),
    [
        ({"security.protocol": "sasl_ssl"}, "security.protocol", "needs sasl.mechanism beside it"),
        ({"security.protocol": "tls"}, "security.protocol", "must be plaintext, ssl"),
        ({"sasl.mechanism": "PLAIN"}, "sasl.mechanism", "set security.protocol: sasl_ssl"),
    ],
)
def test_half_an_authentication_is_a_problem(changed: Load, properties: dict[str, str], where: str, says: str) -> None:
    problems = with_properties(changed, **properties).problems
    assert [each.where for each in problems] == [f"kafka.properties.{where}"]
    assert says in problems[0].message


@pytest.mark.parametrize(
    ("name", "value"), [("ssl.endpoint.identification.algorithm", "none"), ("isolation.level", "read_uncommitted")]
)
def test_what_weakens_a_check_is_allowed_but_said_at_each_start(changed: Load, name: str, value: str) -> None:
    loaded = with_properties(changed, **{name: value})
    assert loaded.problems == ()
    assert [each.where for each in loaded.warnings] == [f"kafka.properties.{name}"]


def test_secret_properties_are_shown_to_nobody() -> None:
    secret = ["sasl.password", "ssl.key.password", "ssl.keystore.password", "ssl.key.pem",
              "sasl.oauthbearer.client.secret", "sasl.oauthbearer.assertion.private.key.pem",
              "sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.config"]  # fmt: skip
    shown = ["sasl.username", "ssl.key.location", "ssl.ca.pem", "client.id"]
    redacted = kafka_properties.redacted(dict.fromkeys((*secret, *shown), "v"))
    assert [name for name, value in redacted.items() if value == "v"] == shown
