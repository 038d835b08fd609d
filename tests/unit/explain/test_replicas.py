"""What a view of the group says of records that wait."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.explain.facts import Halt
from bridge.explain.fates import Retrying
from bridge.explain.replicas import retrying_of, told_by
from bridge.fleet.view import FleetPartition, FleetView, ReplicaView
from bridge.model import TopicPartition
from bridge.ops.status.forecast import Forecast, LostBy, Pace

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)
EVENT: dict[str, Any] = {
    "topic": "orders",
    "partition": 0,
    "offset": 7,
    "output": 1,
    "attempts": 3,
    "next_attempt": "2026-01-02T04:00:10.000Z",
    "last_answer": {"reason": "server_error", "status": 503, "request_id": "req-1"},
    "trace": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


def test_a_partition_of_which_nobody_tells_has_no_reason() -> None:
    ahead = Forecast(10, 2e9, Pace.BUDGET, None, LostBy.NOTHING)
    told = FleetPartition(P0, why="rate_limited", detail="Waits.", since=1.0, until=2.0, action="None.", forecast=ahead)
    view = FleetView(1.8e9, "g", partitions=(told, FleetPartition(P1)))

    assert told_by(view).halts == {P0: Halt("rate_limited", "Waits.", 1.0, 2.0, None, "None.", 2e9)}
    assert told_by(view).silence == ""


def test_who_did_not_answer_is_named() -> None:
    silent = tuple(ReplicaView(f"b-{each}", f"No bridge answers at b-{each}.") for each in range(4))
    view = FleetView(1.8e9, "g", "Kafka does not answer.", replicas=silent)

    assert told_by(view).silence == "Kafka does not answer. No bridge answers at b-0. And 3 more."


def test_attempts_of_events_are_told_with_their_answers_and_their_trace() -> None:
    document = {"retries": {"events": [EVENT, {**EVENT, "output": 0, "last_answer": None, "trace": None}]}}

    assert retrying_of([document]) == {
        (P0, 7, 1): Retrying(
            3, "server_error", 503, "req-1", "2026-01-02T04:00:10.000Z", "4bf92f3577b34da6a3ce929d0e0e4736"
        ),
        (P0, 7, 0): Retrying(3, next_attempt="2026-01-02T04:00:10.000Z"),
    }


@pytest.mark.parametrize(
    "document", [{}, {"retries": None}, {"retries": {"events": [{"topic": 1}, None, {**EVENT, "offset": "x"}]}}]
)
def test_a_document_of_another_version_says_nothing(document: dict[str, Any]) -> None:
    assert retrying_of([document]) == {}
