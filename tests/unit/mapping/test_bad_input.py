"""Bad records, row by row: what each becomes, and that its message names places and types but shows no value."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from bridge.model import Failed, Filtered, FilterReason, LetterReason, Request

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

MAPPING = """
user_id: data.user_id
events:
  order:
    event_name: Order
    metadata: {total: data.total, big: data.big}
"""

UNDECODABLE = {
    "not JSON": (b'{"type": "order", oops}', "at byte 18"),
    "not JSON after letters of two bytes": ('{"t": "éé", x}'.encode(), "at byte 14"),
    "cut off": (b'{"type": "order"', "at byte 16"),
    "two documents": (b"{}{}", "at byte 2"),
    "latin-1": ('{"type": "ü"}'.encode("latin-1"), "byte at offset 10"),
    "UTF-16 with a mark": ('{"type": "order"}'.encode("utf-16"), "is UTF-16"),
    "UTF-16 little-endian": ('{"type": "order"}'.encode("utf-16-le"), "is UTF-16"),
    "UTF-16 big-endian": ('{"type": "order"}'.encode("utf-16-be"), "is UTF-16"),
    "UTF-32": ('{"type": "order"}'.encode("utf-32"), "is UTF-32"),
    "UTF-32 big-endian": ('{"type": "order"}'.encode("utf-32-be"), "is UTF-32"),
    "empty": (b"", "is empty"),
    "only spaces": (b"   ", "at byte"),
    "too deep": (b'{"a":' * 5000 + b"1" + b"}" * 5000, "depth limit"),
    "NaN": (b'{"a": NaN}', "at byte 6"),
    "Infinity": (b'{"a": -Infinity}', "at byte"),
    "a lone surrogate": (b'{"a": "\\ud800"}', "surrogate"),
    "a lone surrogate beside a number beyond a double": (b'{"n": 1e400, "a": "\\ud800"}', "lone surrogate"),
    "an array": (b"[1, 2]", "is an array; a JSON object is needed"),
    "a string": (b'"order"', "is a string"),
    "a number": (b"17", "is a number"),
    "gzip": (b"\x1f\x8b\x08\x00", "gzip"),
}


@pytest.mark.parametrize("case", UNDECODABLE)
def test_an_undecodable_value_is_a_dead_letter_that_says_where_or_what(
    bench: Callable[[str], Bench], case: str
) -> None:
    raw, words = UNDECODABLE[case]

    failed = bench(MAPPING).failed(raw)

    assert failed.reason is LetterReason.UNDECODABLE
    assert words in failed.message
    assert "oops" not in failed.message


def test_the_record_after_an_undecodable_one_is_unaffected(bench: Callable[[str], Bench]) -> None:
    mapping = bench(MAPPING)
    good = {"type": "order", "id": "e-1", "data": {"user_id": "u-1"}}
    before = mapping.request(good)

    for raw, _ in UNDECODABLE.values():
        mapping.failed(raw)

    assert mapping.request(good) == before


def test_a_tombstone_is_filtered_whatever_the_topic(bench: Callable[[str], Bench]) -> None:
    mapping = bench(MAPPING)

    assert mapping.filtered(None).reason is FilterReason.TOMBSTONE
    assert mapping.filtered(None) is mapping.filtered(None, topic="other"), "counted by identity"


def test_five_megabytes_of_valid_json_are_delivered(bench: Callable[[str], Bench]) -> None:
    value = {"type": "order", "data": {"user_id": "u-1", "total": 3, "padding": ["x" * 100] * 50_000}}

    assert bench(MAPPING).metadata(value)["total"] == 3


INTEGERS = [2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**30 + 1, -(10**40) - 7]


@pytest.mark.parametrize("number", INTEGERS)
def test_an_integer_of_any_size_arrives_digit_by_digit(bench: Callable[[str], Bench], number: int) -> None:
    metadata = bench(MAPPING).metadata({"type": "order", "data": {"user_id": number, "total": 0.1, "big": number}})

    assert (metadata["big"], metadata["total"]) == (number, 0.1)


@pytest.mark.parametrize("number", INTEGERS)
def test_an_integer_of_any_size_can_be_a_user_id(bench: Callable[[str], Bench], number: int) -> None:
    assert bench(MAPPING).request({"type": "order", "data": {"user_id": number}})["user_id"] == str(number)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("to_string(data.big)", str(10**30 + 1)),
        ("data.big == data.other", False),
        ("{path: data.big, type: string}", str(10**30 + 1)),
        ("{path: data.big, divide_by: 1}", 10**30 + 1),
        ("{path: data.list, join: '/'}", f"1/{10**30 + 1}"),
        ("data.list", f"1, {10**30 + 1}"),
        ('{template: "n {data.big}"}', f"n {10**30 + 1}"),
    ],
)
def test_no_expression_sees_a_rounded_integer(order: Callable[[str], Bench], spec: str, expected: Any) -> None:
    number = 10**30 + 1
    value = {"type": "order", "u": "u-1", "data": {"big": number, "other": number + 1, "list": [1, number]}}

    assert order(f"metadata: {{m: {spec}}}" if spec[0] == "{" else f"metadata: {{m: '{spec}'}}").metadata(value) == {
        "m": expected
    }


def test_a_number_beyond_a_double_is_a_dead_letter_only_where_it_is_mapped(bench: Callable[[str], Bench]) -> None:
    mapping = bench(MAPPING)
    elsewhere = b'{"type": "order", "data": {"user_id": "u-1", "unused": 1e400, "total": 12.50}}'
    mapped = b'{"type": "order", "data": {"user_id": "u-1", "total": 1e400}}'

    assert mapping.metadata(elsewhere)["total"] == 12.5
    assert mapping.failed(mapped).reason is LetterReason.INVALID
    endless = b'{"type": "order", "data": {"user_id": "u-1", "total": ' + b"9" * 5000 + b"}}"
    assert mapping.failed(endless).reason is LetterReason.INVALID


@pytest.mark.parametrize("number", ["1e400", "-1e9999999", "1e9007199254740993400", "9" * 2_000_000])
@pytest.mark.parametrize(
    "spec",
    [
        "{path: data.x, divide_by: 7}",
        "{path: data.x, divide_by: 0.1}",
        "{path: data.x, type: integer}",
        "{path: data.x, type: datetime, unit: us}",
    ],
)
def test_a_number_too_large_to_compute_with_is_refused_by_its_type_and_at_once(
    bench: Callable[[str], Bench], number: str, spec: str
) -> None:
    mapping = bench(f"user_id: data.user_id\nevents: {{order: {{event_name: Order, metadata: {{m: {spec}}}}}}}")

    failed = mapping.failed(b'{"type": "order", "data": {"user_id": "u-1", "x": %b}}' % number.encode())

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message.startswith("metadata.m: data.x is a number ")


def test_a_quotient_beyond_a_double_is_refused(bench: Callable[[str], Bench]) -> None:
    spec = "{path: data.x, divide_by: 0.3}"
    mapping = bench(f"user_id: data.user_id\nevents: {{order: {{event_name: Order, metadata: {{m: {spec}}}}}}}")

    failed = mapping.failed(b'{"type": "order", "data": {"user_id": "u-1", "x": 1.7e308}}')

    assert "outside the range of a double" in failed.message


def test_a_large_float_is_itself(bench: Callable[[str], Bench]) -> None:
    raw = b'{"type": "order", "data": {"user_id": "u-1", "total": 1.5e300, "big": 1e25}}'

    metadata = bench(MAPPING).metadata(raw)

    assert (metadata["total"], metadata["big"]) == (1.5e300, 1e25)


USER_IDS = {
    "missing": ({}, "is missing or null"),
    "null": ({"user_id": None}, "is missing or null"),
    "empty": ({"user_id": ""}, "is an empty string"),
    "white space": ({"user_id": " \t"}, "is an empty string"),
    "object": ({"user_id": {"secret": 1}}, "is an object"),
    "array": ({"user_id": ["secret"]}, "is an array"),
    "boolean": ({"user_id": True}, "is a boolean"),
    "fraction": ({"user_id": 12.5}, "is a number with a fraction"),
}


@pytest.mark.parametrize("case", USER_IDS)
def test_a_user_id_that_is_none_is_unmappable_and_named_by_expression_and_type(
    bench: Callable[[str], Bench], case: str
) -> None:
    data, words = USER_IDS[case]

    failed = bench(MAPPING).failed({"type": "order", "data": data})

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message.startswith(f"user_id: data.user_id {words}")
    assert failed.route is not None
    assert failed.route.name == "order"
    assert "secret" not in failed.message


def test_an_integer_is_a_user_id_in_digits(bench: Callable[[str], Bench]) -> None:
    assert bench(MAPPING).request({"type": "order", "data": {"user_id": 42}})["user_id"] == "42"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (None, "is missing or null"),
        ("", "is an empty string"),
        ("  ", "is an empty string"),
        ({"a": 1}, "is an object"),
        (True, "is a boolean"),
        ("Something else", "not in allowed_event_names"),
    ],
)
def test_an_event_name_that_is_none_or_not_allowed_is_unmappable(
    bench: Callable[[str], Bench], name: Any, words: str
) -> None:
    mapping = bench("""
events:
  order:
    event_name: {path: data.name}
    allowed_event_names: [Order paid]
""")

    failed = mapping.failed({"type": "order", "data": {"user_id": "u-1", "name": name}})

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message.startswith("event_name: data.name ")
    assert words in failed.message
    assert "Something" not in failed.message


@pytest.mark.parametrize(
    ("when", "data", "words"),
    [
        ("data.flag", {}, "when: data.flag is missing or null; true or false is needed"),
        ("data.flag", {"flag": "true"}, "is a string"),
        ("data.flag", {"flag": 1}, "is a number"),
        ("data.flag || data.name", {"name": "secret"}, "is a string"),
        ("data.total > `0`", {"total": "12.50"}, "the left side of > is a string"),
        ("data.total > `0`", {}, "the left side of > is null"),
        ("`0` <= data.total", {"total": True}, "the right side of <= is a boolean"),
        ("data.lines[?price > `1`] != `[]`", {"lines": [{"price": "2"}]}, "the left side of > is a string"),
        ("length(data.total) == `1`", {"total": 12.5}, "length() got a number"),
        ("starts_with(data.name, 'a')", {"name": 5}, "starts_with() got a number; a string is needed"),
        ("contains(data.name, `5`)", {"name": "secret"}, "contains() of a string got a number"),
        ("sum(data.list) > `1`", {"list": [1, "secret"]}, "sum() got a string"),
        ("max_by(data.list, &n) == `1`", {"list": [{"n": "a"}, {"n": None}]}, "max_by() got null"),
        ("to_number(data.name) > `1`", {"name": "secret"}, "to_number() got a string that is not a number"),
    ],
)
def test_a_condition_that_is_not_clear_is_unmappable(
    order: Callable[[str], Bench], when: str, data: dict[str, Any], words: str
) -> None:
    failed = order(f"when: {json.dumps(when)}").failed({"type": "order", "u": "u-1", "data": data})

    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message.startswith(f"when: {when}")
    assert words in failed.message
    assert "secret" not in failed.message


@pytest.mark.parametrize("expression", ["lower(n)", "upper(n)", "sha256(n)", "iso8601(n)", "length(n)"])
def test_a_function_given_the_wrong_type_is_unmappable_never_null(
    order: Callable[[str], Bench], expression: str
) -> None:
    mapping = order(f"metadata: {{m: {expression}}}")

    for wrong in (5, None):
        failed = mapping.failed({"type": "order", "u": "u-1", "n": wrong})
        assert failed.reason is LetterReason.UNMAPPABLE
        assert failed.message.startswith(f"metadata.m: {expression}: {expression[:-3]}() got ")


def test_metadata_over_the_limit_is_invalid_with_both_sizes(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
metadata_limit: 100B
common_metadata: {occurred_at: false, event_id: false}
events:
  order: {metadata: {note: data.note}}
""")

    def value(length: int) -> dict[str, Any]:
        return {"type": "order", "data": {"user_id": "u" * 500, "note": "x" * length}}

    within = 100 - len('{"note":""}')
    assert isinstance(mapping.map(value(within))[0], Request)
    failed = mapping.failed(value(within + 1))
    assert failed.reason is LetterReason.INVALID
    assert "101 bytes" in failed.message
    assert "metadata_limit is 100" in failed.message


def nested(depth: int) -> bytes:
    return b'{"type": "order", "data": ' + b'{"user_id":' * depth + b"1" + b"}" * depth + b"}"


def test_a_value_too_deep_to_be_flattened_is_this_routes_dead_letter(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: type\nevents: {order: [{event_name: A, metadata_from: data}, {event_name: B}]}")

    failed, sent = mapping.map(nested(1000))

    assert isinstance(failed, Failed)
    assert failed.message == "the value is nested too deeply to be mapped"
    assert failed.route is not None
    assert isinstance(sent, Request)


def test_an_exception_outside_of_any_route_is_this_records_dead_letter(bench: Callable[[str], Bench]) -> None:
    mapping = bench("event_type: to_string(data)\nevents: {order: {}}")

    if sys.version_info < (3, 12):
        assert mapping.failed(nested(1000)).message == "the value is nested too deeply to be mapped"
    else:  # json goes as deep there as any value that can be read, so that the text is one, which no route names
        (outcome,) = mapping.map(nested(1000))
        assert isinstance(outcome, Filtered)
        assert outcome.reason is FilterReason.UNMAPPED
