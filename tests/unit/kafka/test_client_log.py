from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from bridge.kafka.client_log import ClientLog, Rare, RareLog


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_line_that_repeats_is_written_once_and_then_counted(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    log = RareLog(logging.getLogger("rare"), every=30.0, clock=clock)
    for second in range(40):
        clock.now = float(second)
        log.write(logging.WARNING, f"broker 7: connect failed (after {second}ms)")
    assert caplog.messages == [
        "broker 7: connect failed (after 0ms)",
        "broker 7: connect failed (after 30ms) (and 29 more like it)",
    ]


def test_different_lines_do_not_wait_for_each_other(caplog: pytest.LogCaptureFixture) -> None:
    log = RareLog(logging.getLogger("rare"))
    log.write(logging.WARNING, "one")
    log.write(logging.WARNING, "two")
    assert caplog.messages == ["one", "two"]


def test_endlessly_many_different_lines_do_not_fill_the_memory() -> None:
    log = Rare()
    for number in range(10_000):
        log.admit("x" * (number % 1000))
    assert len(log._written) <= 256


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
