from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from bridge.kafka.client_log import ClientLog


def test_a_property_that_belongs_to_another_client_is_no_news(caplog: pytest.LogCaptureFixture) -> None:
    log = ClientLog(logging.getLogger("client"))
    log.log(30, "%s [%s] %s", "CONFWARN", "rdkafka", "linger.ms is a producer property and will be ignored by this …")
    log.log(30, "%s [%s] %s", "FAIL", "rdkafka", "connection refused")
    assert caplog.messages == ["FAIL rdkafka connection refused"]


def test_the_last_error_that_belongs_to_no_call_is_kept() -> None:
    log = ClientLog(logging.getLogger("client"))
    log.error(KafkaError(KafkaError._ALL_BROKERS_DOWN))
    assert log.last_error is not None
    assert log.last_error.code() == KafkaError._ALL_BROKERS_DOWN


def test_a_token_that_cannot_be_had_is_kept_since_the_first_failure() -> None:
    log = ClientLog(logging.getLogger("client"))
    why = "Failed to acquire SASL OAUTHBEARER token: "
    log.error(KafkaError(KafkaError._AUTHENTICATION, f"{why}Failed to connect to 127.0.0.1"))
    first = log.no_token
    assert first is not None
    assert first.sentence == "no token for the login at Kafka: Failed to connect to 127.0.0.1"
    log.error(KafkaError(KafkaError._AUTHENTICATION, f"{why}timed out"))
    assert log.no_token is not None
    assert (log.no_token.sentence, log.no_token.since) == ("no token for the login at Kafka: timed out", first.since)


def test_of_a_login_of_ours_the_client_knows_nothing_that_is_worth_a_line(caplog: pytest.LogCaptureFixture) -> None:
    log = ClientLog(logging.getLogger("client"))
    text = "Failed to acquire SASL OAUTHBEARER token: OAuth callback raised exception"
    log.error(KafkaError(KafkaError._AUTHENTICATION, text))
    assert (caplog.messages, log.no_token, log.errors) == ([], None, 1)
