"""What the demo prints at its end says what it found, and what went wrong."""

from __future__ import annotations

import json
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from bridge.demo.report import as_json, findings, overtaken, report
from bridge.demo.scenario import API_KEY, DemoResult
from bridge.model import FilterReason
from bridge.reprocess.replay.letters import LetterResult
from bridge.sandbox.emulator.connection import ReceivedRequest
from bridge.sandbox.emulator.ledger import Accepted


def accepted(number: int, user: str = "u-1", name: str = "Order Completed") -> Accepted:
    return cast(
        "Accepted",
        SimpleNamespace(user_id=user, event_name=name, metadata={"n": number, "event_id": f"{user}/{name}/{number}"}),
    )


def result(**changes: Any) -> DemoResult:
    """Of a demo with 3 events that can be sent, one that the API refuses and one that nobody can decode."""
    reasons = {FilterReason.RULE: 2, FilterReason.UNMAPPED: 1}
    tally = SimpleNamespace(
        consumed=8, delivered=3, filtered=3, dead_lettered=2, gap=0, retries=Counter({"server_error": 4}),
        filtered_by_reason=lambda: reasons,
    )  # fmt: skip
    letters = [
        SimpleNamespace(reason="rejected", origin="shop.orders/0/3", message="no such event"),
        SimpleNamespace(reason="undecodable", origin="shop.orders/0/4", message="no JSON"),
    ]
    outcome = SimpleNamespace(results=Counter({LetterResult.REPLAYED: 1}))
    corrected = SimpleNamespace(letters=letters, outcome=outcome, accepted=[accepted(4)], still_open=1)
    given = {
        "sample": SimpleNamespace(sendable=3, filtered=3, rejected=1, unmappable=0, undecodable=1),
        "snapshot": SimpleNamespace(tally=tally),
        "accepted": [accepted(1), accepted(2), accepted(1, "u-2")],
        "overlaps": [],
        "first_requests": [
            ReceivedRequest("POST", "/v1/identify", "", {"x-api-version": "1"}, b'{"user_id":"u-1"}', too_large=False),
            ReceivedRequest("POST", "/v1/track", "", {"x-api-key": API_KEY}, b"{}", too_large=False),
        ],
        "unidentified": 0,
        "corrected": corrected,
        "seconds": 12.34,
    }
    return cast("DemoResult", SimpleNamespace(**given | changes))


def test_every_number_is_told_with_what_it_means_and_the_key_is_hidden() -> None:
    said = list(report(result()))
    assert findings(result()) == []
    for line in (
        "       8  consumed",
        "       2  filtered, rule: their type is mapped to drop",
        "       1  filtered, unmapped: no route names their type",
        "  Duplicates: 0. Requests repeated: 4 server_error.",
        "  POST /v1/identify HTTP/1.1",
        "  X-API-Version: 1",
        "  X-Api-Key: …",
        "    1  rejected, for example shop.orders/0/3:",
        "       1  replayed: sent to the API, which accepted them",
        "  3 events of 2 users arrived in their records' order, never two of one user at once.",
    ):
        assert line in said, line
    assert API_KEY not in "\n".join(said)


def test_what_arrived_out_of_order_is_named_instead() -> None:
    wrong = [accepted(2), accepted(1), accepted(1, "u-1", "Feature Used")]
    assert overtaken(wrong) == ["event 1 of u-1 in shop.orders came after 2"]
    assert "  event 1 of u-1 in shop.orders came after 2" in list(report(result(accepted=wrong)))


def test_each_promise_that_was_not_kept_is_a_finding_and_is_in_the_document() -> None:
    broken = result(
        accepted=[accepted(2), accepted(1)],
        overlaps=["u-9"],
        unidentified=2,
        corrected=SimpleNamespace(
            letters=[], outcome=SimpleNamespace(results=Counter()), accepted=[accepted(4), accepted(4)], still_open=0
        ),
    )
    found = findings(broken)
    assert found == [
        "1 events never reached the API",
        "order: event 1 of u-1 in shop.orders came after 2",
        "2 events came before their user was identified",
        "two requests of user u-9 were in flight at once",
        "replayed: {}, 1 were due",
        "a dead letter was sent twice",
        "0 dead letters are open, 1 were due",
    ]
    assert json.loads(as_json(broken))["problems"] == found
    assert json.loads(as_json(result()))["filtered"] == {"rule": 2, "unmapped": 1}
