from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bridge.mapping.review.explain import MappingExplanation, explain
from bridge.model import Record

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

MAPPING = """
user_id: u
when: live
events:
  order:
    - {event_name: Paid, when: paid, max_age: 1h}
    - {event_name: Gift, metadata: {lines: lines}}
  few: {sample: 0%}
  audit: drop
  local: {topics: [elsewhere]}
"""


def explained(mapping: Bench, value: Any, **changes: Any) -> MappingExplanation:
    raw = value if isinstance(value, bytes | None) else json.dumps({"live": True, "u": "u-1", **value}).encode()
    record = Record("shop", 0, 5, 1_767_323_045_000, None, raw, ())._replace(**changes)
    return explain(mapping.mapping, record, 1_767_326_400.0)


def test_a_mapped_record_is_explained_route_by_route(bench: Callable[[str], Bench]) -> None:
    value = {"type": "order", "id": 2**70, "time": "2026-01-02T01:00:00Z", "paid": True, "lines": [{}]}

    found = explained(bench(MAPPING), value)

    assert (found.coordinates, found.form, found.rule) == ("shop/0/5", "JSON", "order")
    assert (found.event_type, found.event_id, found.occurred_at) == ("order", str(2**70), "2026-01-02T01:00:00Z")
    expired, sent = found.looks
    assert (expired.route, expired.result, expired.reason) == ("order[0]", "filtered", "expired")
    assert expired.detail == "older than max_age (3600 s)"
    assert (sent.route, sent.result, sent.left_out) == ("order[1]", "request", 1)
    assert sent.detail == "sends 'Gift' for user 'u-1'"
    assert json.loads(sent.body or b"")["event_name"] == "Gift"


@pytest.mark.parametrize(
    ("value", "result", "reason", "words"),
    [
        (None, "filtered", "tombstone", "tombstone"),
        ({"type": "x"}, "filtered", "unmapped", "no rule in mapping.events is for its type"),
        ({"type": "audit"}, "filtered", "rule", "drop"),
        ({"type": "local"}, "filtered", "topic", "other topics"),
        ({"type": "few"}, "filtered", "sampled_out", "not in the sample"),
        ({"type": "few", "live": False}, "filtered", "when", "when, for all routes, is false: live"),
        ({"type": "few", "u": None}, "dead_letter", "unmappable", "user_id: u is missing or null"),
        (b"{", "dead_letter", "undecodable", "not JSON"),
        ({"type": "few", "time": "x", "u": ""}, "dead_letter", "unmappable", "empty string"),
    ],
)
def test_every_other_outcome_has_its_sentence(
    bench: Callable[[str], Bench], value: Any, result: str, reason: str, words: str
) -> None:
    (look,) = explained(bench(MAPPING), value).looks

    assert (look.result, look.reason) == (result, reason)
    assert words in look.detail


def test_what_can_be_read_of_a_broken_record_is_told(bench: Callable[[str], Bench]) -> None:
    by_header = bench("event_type: header:kind\nevents: {order: {}}")

    found = explained(by_header, b"{", headers=[("kind", b"order")])

    assert (found.form, found.event_type, found.rule) == (None, "order", "order")
    assert explained(by_header, b"{").event_type is None


def test_the_form_of_the_envelope_is_told(bench: Callable[[str], Bench]) -> None:
    event = {"specversion": "1.0", "type": "order", "source": "s", "id": "1"}
    headers = [(f"ce_{name}", text.encode()) for name, text in event.items()]

    assert explained(bench(MAPPING), event).form == "CloudEvent (structured)"
    assert explained(bench(MAPPING), {}, headers=headers).form == "CloudEvent (binary)"
