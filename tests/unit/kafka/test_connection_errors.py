"""A broker that hangs up is told as one, whichever way the client notices it."""

from __future__ import annotations

import logging

import pytest
from confluent_kafka import KafkaError

from bridge.kafka.admin.obstacles import ConnectionErrors, Obstacle

DOWN = KafkaError(KafkaError._ALL_BROKERS_DOWN, "1/1 brokers are down")


def errors(*texts: str) -> ConnectionErrors:
    seen = ConnectionErrors(logging.getLogger("tests.kafka"))
    for text in texts:
        seen.error(KafkaError(KafkaError._TRANSPORT, text))
    seen.error(DOWN)
    return seen


@pytest.mark.parametrize(
    "end",
    ["Send failed: Broken pipe", "Send failed: Connection reset by peer", "Receive failed: Connection reset by peer"],
)
def test_a_broker_that_hangs_up_while_the_client_writes_has_closed_the_connection(end: str) -> None:
    seen = errors(f"127.0.0.1:9092/bootstrap: {end} (after 1ms in state UP)")
    obstacle, text = seen.obstacle()
    assert obstacle is Obstacle.CONNECTION
    assert "127.0.0.1:9092: Disconnected: connection closed by peer" in text


def test_what_else_goes_wrong_is_told_rather_than_that_one_broker_hung_up() -> None:
    seen = errors(
        "127.0.0.1:9092/bootstrap: Send failed: Broken pipe (after 1ms in state UP)",
        "127.0.0.1:9093/bootstrap: Connect failed: Connection refused (after 0ms in state CONNECT)",
    )
    seen.seen.reverse()
    assert "closed by peer" not in seen.obstacle()[1]
