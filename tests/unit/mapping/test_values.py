from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bridge.model import LetterReason, Request

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench


def value(found: Any) -> dict[str, Any]:
    return {"type": "order", "u": "u-1", "x": found}


@pytest.mark.parametrize(
    ("found", "metadata"),
    [
        ("text", {"m": "text"}),
        ("", {"m": ""}),
        (5, {"m": 5}),
        (12.5, {"m": 12.5}),
        (0.1, {"m": 0.1}),
        (False, {"m": False}),
        (None, {}),
        ({}, {}),
        ([], {}),
        ([None], {}),
        (["a", 1, 2.5, True, None], {"m": "a, 1, 2.5, true"}),
        ({"city": "Bern", "geo": {"lat": 46.9, "none": None}}, {"m.city": "Bern", "m.geo.lat": 46.9}),
        ("2026-01-02", {"m": "2026-01-02"}),
        ("1767323045", {"m": "1767323045"}),
        ("None", {"m": "None"}),
    ],
)
def test_metadata_is_flat_and_nothing_is_reinterpreted(
    order: Callable[[str], Bench], found: Any, metadata: dict[str, Any]
) -> None:
    got = order("metadata: {m: x}").metadata(value(found))

    assert got == metadata
    assert [type(each) for each in got.values()] == [type(each) for each in metadata.values()]


@pytest.mark.parametrize("found", [[{}], [[1]], ["a", {"b": 1}]])
def test_a_list_of_anything_but_scalars_is_left_out_and_counted(order: Callable[[str], Bench], found: Any) -> None:
    (outcome,) = order("metadata: {m: x, n: u, o: {path: x}}").map(value(found))

    assert isinstance(outcome, Request)
    assert outcome.left_out == 2
    assert b'"metadata":{"n":"u-1"}' in outcome.body


def test_two_values_of_one_name_are_told_and_the_first_stays(order: Callable[[str], Bench]) -> None:
    (outcome,) = order("metadata_from: x").map(value({"a.b": 1, "a": {"b": 2}}))

    assert isinstance(outcome, Request)
    assert outcome.left_out == 1
    assert outcome.body.endswith(b'"metadata":{"a.b":1}}')


def test_a_key_that_is_written_out_wins_over_a_flattened_one(order: Callable[[str], Bench]) -> None:
    for route in (
        "metadata: {m: x, m.a: u}",
        "metadata: {m.a: u, m: x}",
        "metadata: {m.a: u}\nmetadata_from: '{m: x}'",
    ):
        assert order(route).metadata(value({"a": 1, "b": 2})) == {"m.a": "u-1", "m.b": 2}
    joined = order("metadata: {m: x, m.a: x.b}").metadata(value({"a": 1, "b": ["c", "d"]}))
    assert joined == {"m.a": "c, d", "m.b": "c, d"}


@pytest.mark.parametrize(
    ("spec", "found", "expected"),
    [
        ("type: string", 12.5, "12.5"),
        ("type: string", True, "true"),
        ("type: string", "a", "a"),
        ("type: integer", "12", 12),
        ("type: integer", 12.0, 12),
        ("type: number", "12.50", 12.5),
        ("type: number", "-3", -3),
        ("type: number", "1e2", 100.0),
        ("type: boolean", "true", True),
        ("type: boolean", 0, False),
        ("type: boolean", True, True),
        ("type: datetime", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("type: datetime", "2026-01-02T03:04:05.120+01:00", "2026-01-02T02:04:05.120Z"),
        ("type: datetime", "20260102T030405Z", "2026-01-02T03:04:05Z"),
        ("type: datetime", "2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456Z"),
        ("type: datetime, unit: s", 1767323045, "2026-01-02T03:04:05Z"),
        ("type: datetime, unit: s", 1767323045.5, "2026-01-02T03:04:05.500Z"),
        ("type: datetime, unit: ms", 1767323045000, "2026-01-02T03:04:05Z"),
        ("type: datetime, unit: ms", "1767323045120", "2026-01-02T03:04:05.120Z"),
        ("type: datetime, unit: us", 1767323045000001, "2026-01-02T03:04:05.000001Z"),
        ("type: datetime, unit: s", -1, "1969-12-31T23:59:59Z"),
        ("type: datetime, unit: s", " 1767323045 ", "2026-01-02T03:04:05Z"),
        ("type: datetime, unit: ns", 1767323045000000001, "2026-01-02T03:04:05Z"),
        ("type: datetime, unit: ns", "1767323045123456789", "2026-01-02T03:04:05.123457Z"),
        ("type: datetime, unit: d", 20455, "2026-01-02T00:00:00Z"),
        ("type: datetime, unit: d", -1, "1969-12-31T00:00:00Z"),
        ("type: datetime, unit: d", 20455.5, "2026-01-02T12:00:00Z"),
        ("type: datetime, unit: ms, divide_by: 10", 17673230451200, "2026-01-02T03:04:05.120Z"),
        ("type: datetime, unit: s, divide_by: 1e8", "176732304500000000", "2026-01-02T03:04:05Z"),
        ("type: datetime, unit: s, divide_by: 0.001", 1767323.045, "2026-01-02T03:04:05Z"),
        ("type: integer", " 12\n", 12),
        ("type: number", "\t-12.5 ", -12.5),
        ("type: number, divide_by: 100", " 1250 ", 12.5),
        ("type: number, decimal: ','", "1.234,56", 1234.56),
        ("type: number, decimal: ','", " -1 234 567,5 ", -1234567.5),
        ("type: number, decimal: ','", "1234,5", 1234.5),
        ("type: number, decimal: ','", "99.999.999.999.999.999,99", 99999999999999999.99),
        ("type: number, decimal: ','", 12.5, 12.5),
        ("type: integer, decimal: ','", "1.234", 1234),
        ("type: integer, decimal: ','", "1.234,00", 1234),
        ("type: number, decimal: '.'", "1,234.56", 1234.56),
        ("type: number, decimal: '.'", "1'234.56", 1234.56),
        ("type: number, decimal: ',', divide_by: 10", "1.234,5", 123.45),
        ("divide_by: 100", 1250, 12.5),
        ("divide_by: 100", 1200, 12),
        ("divide_by: 100", 1, 0.01),
        ("divide_by: 0.1", 0.3, 3),
        ("divide_by: 3", 10, 10 / 3),
        ("divide_by: 100, type: number", "1250", 12.5),
        ("divide_by: 100, type: integer", 1200, 12),
        ("divide_by: 1", 2**60 + 1, 2**60 + 1),
        ("join: ' | '", ["a", 1, None], "a | 1"),
        ("join: '-'", "alone", "alone"),
        ("join: ','", [], None),
        ("join: ',', divide_by: 10", [15, 20], "1.5,2"),
        ("default: none", None, "none"),
        ("default: none", "", ""),
        ("default: 0", {}, None),
        ("required: true", 0, 0),
    ],
)
def test_a_value_is_converted_as_asked(order: Callable[[str], Bench], spec: str, found: Any, expected: Any) -> None:
    got = order(f"metadata: {{m: {{path: x, {spec}}}}}").metadata(value(found))

    assert got == ({} if expected is None else {"m": expected})
    assert type(got.get("m")) is type(expected)


@pytest.mark.parametrize(
    ("spec", "found", "words"),
    [
        ("type: string", {"secret": 1}, "x is an object; a string, a number or a boolean is needed"),
        ("type: string", ["secret"], "x is an array"),
        ("type: integer", 12.5, "a number with a fraction; an integer is needed"),
        ("type: integer", "secret", "a string that is not a number; an integer is needed"),
        ("type: integer", "12.5", "a number with a fraction"),
        ("type: number", True, "x is a boolean; a number is needed"),
        ("type: number", "NaN", "a string that is not a number"),
        ("type: number", "1 2", "a string that is not a number"),
        ("type: boolean", "secret", "a string other than true and false"),
        ("type: boolean", 2, "a number other than 0 and 1"),
        ("type: boolean", [], "is an array"),
        ("type: datetime", "secret", "is a string that is not an ISO 8601 time"),
        ("type: datetime", "2026-01-02T03:04:05", "is a time without a zone"),
        ("type: datetime", "2026-01-02", "is a time without a zone"),
        ("type: datetime", 1767323045, "nothing says what it counts"),
        ("type: datetime", True, "is a boolean; a time is needed"),
        (
            "type: datetime, unit: s",
            1767323045000000,
            "not between the years 1 and 9999; in us it is one of this century",
        ),
        ("type: datetime, unit: d", 1767323045000, "not between the years 1 and 9999; in ms it is one of this century"),
        ("type: datetime, unit: ms, divide_by: 10", "now", "a string that is not a number; a number is needed"),
        ("type: number, decimal: ','", "1.23", "a string that is not a number with ',' before its decimals"),
        ("type: number, decimal: ','", "1,234.56", "a string that is not a number with ',' before its decimals"),
        ("type: number, decimal: ','", "1.234 567,8", "a string that is not a number with ',' before its decimals"),
        ("type: number, decimal: '.'", "1.234,56", "a string that is not a number with '.' before its decimals"),
        ("type: number, decimal: '.'", "1e5", "a string that is not a number with '.' before its decimals"),
        ("type: number, decimal: '.'", True, "a boolean; a number is needed"),
        ("type: integer, decimal: ','", "1.234,5", "a number with a fraction; an integer is needed"),
        ("divide_by: 100", "1250", "is a string; a number is needed to divide"),
        ("divide_by: 100", None, None),
        ("divide_by: 100", True, "is a boolean"),
        ("divide_by: 100, type: integer", 1250, "a number with a fraction"),
        ("join: ', '", {"secret": 1}, "is an object; an array is needed to join"),
        ("join: ', '", [{"secret": 1}], "is an array that holds an object"),
        ("required: true", None, "is missing or null, and it is required"),
    ],
)
def test_a_value_of_the_wrong_type_is_unmappable_and_not_shown(
    order: Callable[[str], Bench], spec: str, found: Any, words: str | None
) -> None:
    mapping = order(f"metadata: {{m: {{path: x, {spec}}}}}")
    if words is None:
        assert mapping.metadata(value(found)) == {}
        return

    failed = mapping.failed(value(found))

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message.startswith("metadata.m: x is ")
    assert words in failed.message
    assert "secret" not in failed.message


def test_a_template_is_whole_or_not_there(order: Callable[[str], Bench]) -> None:
    mapping = order('metadata: {m: {template: "{{{x}}} by {upper(u)} on {topic}"}}')

    assert mapping.metadata(value(5)) == {"m": "{5} by U-1 on shop.orders"}
    assert mapping.metadata(value(True)) == {"m": "{true} by U-1 on shop.orders"}
    assert mapping.metadata(value(None)) == {}
    assert "{x} in the template is an object" in mapping.failed(value({"a": 1})).message


def test_braces_and_quotes_inside_a_template_belong_to_their_expression(order: Callable[[str], Bench]) -> None:
    mapping = order("metadata: {m: {template: \"{ {a: x}.a }/{join('}', ['1', '2'])}\"}}")

    assert mapping.metadata(value("v")) == {"m": "v/1}2"}


def test_stringify_makes_texts_of_all_metadata(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
stringify: true
user_id: u
events: {order: {metadata: {a: x.a, b: x.b, c: x.c, d: x.d}}}
""")
    found = mapping.metadata(value({"a": True, "b": 12.5, "c": 3, "d": None}))

    assert found == {
        "a": "true",
        "b": "12.5",
        "c": "3",
        "occurred_at": "2026-01-02T03:04:05Z",
        "event_id": "shop.orders/3/17",
    }


def test_a_request_has_the_documented_fields_and_no_others(order: Callable[[str], Bench]) -> None:
    assert order("metadata: {m: x}").request(value(1)) == {
        "user_id": "u-1",
        "event_name": "Order",
        "metadata": {"m": 1},
    }
    assert order("metadata: {m: x}").request(value(None)) == {"user_id": "u-1", "event_name": "Order"}


def test_text_of_any_script_arrives_as_it_is(order: Callable[[str], Bench]) -> None:
    text = "Zürich 東京 🎉 \u0000\u2028"

    assert order("metadata: {m: x}").metadata(value(text)) == {"m": text}


def test_metadata_from_flattens_an_object_and_omits_by_glob(order: Callable[[str], Bench]) -> None:
    mapping = order("metadata_from: x\nmetadata_omit: [email, 'address.*', '*_secret', deep]\nmetadata: {own: u}")
    found = {
        "plan": "pro",
        "email": "a",
        "address": {"city": "b", "geo": {"lat": 1}},
        "api_secret": "c",
        "a": {"b_secret": "d", "email": "kept"},
        "deep": {"er": [{}]},
        "own": "taken",
    }

    (outcome,) = mapping.map(value(found))

    assert mapping.metadata(value(found)) == {"own": "u-1", "plan": "pro", "a.email": "kept"}
    assert isinstance(outcome, Request)
    assert outcome.left_out == 1, "only the key that was taken; what is omitted on purpose is not counted"


def test_metadata_from_anything_but_an_object_is_unmappable(order: Callable[[str], Bench]) -> None:
    mapping = order("metadata_from: x")

    assert mapping.metadata(value(None)) == {}
    assert mapping.failed(value([1])).message == "metadata_from: x is an array; an object is needed"


def test_common_metadata_is_added_unless_the_route_has_or_refuses_the_key(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
user_id: u
common_metadata: {source: {value: bridge}, event_id: false, place: topic}
events:
  order: {metadata: {place: x, source: false}}
  other: {metadata_from: x}
""")
    common = {"occurred_at": "2026-01-02T03:04:05Z"}

    assert mapping.metadata(value("here")) == {"place": "here", **common}
    assert mapping.metadata(value(None)) == common, "the route has the key, even where it finds nothing"
    other = {"type": "other", "u": "u-1", "x": {"place": "there"}}
    assert mapping.metadata(other) == {"place": "there", "source": "bridge", **common}
    (outcome,) = mapping.map(other)
    assert isinstance(outcome, Request)
    assert outcome.left_out == 0, "a common key that gives way is not a value left out"


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("yesterday", "occurred_at: time is a string that is not an ISO 8601 time"),
        ("2026-01-02T03:04:05", "occurred_at: time is a time without a zone"),
        (1767323045, "occurred_at: time is a number, and nothing says what it counts"),
        ({}, "occurred_at: time is an object; a time is needed"),
    ],
)
def test_a_time_is_never_guessed(bench: Callable[[str], Bench], time: Any, words: str) -> None:
    mapping = bench("user_id: u\nevents: {order: {}}")

    assert words in mapping.failed({**value(1), "time": time}).message


def test_an_event_without_any_time_has_none(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: u\nevents: {order: {}}")

    assert mapping.metadata(value(1), timestamp_ms=None) == {"event_id": "shop.orders/3/17"}


@pytest.mark.parametrize(
    ("found", "expected"), [("e-1", "e-1"), (7, "7"), ("", "shop.orders/3/17"), (None, "shop.orders/3/17")]
)
def test_an_event_id_is_the_records_own_or_its_coordinates(
    bench: Callable[[str], Bench], found: Any, expected: str
) -> None:
    assert bench("user_id: u\nevents: {order: {}}").metadata({**value(1), "id": found})["event_id"] == expected


def test_an_event_id_of_another_type_is_unmappable(bench: Callable[[str], Bench]) -> None:
    failed = bench("user_id: u\nevents: {order: {}}").failed({**value(1), "id": [1]})

    assert failed.message == "event_id: id is an array; a string or an integer is needed"
