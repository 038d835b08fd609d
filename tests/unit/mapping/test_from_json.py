"""`from_json()`: JSON inside a text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from bridge.mapping.expressions.functions import inside
from bridge.model import LetterReason

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

FREE = "user_id: u\ncommon_metadata: {occurred_at: false, event_id: false}\n"


def record(text: object) -> dict[str, object]:
    return {"type": "order", "u": "u-1", "payload": text}


@pytest.mark.parametrize("digits", ["123456789012345678901", "99999999999999999.99", "0.1", "-5", "1e2"])
def test_numbers_inside_the_text_are_as_written_there(bench: Callable[[str], Bench], digits: str) -> None:
    inside = bench(f"{FREE}events: {{order: {{metadata: {{m: from_json(payload).n}}}}}}")
    outside = bench(f"{FREE}events: {{order: {{metadata: {{m: payload.n}}}}}}")
    raw = json.dumps(record(None))

    (found,) = inside.map(raw.replace("null", json.dumps(f'{{"n": {digits}}}')).encode())
    (expected,) = outside.map(raw.replace("null", f'{{"n": {digits}}}').encode())

    assert found.body == expected.body  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "u-1", "{", '{"a": NaN}', "[" * 5000, '{"a": "\\ud800"}'])
def test_what_is_not_json_is_a_dead_letter_that_shows_nothing_of_it(bench: Callable[[str], Bench], text: str) -> None:
    failed = bench(f"{FREE}events: {{order: {{metadata: {{m: from_json(payload).a}}}}}}").failed(record(text))

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message == ("metadata.m: from_json(payload).a: from_json() got a string that is not JSON")


def test_json_that_is_refused_for_its_cost_is_said_to_be_that_and_not_no_json(bench: Callable[[str], Bench]) -> None:
    many = f'{{"a": [{", ".join(["0.1234567890123456789"] * 20_000)}]}}'
    failed = bench(f"{FREE}events: {{order: {{metadata: {{m: from_json(payload).a}}}}}}").failed(record(many))

    assert "from_json() cannot read its string: the value has more than 10000 numbers" in failed.message


def test_a_wrong_type_is_never_quietly_null(bench: Callable[[str], Bench]) -> None:
    mapping = bench(f"{FREE}events: {{order: {{metadata: {{m: from_json(payload).a}}}}}}")

    for wrong in (None, 5, {"a": 1}, ["x"]):
        assert "from_json() got" in mapping.failed(record(wrong)).message
    optional = bench(f"{FREE}events: {{order: {{metadata: {{m: payload && from_json(payload).a}}}}}}")
    assert optional.metadata(record(None)) == {}
    assert optional.metadata(record('{"a": 1}')) == {"m": 1}


def test_several_keys_of_one_text_decode_it_once(bench: Callable[[str], Bench]) -> None:
    keys = ", ".join(f"{key}: from_json(payload).{key}" for key in "abc")
    mapping = bench(f"{FREE}events: {{order: {{metadata: {{{keys}}}}}}}")
    before = inside.decoded.cache_info().misses

    assert mapping.metadata(record('{"a": 1, "b": {"c": 2}, "c": [1]}')) == {"a": 1, "b.c": 2, "c": "1"}

    assert inside.decoded.cache_info().misses == before + 1
