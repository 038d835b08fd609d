"""What is filtered before it is decoded is exactly what the mapping would have filtered."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.early_filters import MOST, TRIES, LeadingTypeFilter
from bridge.model import UNREADABLE_HEADERS, Filtered, FilterReason, Outcomes, Record

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

TOPIC = "shop.orders"
MAPPING = "events: {order: {}, audit: drop}"
AUDIT: Outcomes = (Filtered(FilterReason.RULE),)


def record(value: bytes, headers: Any = ()) -> Record:
    return Record(TOPIC, 0, 1, None, None, value, headers)


def learned(bench: Callable[[str], Bench], config: str = MAPPING, seen: bytes = b'{"type":"audit","id":"1"}') -> Any:
    mapping = bench(config).mapping
    mapping.map(record(seen), 0.0)
    return mapping


def early(mapping: Any, value: bytes, headers: Any = None) -> Outcomes | None:
    found = mapping.early_filter(TOPIC)
    return None if found is None else found.outcomes_of(headers, value)


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"audit","id":"2","data":{"n":[1,2]}}',
        b'{"type":"audit","type_of":"order"}',
        b'{"type":"audit","name":"\xc3\xa4"}',
        b'{"type":"audit",\n  "lines": [\n    {\n      "n": 1\n    }\n  ]\n}',
    ],
)
def test_the_next_record_of_a_type_that_was_filtered_is_told_by_its_first_member(
    bench: Callable[[str], Bench], value: bytes
) -> None:
    mapping = learned(bench)
    found = early(mapping, value)
    assert found is not None
    assert found is mapping.map(record(value), 0.0)


def test_what_stands_between_the_brackets_may_be_written_with_blanks(bench: Callable[[str], Bench]) -> None:
    mapping = learned(bench, seen=b' { "type" : "audit", "id": 1}')
    assert early(mapping, b' { "type" : "audit", "id": 2}') is not None


@pytest.mark.parametrize(
    "value",
    [
        b'{"type":"order","id":"2"}',
        b'{"type":"audit","id":"2","type":"order"}',
        b'{"type":"audit","id":"2","t\\u0079pe":"order"}',
        b'{"type":"audit","data":{"type":"order"}}',
        b'{"type":"audit"}',
        b'{"type":"audits","id":"2"}',
        b'{"id":"2","type":"audit"}',
        b'{"type":"audit","id":"2"',
        b'\x00\x00\x00\x00\x2a{"type":"audit","id":"2"}',
        b'{"type":"audit","id":"2"}\n{"user":"u-1"}',
        b'{"type":"audit","id":"2"}\r\n{"user":"u-1"}',
    ],
)
def test_whatever_might_have_another_type_or_is_cut_off_is_left_to_the_mapping(
    bench: Callable[[str], Bench], value: bytes
) -> None:
    assert early(learned(bench), value) is None


@pytest.mark.parametrize(
    ("decode", "headers", "told"),
    [
        ("auto", [("trace", b"1")], True),
        ("auto", [("ce_type", b"order")], False),
        ("auto", [("Content-Type", b"application/cloudevents+json")], False),
        ("json", [("ce_type", b"order")], True),
        ("json", UNREADABLE_HEADERS, False),
    ],
)
def test_a_record_whose_headers_may_say_its_type_is_left_to_the_mapping(
    bench: Callable[[str], Bench], decode: str, headers: Any, *, told: bool
) -> None:
    mapping = learned(bench, f"decode: {decode}\n{MAPPING}")
    assert (early(mapping, b'{"type":"audit","id":"2"}', headers) is not None) == told


@pytest.mark.parametrize(
    "config",
    [
        "on_unmapped: dead_letter\nevents: {order: {}}",
        "event_type: data.type\nevents: {order: {}}",
        "event_type: lower(type)\nevents: {order: {}}",
        "event_type: {path: type, default: audit}\nevents: {order: {}}",
        "decode: cloudevents\nevents: {order: {}}",
        "each: items\nevents: {order: {}}",
        "events: {audit: {when: data.paid}}",
    ],
)
def test_nothing_is_told_where_the_type_alone_does_not_filter_or_the_bytes_are_not_what_expressions_see(
    bench: Callable[[str], Bench], config: str
) -> None:
    seen = b'{"type":"audit","data":{"user_id":"u","paid":false}}'
    mapping = learned(bench, config, seen)
    assert early(mapping, seen) is None


MEMBERS = st.lists(
    st.tuples(st.sampled_from(["type", "id", "typ", "ty\\pe"]), st.sampled_from(["audit", "order", 'a"b', 1, None])),
    max_size=4,
)


@given(members=MEMBERS, separators=st.sampled_from([(",", ":"), (", ", ": ")]), escape=st.booleans())
def test_it_never_tells_anything_but_what_decoding_would_have(
    *, members: list[tuple[str, Any]], separators: tuple[str, str], escape: bool
) -> None:
    parts = [f"{json.dumps(name)}{separators[1]}{json.dumps(content)}" for name, content in members]
    text = "{" + separators[0].join(parts) + "}"
    if escape:
        text = text[:9] + text[9:].replace('"type"', '"t\\u0079pe"')
    told = LeadingTypeFilter("type", in_headers=False)
    told.learn(f'{{"type"{separators[1]}"audit"{separators[0]}"id":1}}'.encode(), "audit", AUDIT)
    assert told.filtered
    if told.outcomes_of(None, text.encode()) is not None:
        assert json.loads(text)["type"] == "audit"


def test_it_stops_to_look_where_types_do_not_lead_and_forgets_nothing_it_knows() -> None:
    told = LeadingTypeFilter("type", in_headers=True)
    told.learn(b'{"type":"audit","id":1}', "audit", AUDIT)
    for _ in range(TRIES):
        told.learn(b'{"id":1,"type":"audit"}', "audit", AUDIT)
    assert told.tries == 0
    assert told.outcomes_of(None, b'{"type":"audit","id":1}') is AUDIT


def test_what_it_keeps_is_bounded() -> None:
    told = LeadingTypeFilter("type", in_headers=True)
    for number in range(MOST + 10):
        told.learn(b'{"type":"%d","id":1}' % number, str(number), AUDIT)
    told.learn(b'{"type":"%b","id":1}' % (b"x" * 1000), "x" * 1000, AUDIT)
    assert len(told.filtered) == MOST
