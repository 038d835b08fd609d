"""A record's way through the mapping, told step by step."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.review.subjects import subjects
from bridge.mapping.review.walk import MOST_ELEMENTS_TOLD, Walk, walk
from bridge.model import Record, output_of
from tests.unit.mapping.conftest import compiled

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

MAPPING = """
user_id: u
when: live
events:
  order:
    - {event_name: Paid, when: paid, max_age: 1h}
    - {event_name: Gift, metadata: {lines: lines, a: a, b: b.c, d: {path: q, default: 3}}}
    - {event_name: Else, topics: [elsewhere]}
  "o*": {event_name: Any}
  "or*": {event_name: Longer}
  audit: drop
  signup:
    - {identify: {properties: {plan: plan}}}
    - {event_name: Signed up}
per_topic:
  lists: {each: items}
"""
NOW = 1_767_326_400.0


def walked(bench: Bench, value: Any, **changes: Any) -> Walk:
    raw = value if isinstance(value, bytes | None) else json.dumps({"live": True, "u": "u-1", **value}).encode()
    record = Record("shop", 0, 5, 1_767_323_045_000, b"k", raw, ())._replace(**changes)
    return walk(bench.mapping, record, NOW)


def told(found: Walk, what: str) -> list[str]:
    return [f"{step.route or ''}|{step.sentence}" for part in found.parts for step in part.steps if step.what == what]


def test_every_rule_that_fits_is_told_with_why_it_does_or_does_not_apply(bench: Callable[[str], Bench]) -> None:
    exact = walked(bench(MAPPING), {"type": "order"})
    glob = walked(bench(MAPPING), {"type": "orphan"})

    assert told(exact, "rule") == [
        "|'order' applies; 2 rules are for other types",
        "|'or*' fits too and does not apply: an exact type counts before a pattern",
        "|'o*' fits too and does not apply: an exact type counts before a pattern",
    ]
    assert told(glob, "rule")[0] == "|'or*' applies; 3 rules are for other types"
    assert told(glob, "rule")[1] == "|'o*' fits too and does not apply: its text before the first wildcard is shorter"
    nobody = walked(bench(MAPPING), {"type": "x"})
    assert told(nobody, "rule") == ["|none is for this type: 5 rules are for other types"]


def test_every_route_is_told_with_why_it_does_or_does_not_apply(bench: Callable[[str], Bench]) -> None:
    found = walked(bench(MAPPING), {"type": "order", "paid": False})

    assert told(found, "when") == ["|true: live", "order[0]|false: paid"]
    assert told(found, "route") == [
        "order[2]|not for this topic (see its topics)",
        "order[0]|filtered (when): when is false: paid",
        "order[1]|makes the event 'Gift' (POST /v1/track)",
    ]


def test_what_a_condition_lacks_is_named(bench: Callable[[str], Bench]) -> None:
    found = walked(bench("user_id: u\nevents:\n  o: {event_name: O, when: a.b == 'x'}\n"), {"type": "o"})

    assert told(found, "when") == ["o|false: a.b == 'x' (a: not in the value)"]


def test_what_came_out_and_what_was_left_out_is_named(bench: Callable[[str], Bench]) -> None:
    found = walked(bench(MAPPING), {"type": "order", "paid": False, "a": 1, "b": "text", "lines": [{}]})

    assert told(found, "metadata") == [
        "order[1]|filled: a, d (default), occurred_at, event_id",
        "order[1]|left out: lines (has no flat form), b (b is a string, which has no fields)",
    ]


def test_where_time_and_id_come_from_is_told_also_where_kafka_has_to_stand_in(bench: Callable[[str], Bench]) -> None:
    own = walked(bench(MAPPING), {"type": "order", "time": "2026-01-02T01:00:00Z", "id": "e-1"})
    kafkas = walked(bench(MAPPING), {"type": "order"})

    assert (told(own, "time"), told(own, "id")) == (["|from time"], ["|from id"])
    assert told(kafkas, "time") == ["|Kafka's timestamp, as time finds nothing"]
    assert told(kafkas, "id") == ["|its place in Kafka, as id finds nothing"]


def test_age_is_judged_apart_from_everything_else(bench: Callable[[str], Bench]) -> None:
    found = walked(bench(MAPPING), {"type": "order", "paid": True, "time": "2026-01-02T01:00:00Z"})

    made = [(each.made.result, each.made_now.reason) for each in found.events]
    assert made == [("request", "expired"), ("request", None)]


def test_steps_are_told_as_steps_with_their_kinds(bench: Callable[[str], Bench]) -> None:
    found = walked(bench(MAPPING), {"type": "signup", "plan": "pro"})

    assert [(each.number, each.step, each.of, each.kind) for each in found.events] == [
        (0, 0, 2, "identify"),
        (1, 1, 2, "track"),
    ]


def test_elements_are_told_one_by_one_and_only_as_many_as_people_read(bench: Callable[[str], Bench]) -> None:
    items = [{"type": "order", "live": True, "u": f"u-{each}", "paid": True} for each in range(MOST_ELEMENTS_TOLD + 5)]
    mapping = bench(MAPPING).mapping
    record = Record("lists", 0, 5, 1_767_323_045_000, None, json.dumps({"items": items}).encode(), ())

    found = walk(mapping, record, NOW)
    assert (found.elements, len(found.parts)) == (MOST_ELEMENTS_TOLD + 5, MOST_ELEMENTS_TOLD)
    assert [each.number for each in found.parts[3].events] == [output_of(3, 0), output_of(3, 1)]
    (last,) = walk(mapping, record, NOW, (MOST_ELEMENTS_TOLD + 4,)).parts
    assert last.element == MOST_ELEMENTS_TOLD + 4
    assert [each.users for each in subjects(mapping, record)][7] == {"u-7"}


@pytest.mark.parametrize("value", [b"\xff", b"[1]", b"{", b"", b'"text"', b"[" * 3000])
def test_what_cannot_be_read_is_told(bench: Callable[[str], Bench], value: bytes) -> None:
    found = walked(bench(MAPPING), value)

    assert told(found, "value")
    assert [each.made.result for each in found.events] == ["dead_letter"]


@given(
    st.dictionaries(
        st.sampled_from(("type", "u", "live", "paid", "time", "id", "a", "b", "lines")),
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(("order", "Zq8x")),
    ),
    st.sampled_from(("shop", "lists")),
)
def test_nothing_of_a_record_but_its_type_is_in_what_is_told(value: dict[str, Any], topic: str) -> None:
    marked = {**value, "a": "Marked-secret", "b": {"c": "Marked-secret"}, "lines": ["Marked-secret"]}
    record = Record(topic, 0, 5, 1_767_323_045_000, b"Marked-key", json.dumps(marked).encode(), ())

    found = walk(_MAPPING, record, NOW)

    sentences = [step.sentence for part in found.parts for step in part.steps]
    sentences += [sentence for each in found.events for sentence in (each.made.sentence, each.made_now.sentence)]
    assert not any("Marked-" in each for each in sentences)
    assert "Marked-" not in repr(found)
    outcomes = _MAPPING.map_all(record, NOW)
    assert len(found.events) == len(outcomes)


_MAPPING = compiled(MAPPING)
