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
