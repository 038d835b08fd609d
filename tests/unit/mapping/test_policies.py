"""Records without a type and events without a user: a dead letter, or dropped where somebody wants that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.model import FilterReason, LetterReason
from tests.unit.mapping.conftest import Bench

MAPPING = "on_untyped: drop\non_no_user: drop\nuser_id: u\nevents: {a: {event_name: A}, b: [{user_id: v}, {}]}"


@pytest.mark.parametrize("value", [{}, {"type": None}, {"type": ""}], ids=str)
def test_a_record_without_a_type_is_dropped_where_that_is_wanted(bench: Callable[[str], Bench], value: object) -> None:
    mapping = bench(MAPPING)

    assert mapping.filtered(value).reason is FilterReason.UNTYPED
    assert mapping.map(value) is mapping.map(value), "a row of them is counted in one go"
    assert bench("events: {a: {}}").failed(value).reason is LetterReason.UNMAPPABLE


@pytest.mark.parametrize("value", [{}, {"u": None}, {"u": ""}, {"u": "  "}], ids=str)
def test_an_event_without_a_user_is_dropped_where_that_is_wanted(
    bench: Callable[[str], Bench], value: dict[str, object]
) -> None:
    filtered = bench(MAPPING).filtered({"type": "a"} | value)

    assert filtered.reason is FilterReason.NO_USER
    assert filtered.route is not None
    assert filtered.route.name == "a"


def test_a_type_or_user_that_is_there_and_is_none_is_a_dead_letter_whatever_is_wanted(
    bench: Callable[[str], Bench],
) -> None:
    assert bench(MAPPING).failed({"type": 7}).reason is LetterReason.UNMAPPABLE
    assert bench(MAPPING).failed({"type": "a", "u": {"id": 7}}).reason is LetterReason.UNMAPPABLE
    assert bench(MAPPING).failed({"type": "a", "u": "u\0"}).reason is LetterReason.UNMAPPABLE


def test_they_may_be_said_for_some_topics_only(bench: Callable[[str], Bench]) -> None:
    text = "user_id: u\nper_topic: {clicks: {on_untyped: drop, on_no_user: drop}}\nevents: {a: {event_name: A}}"

    assert bench(text).filtered({}, topic="clicks").reason is FilterReason.UNTYPED
    assert bench(text).filtered({"type": "a"}, topic="clicks").reason is FilterReason.NO_USER
    assert bench(text).failed({}).reason is LetterReason.UNMAPPABLE
    assert bench(text).failed({"type": "a"}).reason is LetterReason.UNMAPPABLE


def test_an_example_expects_them_by_their_names(examples: Callable[[str], dict[str, tuple[str, ...]]]) -> None:
    text = """
on_untyped: drop
on_no_user: drop
user_id: key
key: int64
each: '@'
events: {a: {event_name: A, metadata: {occurred_at: false, event_id: false}}}
examples:
  - {name: without a type, record: {topic: t, value: [{}]}, expect: {dropped: untyped}}
  - {name: without a user, record: {topic: t, value: [{type: a}]}, expect: {dropped: no_user}}
  - {name: no elements, record: {topic: t, value: []}, expect: {dropped: no_elements}}
  - name: a key of bytes
    record: {topic: t, key_base64: AAAAAAAAACo=, value: [{type: a}, {type: a}]}
    expect: [{user_id: "42", event_name: A}, {user_id: "42", event_name: A}]
"""
    assert set(examples(text).values()) == {()}, examples(text)
