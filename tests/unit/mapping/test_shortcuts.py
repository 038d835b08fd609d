from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.config.keys.values import PathValue, TemplateValue
from bridge.decode import plain_json
from bridge.decode.failures import MappingError
from bridge.decode.protocol import EXACT, DecodeSettings
from bridge.mapping.expressions.paths import path_reader
from bridge.mapping.expressions.readers import ValueReader
from bridge.mapping.expressions.scope import InexactNumberError, Scope
from bridge.mapping.expressions.values import compile_condition, compile_value
from bridge.model import FilterReason, Record
from tests.unit.mapping.conftest import Bench, compiled

CONVERSIONS = {
    "a join": (PathValue(path="a.b", join=", "), ["x", "y"], "x, y"),
    "a division": (PathValue(path="a.b", divide_by=100), 1250, 12.5),
    "a division without a rest": (PathValue(path="a.b", divide_by=5.0), 10, 2),
    "a count of milliseconds": (
        PathValue(path="a.b", type="datetime", unit="ms"),
        1_767_323_045_678,
        "2026-01-02T03:04:05.678Z",
    ),
    "a time": (PathValue(path="a.b", type="datetime"), "2026-01-02T04:04:05+01:00", "2026-01-02T03:04:05Z"),
    "a string": (PathValue(path="a.b", type="string"), "x", "x"),
    "an integer": (PathValue(path="a.b", type="integer"), 3, 3),
    "a number": (PathValue(path="a.b", type="number", required=True), 2.5, 2.5),
    "a boolean": (PathValue(path="a.b", type="boolean"), False, False),
    "a default": (PathValue(path="a.b", default="none"), True, True),
    "a default of a query": (PathValue(path="length(a.b)", default=0), [1], 1),
}
QUERIES = {
    "length(a.b)": ({"x": 1}, 1),
    "lower(a.b)": ("Ä", "ä"),
    "upper(a.b)": ("ä", "Ä"),
    "sha256(a.b)": ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    "iso8601(a.b)": ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
    "iso8601(a.b, 's')": (1_767_323_045, "2026-01-02T03:04:05Z"),
    "max(a.b[].c)": ([{"c": 1}, {"c": 2.5}], 2.5),
    "min(a.b[].c)": ([{"c": 1}, {"c": 2.5}], 1),
    "sum(a.b[].c)": ([{"c": 1}, {"c": 2.5}], 3.5),
    "a.b == 'x'": ("x", True),
    "a.b != 'x'": ("x", False),
    "a.b < `2`": (1, True),
    "a.b <= `2.5`": (2.5, True),
    "a.b > `2`": (1, False),
    "a.b >= `2`": (1, False),
    "a.b > `18446744073709551616`": (2.5, False),
}
ORDINARY = CONVERSIONS | {text: (text, given, expected) for text, (given, expected) in QUERIES.items()}

BEYOND = 2**64 + 1
"""The nearest double is `BEYOND` - 1."""

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
NUMBERS |= st.sampled_from([2**63, BEYOND, -BEYOND, 1e300])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(
    ["x", "true", "12.5", "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z", "0001-01-01T00:00:00+05:00", "2026-01-02"]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
ROWS = st.lists(st.dictionaries(st.sampled_from("cd"), SCALARS, max_size=2) | st.lists(SCALARS, max_size=2), max_size=3)
VALUES = SCALARS | ROWS | st.lists(SCALARS, max_size=3) | st.dictionaries(st.sampled_from("bcd"), SCALARS, max_size=2)
DEEP = st.fixed_dictionaries({"b": VALUES})
DOCUMENTS: st.SearchStrategy[Any] = st.fixed_dictionaries({"a": DEEP | VALUES}) | st.just({})

SETTINGS = compiled("user_id: u\nevents: {a: drop}").topic("t").settings


ALL_EXACT = Scope(Record("t", 0, 0, 0, None, b"", ()), None, SETTINGS, "", EXACT)


def compiled_reader(written: Any) -> ValueReader:
    return compile_value(written, "metadata.x")


def scope_of(document: Any) -> Scope:
    raw = json.dumps(document).encode()
    return Scope(Record("t", 0, 0, 0, None, raw, ()), document, SETTINGS, "", EXACT)


def with_type(value: Any) -> tuple[type, Any]:
    """In Python 1 is 1.0 and true."""
    return type(value), value


@pytest.mark.parametrize(("written", "given_value", "expected"), ORDINARY.values(), ids=ORDINARY)
def test_the_ordinary_case_takes_the_shortcut(written: Any, given_value: Any, expected: Any) -> None:
    shortcut = compiled_reader(written).shortcut

    assert shortcut is not None
    assert shortcut.path == ("a", "b")
    assert with_type(shortcut.find(given_value, ALL_EXACT)) == with_type(expected)


@pytest.mark.parametrize("exact", [False, True], ids=["decoded fast", "decoded exactly"])
@pytest.mark.parametrize("written", [written for written, _, _ in ORDINARY.values()], ids=ORDINARY)
@given(document=DOCUMENTS)
@example(document={"a": {"b": BEYOND}})
@example(document={"a": {"b": 10**400 + 1}})
@example(document={"a": {"b": [{"c": BEYOND}, {"c": 1.0 - BEYOND}]}})
@example(document={"a": {"b": [{"c": 10**400}, {"c": 1.5}]}})
def test_a_shortcut_finds_what_its_reader_finds_in_exact_numbers_or_nothing(
    written: Any, *, exact: bool, document: Any
) -> None:
    record = Record("t", 0, 0, 0, None, json.dumps(document).encode(), ())
    shortcut = compiled_reader(written).shortcut
    assert shortcut is not None
    value, as_written = (plain_json.read_object(record, DecodeSettings(exact=how)) for how in (exact, True))

    scope = Scope(record, value, SETTINGS, "", DecodeSettings(exact=exact))
    try:
        found = shortcut.find(path_reader(shortcut.path)(value, scope), scope)
    except InexactNumberError:
        found = None  # the record is decoded again, exactly

    if found is not None:
        expected = shortcut.otherwise(as_written, Scope(record, as_written, SETTINGS, "", EXACT))
        assert with_type(found) == with_type(expected)


@pytest.mark.parametrize(
    "written",
    [
        PathValue(path="a.b", join=", ", type="string"),
        PathValue(path="a.b", divide_by=0.1),
        PathValue(path="a.b", divide_by=100, type="integer"),
        PathValue(path="length(a.b)", type="string"),
        PathValue(path="header:x", type="string"),
        "iso8601(a.b, 'h')",
        "iso8601(a.b, c)",
        "iso8601(a.b, ms)",
        "max(a.b)",
        "length(a.b[0])",
        "length(a.b[].c)",
        "a.b == `1`",
        "a.b == c",
        "a.b < 'x'",
        "`1` < a.b",
        "a.b || c",
    ],
    ids=str,
)
def test_what_may_mean_more_has_no_shortcut(written: Any) -> None:
    assert compiled_reader(written).shortcut is None


@given(document=DOCUMENTS)
def test_a_template_of_texts_reads_as_any_other(document: Any) -> None:
    def read(template: str) -> Any:
        try:
            return compiled_reader(TemplateValue(template=template)).read(document, scope_of(document))
        except MappingError as failure:
            return str(failure).replace("{@.a", "{a")

    assert read("'{a.b}' {{{a.b.c}") == read("'{@.a.b}' {{{@.a.b.c}")


@given(document=DOCUMENTS)
def test_a_condition_with_a_shortcut_holds_as_any_other(document: Any) -> None:
    def holds(text: str) -> Any:
        try:
            return compile_condition(text).holds(document, scope_of(document))
        except MappingError as failure:
            return failure.message.partition("left side")[2]

    assert holds("a.b >= `2`") == holds("@.a.b >= `2`")


def test_a_condition_for_all_routes_compares_numbers_as_written(bench: Callable[[str], Bench]) -> None:
    mapping = bench(f"user_id: u\nwhen: n == `{BEYOND}`\nevents: {{order: {{event_name: Order}}}}")

    assert mapping.request({"type": "order", "u": "ann", "n": BEYOND})
    assert mapping.filtered({"type": "order", "u": "ann", "n": BEYOND - 1}).reason is FilterReason.WHEN


def test_a_query_of_the_key_sees_numbers_as_written(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: key:to_string(n)\nevents: {order: {event_name: Order}}")

    assert mapping.request({"type": "order"}, key=b'{"n":%d}' % BEYOND)["user_id"] == str(BEYOND)


def test_a_type_computed_from_the_key_sees_numbers_as_written(bench: Callable[[str], Bench]) -> None:
    mapping = bench(f"user_id: u\nevent_type: key:to_string(n)\nevents: {{'{BEYOND}': {{event_name: Order}}}}")

    assert mapping.request({"u": "ann"}, key=b'{"n":%d}' % BEYOND)["event_name"] == "Order"


@pytest.mark.parametrize("name", ["data_base64", r"data\u005fbase64"])
def test_numbers_in_the_encoded_data_of_a_cloud_event_are_seen_and_sent_as_written(
    bench: Callable[[str], Bench], name: str
) -> None:
    mapping = bench("user_id: {value: ann}\nevents: {a: {event_name: A, metadata: {q: to_string(data.n), n: data.n}}}")
    data = base64.b64encode(b'{"n":%d}' % BEYOND).decode()
    event = f'{{"specversion":"1.0","type":"a","id":"1","source":"s","{name}":"{data}"}}'

    sent = mapping.metadata(event.encode())

    assert (sent["q"], sent["n"]) == (str(BEYOND), BEYOND)
