"""Examples, explanations and counts name each kind of route and show its request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bridge.cli.samples import outcomes as shown
from bridge.cli.samples.histogram import Histogram
from bridge.mapping.review.coverage import Coverage
from bridge.mapping.review.explain import explain
from bridge.model import Record
from tests.unit.mapping.conftest import NOW, compiled

MAPPING = """
user_id: data.id
common_metadata: {occurred_at: false, event_id: false}
events:
  user.signed_up:
    - identify:
        properties: {plan: data.plan, trial: data.trial}
        clear: [trial]
        company: {id: data.org.id, properties: {name: data.org.name}}
    - event_name: Signed Up
  company.renamed: {company: {id: data.org.id, properties: {name: data.org.name}}}
  user.deleted: {forget: true}
  user.seen: {identify: true}
"""
SIGNED_UP: dict[str, Any] = {
    "type": "user.signed_up",
    "data": {"id": "u-1", "plan": "pro", "trial": None, "org": {"id": "c-1", "name": "Acme"}},
}


def record(value: Any) -> Record:
    return Record("shop.users", 0, 7, None, None, json.dumps(value).encode(), ())


def test_an_example_expects_each_kind_by_its_document(examples: Callable[[str], dict[str, tuple[str, ...]]]) -> None:
    found = examples(f"""{MAPPING}
examples:
  - name: steps
    input: {json.dumps(SIGNED_UP)}
    expect:
      - identify: {{user_id: u-1, metadata: {{plan: pro, trial: null}}, company: {{id: c-1, name: Acme}}}}
      - {{user_id: u-1, event_name: Signed Up}}
  - name: company
    input: {json.dumps({**SIGNED_UP, "type": "company.renamed"})}
    expect: {{company: {{company_id: c-1, metadata: {{name: Acme}}}}}}
  - name: forget
    input: {json.dumps({**SIGNED_UP, "type": "user.deleted"})}
    expect: {{dropped: forget}}
  - name: bare
    input: {json.dumps({**SIGNED_UP, "type": "user.seen"})}
    expect: {{identify: {{user_id: u-1}}}}
""")
    assert found == {"steps": (), "company": (), "forget": (), "bare": ()}


def test_an_example_that_is_wrong_says_what_became_of_each(
    examples: Callable[[str], dict[str, tuple[str, ...]]],
) -> None:
    found = examples(f"""{MAPPING}
examples:
  - name: other values
    input: {json.dumps(SIGNED_UP)}
    expect:
      - identify: {{user_id: u-2, metadata: {{plan: free, trial: 1}}, company: {{id: c-2, size: 3}}}}
      - {{user_id: u-1, event_name: Signed Up}}
  - name: other kinds
    input: {json.dumps(SIGNED_UP)}
    expect:
      - {{user_id: u-1, event_name: Signed Up}}
      - {{identify: {{user_id: u-1}}}}
  - name: no company
    input: {json.dumps({**SIGNED_UP, "type": "user.seen"})}
    expect: {{identify: {{user_id: u-1, company: {{id: c-1}}}}}}
  - name: nothing expected
    input: {json.dumps(SIGNED_UP)}
    expect: {{dropped: forget}}
  - name: more expected
    input: {json.dumps({**SIGNED_UP, "type": "user.deleted"})}
    expect: [{{company: {{company_id: c-1}}}}, {{identify: {{user_id: u-1}}}}]
""")
    assert found == {
        "other values": (
            "identify 1: user_id: expected 'u-2', got 'u-1'",
            'identify 1: metadata.plan: expected "free", got "pro"',
            "identify 1: metadata.trial: expected 1, got null",
            'identify 1: company.id: expected "c-2", got "c-1"',
            "identify 1: company.size: expected 3, but it is not there",
            'identify 1: company.name: not expected, got "Acme"',
        ),
        "other kinds": (
            "request 1: expected the event 'Signed Up', got an identify of 'u-1'",
            "request 2: expected an identify of 'u-1', got the event 'Signed Up'",
        ),
        "no company": ("identify 1: company: expected, but there is none",),
        "nothing expected": (
            "not expected: an identify of 'u-1' of user.signed_up[0]",
            "not expected: the event 'Signed Up' of user.signed_up[1]",
            "expected to be dropped (forget), but it was not",
        ),
        "more expected": (
            "expected the company 'c-1', but it was not sent",
            "expected an identify of 'u-1', but it was not sent",
            "dropped: user.deleted: its route forgets the user",
        ),
    }


def test_an_explanation_says_what_each_request_does_and_shows_its_body() -> None:
    mapping = compiled(MAPPING)
    assert shown.describe(explain(mapping, record(SIGNED_UP), NOW))[1:] == [
        "  user.signed_up[0]: request: identifies user 'u-1' with 2 properties, of company 'c-1' with 1 property",
        '    {"user_id":"u-1","metadata":{"plan":"pro","trial":null},"company":{"id":"c-1","name":"Acme"}}',
        "  user.signed_up[1]: request: sends 'Signed Up' for user 'u-1'",
        '    {"user_id":"u-1","event_name":"Signed Up"}',
    ]
    assert shown.describe(explain(mapping, record({**SIGNED_UP, "type": "company.renamed"}), NOW))[1:] == [
        "  company.renamed: request: describes company 'c-1' with 1 property",
        '    {"company_id":"c-1","metadata":{"name":"Acme"}}',
    ]
    assert shown.describe(explain(mapping, record({**SIGNED_UP, "type": "user.deleted"}), NOW))[1:] == [
        "  user.deleted: filtered (forget): user 'u-1' is forgotten"
    ]
    kinds = [each["kind"] for each in shown.document(explain(mapping, record(SIGNED_UP), NOW))["outcomes"]]
    assert kinds == ["identify", "track"]


def test_a_histogram_counts_kinds_and_only_events_have_names() -> None:
    mapping, histogram = compiled(MAPPING), Histogram()
    for kind in ("user.signed_up", "company.renamed", "user.deleted"):
        each = record({**SIGNED_UP, "type": kind})
        histogram.add(each, mapping.map_all(each, NOW))
    document = histogram.document()
    assert document["event_names"] == {"Signed Up": 1}
    assert document["users"] == 1
    assert [(each["outcome"], each["route"]) for each in document["outcomes"]] == [
        ("request", "user.signed_up[1]"),
        ("request: company", "company.renamed"),
        ("request: identify", "user.signed_up[0]"),
        ("filtered: forget", "user.deleted"),
    ]


def test_the_coverage_of_properties_is_that_of_metadata() -> None:
    mapping = compiled(MAPPING)
    seen = Coverage(mapping)
    for value in (SIGNED_UP, {"type": "user.signed_up", "data": {"id": "u-2", "org": {"id": "c-2"}}}):
        seen.add(record(value), mapping.map_all(record(value), NOW))
    keys = seen.routes["user.signed_up[0]"].keys
    assert {name: fill.filled for name, fill in keys.items()} == {"plan": 1, "trial": 1, "company: name": 1}


def test_properties_that_vanish_are_counted_as_metadata_is() -> None:
    mapping = compiled(MAPPING)
    mapping.map(record({"type": "user.signed_up", "data": {"id": "u-2", "org": {"id": "c-2"}}}), NOW)
    mapping.map(record(SIGNED_UP), NOW)
    counts = {(key.route, key.key): count.absent for key, count in mapping.key_counts().items()}
    assert counts == {
        ("user.signed_up[0]", "identify.properties.plan"): 1,
        ("user.signed_up[0]", "identify.properties.trial"): 2,
        ("user.signed_up[0]", "identify.company.properties.name"): 1,
    }
