"""The mapping as an import of history uses it: each request with its time, and what has none is no request."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.mapping.expressions.scope import Scope
from bridge.mapping.history import HistoryMapper, HistoryOutput, Occurrence
from bridge.model import Failed, LetterReason, Record, Request
from tests.unit.mapping.conftest import compiled

EVENTS = "user_id: u\noccurred_at: time\nevents: {order: {event_name: Order}}"
LOG_TIME_MS = 1_722_156_935_874


def output(timestamp_ms: int | None = LOG_TIME_MS, **value: Any) -> HistoryOutput:
    document = {"type": "order", "u": "u-1", "id": "e-1", **value}
    record = Record("orders", 0, 7, timestamp_ms, None, json.dumps(document).encode(), ())
    ((found,),) = HistoryMapper(compiled(EVENTS)).outputs(record)
    return found


def test_a_request_is_dated_by_its_event_and_where_that_has_no_time_by_kafka() -> None:
    found = output(time="2024-07-28T08:00:00Z")
    assert isinstance(found.outcome, Request)
    assert found.event == Occurrence(1_722_153_600_000_000, "e-1")
    by_kafka = output().event
    assert by_kafka is not None
    assert by_kafka.micros == LOG_TIME_MS * 1000


def test_what_has_no_time_at_all_is_no_request_and_says_why() -> None:
    found = output(None)
    assert isinstance(found.outcome, Failed)
    assert found.event is None
    assert found.outcome.reason is LetterReason.UNMAPPABLE
    assert found.outcome.message == "the record has neither occurred_at nor a Kafka timestamp to be dated with"


def test_what_a_record_brings_about_is_its_own_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_scope: Scope) -> float:
        raise ZeroDivisionError

    monkeypatch.setattr(Scope, "occurred_seconds", fail)
    found = output()
    assert isinstance(found.outcome, Failed)
    assert "ZeroDivisionError" in found.outcome.message


def test_a_mapping_that_imports_history_still_counts_which_keys_are_absent() -> None:
    mapping = compiled("user_id: u\nevents: {order: {event_name: Order, metadata: {amount: amount}}}")
    history = HistoryMapper(mapping)
    for value in ({"amount": 1}, {}):
        record = Record(
            "orders", 0, 7, LOG_TIME_MS, None, json.dumps({"type": "order", "u": "u", **value}).encode(), ()
        )
        list(history.outputs(record))
    (count,) = mapping.key_counts().values()
    assert (count.events, count.absent) == (2, 1)
