"""Which metadata keys found nothing, counted event by event, and noticing when one vanishes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.absent_keys import PATTERNS_KEPT, WINDOW, AbsentKeys, KeyCount, KeyWatch, MetadataKey
from bridge.mapping.mapper import CompiledMapping
from bridge.model import Record
from tests.unit.mapping.conftest import NOW, compiled

AMOUNT = MetadataKey("order", "amount", "data.total")


def mapped(mapping: CompiledMapping, *values: dict[str, Any], topic: str = "shop") -> dict[tuple[str, str], KeyCount]:
    for place, value in enumerate(values):
        raw = json.dumps({"type": "order", "u": "u-1"} | value).encode()
        mapping.map(Record(topic, 0, place, 1_767_323_045_000, None, raw, ()), NOW)
    return {(key.route, key.key): count for key, count in mapping.key_counts().items()}


# --- counting


def test_each_key_counts_the_events_in_which_it_found_nothing() -> None:
    mapping = compiled(
        "user_id: u\ncommon_metadata: {tenant: data.tenant}\nevents: {order: {metadata: {a: data.a, b: {path: data.b, "
        "type: integer}, c: 'length(data.c || `[]`)', d: {template: '{data.d}!'}, w: {value: web}}}}"
    )

    counts = mapped(mapping, {"data": {"a": 1, "tenant": "t"}}, {"data": {"a": None, "b": 5, "d": "x"}}, {"data": {}})

    assert counts == {
        ("order", "a"): KeyCount(3, 2),
        ("order", "b"): KeyCount(3, 2),
        ("order", "c"): KeyCount(3, 0),
        ("order", "d"): KeyCount(3, 2),
        ("order", "tenant"): KeyCount(3, 2),
    }


def test_a_default_does_not_hide_that_nothing_was_found_and_is_sent_all_the_same() -> None:
    mapping = compiled(
        "user_id: u\ncommon_metadata: {occurred_at: false, event_id: false}\nevents: {order: {metadata: {a: {path: "
        "data.a, default: 5, divide_by: 100, type: number}, b: {path: lower(data.b || ''), default: x}, "
        "c: {path: data.c, join: '-', default: none}}}}"
    )
    raw = json.dumps({"type": "order", "u": "u-1", "data": {"c": []}}).encode()
    (outcome,) = mapping.map(Record("t", 0, 0, None, None, raw, ()), NOW)

    assert json.loads(outcome.body)["metadata"] == {"a": 5, "b": "", "c": "none"}  # type: ignore[union-attr]
    counts = mapped(mapping, {"data": {"a": 1250, "c": ["x"]}})
    assert counts["order", "a"] == KeyCount(2, 1)
    assert counts["order", "c"] == KeyCount(2, 1)


def test_a_whole_object_that_is_not_there_is_counted_and_so_are_keys_behind_it() -> None:
    mapping = compiled(
        "user_id: u\ncommon_metadata: {tenant: tenant}\n"
        "events: {order: {metadata_from: data, metadata: {own: data.own}}}"
    )

    counts = mapped(mapping, {"data": {"tenant": "in the object"}}, {"tenant": "outside"}, {})

    assert counts == {
        ("order", "own"): KeyCount(3, 3),
        ("order", "(metadata_from)"): KeyCount(3, 2),
        ("order", "tenant"): KeyCount(3, 1),
    }


def test_a_route_is_one_on_topics_with_different_settings() -> None:
    mapping = compiled(
        "user_id: u\nper_topic: {other: {stringify: true}}\nevents: {order: {metadata: {a: data.a}}}",
    )
    mapped(mapping, {"data": {"a": 1}}, topic="other")

    assert mapped(mapping, {"data": {}})["order", "a"] == KeyCount(2, 1)


def test_only_what_becomes_an_event_counts_and_a_second_look_counts_once() -> None:
    mapping = compiled("user_id: u\nevents: {order: {when: data.ok, metadata: {a: data.a, n: data.n}}}")

    counts = mapped(
        mapping,
        {"data": {"ok": False}},
        {"u": None, "data": {"ok": True}},
        {"data": {"ok": True, "n": 1e300}},
        {"data": {"ok": True, "n": 36893488147419103233}},
    )

    assert counts["order", "a"] == KeyCount(2, 2)
    assert counts["order", "n"] == KeyCount(2, 0)


@given(st.lists(st.integers(0, 2**12 - 1), max_size=3 * PATTERNS_KEPT))
def test_any_number_of_patterns_is_counted_in_bounded_space(patterns: list[int]) -> None:
    counts = AbsentKeys(MetadataKey("r", str(place), "x") for place in range(12))
    for bits in patterns:
        counts[bits] += 1
        assert len(counts) <= PATTERNS_KEPT

    assert list(counts.counts().values()) == [
        KeyCount(len(patterns), sum(bits >> place & 1 for bits in patterns)) for place in range(12)
    ]
    assert list(counts.counts().values())[:1] == [KeyCount(len(patterns), sum(bits & 1 for bits in patterns))]


def test_records_of_ever_new_patterns_take_no_more_space() -> None:
    counts = AbsentKeys(MetadataKey("r", str(place), "x") for place in range(20))
    largest = 0
    for bits in range(20 * PATTERNS_KEPT):
        counts[bits] += 1
        largest = max(largest, len(counts))

    assert largest == PATTERNS_KEPT
    assert {count.events for count in counts.counts().values()} == {20 * PATTERNS_KEPT}


# --- noticing


def told(*windows: tuple[int, int]) -> list[tuple[bool, int]]:
    """What is said after each of these windows of (events, of them absent)."""
    watch, total, said = KeyWatch(), KeyCount(), []
    for events, absent in windows:
        total += KeyCount(events, absent)
        said += [(change.vanished, change.events) for change in watch.look({AMOUNT: total})]
    return said


def test_a_key_that_was_there_and_vanishes_is_told_once_and_again_when_it_is_back() -> None:
    assert told((500, 0), (40, 40), (500, 500), (30, 30), (25, 0), (100, 0)) == [(True, 40), (False, 25)]
    assert told((20, 5), (20, 20), (20, 0), (20, 20)) == [(True, 20), (False, 20), (True, 20)], "each spell"


@pytest.mark.parametrize(
    "windows",
    [
        [(500, 500), (500, 500)],
        [(500, 300), (500, 500)],
        [(500, 0), (500, 499), (500, 1)],
        [(500, 0), (WINDOW - 1, WINDOW - 1)],
        [(WINDOW - 1, 0), (1, 1)],
    ],
    ids=["never there", "optional", "half of the producers", "too few to tell", "one of a window"],
)
def test_nothing_is_told_of_a_key_that_was_never_sure_or_is_still_there(windows: list[tuple[int, int]]) -> None:
    assert told(*windows) == []


def test_few_events_at_a_time_are_judged_together() -> None:
    assert told(*[(3, 0)] * 10, *[(3, 3)] * 13) == [(True, 21)]


def test_a_few_events_that_have_it_do_not_end_a_spell() -> None:
    assert told((100, 0), (100, 100), (100, 95), (100, 100), (100, 20)) == [(True, 100), (False, 100)]
