"""Numbers as written: no way through the mapping changes a digit, and what cannot be kept is a dead letter."""

from __future__ import annotations

import base64
import json
import operator
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.decode import exact_json
from bridge.decode.failures import Unusable
from bridge.mapping.expressions import numbers
from bridge.model import LetterReason, Request
from tests.unit.mapping.conftest import NOW, Bench, compiled

if TYPE_CHECKING:
    from bridge.model import Outcomes

LONG = [
    "99999999999999999.99",
    "123456789012345679.0",
    "0.12345678901234567890",
    "-1234567890.12345678901",
    "52.520006599999999",
    "1234567890123456e-3",
    "1.2345678901234567E+30",
    "9007199254740993.0",
    "0.30000000000000000001",
    "1.2345e-310",
]


def raw(number: str, **more: str) -> bytes:
    fields = "".join(f', "{name}": {text}' for name, text in more.items())
    return f'{{"type": "order", "u": "u-1", "x": {number}, "l": [1, {number}]{fields}}}'.encode()


def sent(outcomes: Outcomes) -> dict[str, Any]:
    """The metadata with its numbers as the request spells them."""
    (outcome,) = outcomes
    assert isinstance(outcome, Request), outcome
    found: dict[str, Any] = json.loads(outcome.body, parse_float=Decimal)["metadata"]
    return found


@pytest.mark.parametrize("number", LONG)
@pytest.mark.parametrize(
    "spec",
    [
        "x",
        "{path: x}",
        "{path: x, type: number}",
        "{path: x, default: 0}",
        "{path: x, divide_by: 1}",
        "max(l) && x",
        "not_null(y, x)",
        "merge(@, {a: `1`}).x",
        "l[-1]",
        "sort(l)[?to_string(@) != '1'] | [0]",
        "sum([x])",
        "abs(abs(x)) == abs(x) && x",
        "to_number(to_string(x))",
    ],
)
def test_a_number_arrives_with_all_its_digits(order: Callable[[str], Bench], number: str, spec: str) -> None:
    mapping = order(f"metadata: {{m: {spec if spec[0] == '{' else json.dumps(spec)}}}")

    assert sent(mapping.map(raw(number)))["m"] == Decimal(number)


@pytest.mark.parametrize("number", LONG)
@pytest.mark.parametrize(
    ("spec", "shown"),
    [
        ("{path: x, type: string}", "{}"),
        ('{template: "a {x}"}', "a {}"),
        ("l", "1, {}"),
        ("{path: l, join: '/'}", "1/{}"),
        ("to_string(x)", "{}"),
        ("to_string(l)", "[1,{}]"),
        ("to_string({a: x})", '{{"a":{}}}'),
    ],
)
def test_a_number_in_a_text_has_all_its_digits(
    order: Callable[[str], Bench], number: str, spec: str, shown: str
) -> None:
    mapping = order(f"metadata: {{m: {spec if spec[0] == '{' else json.dumps(spec)}}}")

    text = sent(mapping.map(raw(number)))["m"]

    before, after = shown.format("|").split("|")
    assert text.startswith(before)
    assert Decimal(text[len(before) : len(text) - len(after)]) == Decimal(number)


@pytest.mark.parametrize("number", LONG)
def test_a_number_that_came_as_text_is_converted_without_a_double(order: Callable[[str], Bench], number: str) -> None:
    mapping = order('metadata: {a: {path: x, type: number}, b: "to_number(x)"}')

    found = sent(mapping.map(raw(f'"{number}"')))

    assert found["a"] == found["b"] == Decimal(number)


@pytest.mark.parametrize(
    ("number", "user"),
    [
        ("123456789012345679.0", "123456789012345679"),
        ("1e30", "1" + "0" * 30),
        ("12.0", "12"),
        ("9007199254740993.0", "9007199254740993"),
        ('"123456789012345679.0"', "123456789012345679"),
        ('"1e23"', "1" + "0" * 23),
        ("1.2345678901234567e20", "123456789012345670000"),
        ("123456789012345678901234567890.0", "123456789012345678901234567890"),
    ],
)
def test_an_integer_user_id_is_the_user_that_is_written(bench: Callable[[str], Bench], number: str, user: str) -> None:
    mapping = bench("user_id: {path: x, type: integer}\nevents: {order: {event_name: O}}")

    assert mapping.request(raw(number))["user_id"] == user
    of_the_key = bench("user_id: {path: 'key:id', type: integer}\nevents: {order: {event_name: O}}")
    assert of_the_key.request(raw("1"), key=b'{"id": %b}' % number.encode())["user_id"] == user


@pytest.mark.parametrize("number", ["123456789012345679.5", "0.1", "1e-5", "123456789012345678901.00000001"])
def test_a_user_with_a_fraction_is_a_dead_letter(bench: Callable[[str], Bench], number: str) -> None:
    for spec in ("x", "{path: x, type: integer}"):
        mapping = bench(f"user_id: {spec}\nevents: {{order: {{event_name: O}}}}")
        assert "is a number with a fraction" in mapping.failed(raw(number)).message
    by_id = bench("user_id: u\nevent_id: x\nevents: {order: {event_name: O}}")
    assert "event_id: x is a number with a fraction" in by_id.failed(raw(number)).message


@pytest.mark.parametrize(
    ("spec", "number", "expected"),
    [
        ("divide_by: 100", "99999999999999999", "999999999999999.99"),
        ("divide_by: 100", "12345678901234567890123", "123456789012345678901.23"),
        ("divide_by: 1000", "9007199254740993", "9007199254740.993"),
        ("divide_by: 8", "12345678901234567", "1543209862654320.875"),
        ("divide_by: 0.1", "99999999999999999.99", "999999999999999999.9"),
        ("divide_by: 3", "0.30000000000000003", "0.10000000000000001"),
        ("divide_by: 100, type: integer", "1234567890123456700.0", "12345678901234567"),
        ("divide_by: 100", "1250", "12.5"),
        ("divide_by: 30", "3", "0.1"),
    ],
)
def test_a_quotient_has_all_its_digits(order: Callable[[str], Bench], spec: str, number: str, expected: str) -> None:
    found = sent(order(f"metadata: {{m: {{path: x, {spec}}}}}").map(raw(number)))["m"]

    assert Decimal(found) == Decimal(expected)


@pytest.mark.parametrize(
    ("query", "items", "expected"),
    [
        ("sum(l[].n)", "0.1 0.2", "0.3"),
        ("sum(l[].n)", "99999999999999999.99 0.01", "100000000000000000"),
        ("sum(l[].n)", "9007199254740993 0.5", "9007199254740993.5"),
        ("sum(l[].n)", "1 2", "3"),
        ("sum(l[].n)", "1e300 1", "1" + "0" * 299 + "1"),
        ("avg(l[].n)", "0.1 0.2", "0.15"),
        ("avg(l[].n)", "99999999999999999.99 99999999999999999.97", "99999999999999999.98"),
        ("max(l[].n)", "0.29999999999999999 0.3", "0.3"),
        ("min(l[].n)", "0.29999999999999999 0.3", "0.29999999999999999"),
        ("max(l[].n)", "1152921504606846999 1.152921504606847e18", "1152921504606847000"),
        ("max_by(l, &n).n", "0.29999999999999999 0.3", "0.3"),
        ("sort_by(l, &n)[0].n", "0.3 0.29999999999999999", "0.29999999999999999"),
        ("ceil(l[0].n)", "99999999999999999.01 1", "100000000000000000"),
        ("floor(l[0].n)", "1e23 1", "1" + "0" * 23),
    ],
)
def test_queries_compute_with_what_is_written(
    order: Callable[[str], Bench], query: str, items: str, expected: str
) -> None:
    rows = ", ".join(f'{{"n": {item}}}' for item in items.split())
    value = f'{{"type": "order", "u": "u-1", "l": [{rows}]}}'.encode()

    found = sent(order(f'metadata: {{m: "{query}"}}').map(value))["m"]

    assert Decimal(found) == Decimal(expected)


@pytest.mark.parametrize(
    ("condition", "number", "holds"),
    [
        ("x > `100`", "100.00000000000000000001", True),
        ("x > `0.3`", "0.29999999999999999", False),
        ("x == `0.3`", "0.30000000000000001", False),
        ("x == `0.3`", "0.300", True),
        ("x == `100000000000000000000000`", "1e23", True),
        ("x >= `18446744073709551616`", "1.8446744073709552e19", True),
        ("x == `123456789012345679`", "123456789012345679.0", True),
        ("x == `123456789012345680`", "123456789012345679.0", False),
        ("type(x) == 'number'", "99999999999999999.99", True),
    ],
)
def test_a_condition_is_decided_by_what_is_written(
    order: Callable[[str], Bench], condition: str, number: str, *, holds: bool
) -> None:
    (outcome,) = order(f'when: "{condition}"').map(raw(number))

    assert isinstance(outcome, Request) is holds


@pytest.mark.parametrize("number", ["1e400", "-1e-400", "1e99999999999999999999", "0." + "1" * 5000, "9" * 5000])
@pytest.mark.parametrize(
    "spec",
    [
        "x",
        "l",
        "{path: x, type: number}",
        "{path: x, type: string}",
        "{path: x, type: integer}",
        "{path: x, divide_by: 3}",
        '{template: "{x}"}',
        "to_string(l)",
        "max(l)",
        "sum(l)",
        "type(x)",
        "x == x",
    ],
)
def test_a_number_that_cannot_be_kept_is_a_dead_letter(order: Callable[[str], Bench], number: str, spec: str) -> None:
    mapping = order(f"metadata: {{m: {spec if spec[0] == '{' else json.dumps(spec)}}}")

    failed = mapping.failed(raw(number))

    assert failed.reason in {LetterReason.INVALID, LetterReason.UNMAPPABLE}
    assert "outside the range of a double" in failed.message or "more than 1000 digits" in failed.message


@pytest.mark.parametrize("query", ["sum(l)", "avg(l)"])
def test_a_sum_that_cannot_be_kept_is_a_dead_letter(order: Callable[[str], Bench], query: str) -> None:
    value = b'{"type": "order", "u": "u-1", "l": [1.7e308, 1.7e308]}'
    mapping = order(f"metadata: {{m: {query}}}")

    if query == "sum(l)":
        assert mapping.failed(value).message.endswith("sum() has a result outside the range of a double")
    else:
        assert sent(mapping.map(value))["m"] == Decimal("1.7e308")


def test_a_time_counted_with_a_fraction_keeps_its_microseconds(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: u\noccurred_at: {path: x, type: datetime, unit: s}\nevents: {order: {event_name: O}}")

    assert mapping.metadata(raw("1767323045.1234565"))["occurred_at"] == "2026-01-02T03:04:05.123456Z"
    assert mapping.metadata(raw("253402300799.999999"))["occurred_at"] == "9999-12-31T23:59:59.999999Z"
    assert mapping.metadata(raw("1767323045.00000100000"))["occurred_at"] == "2026-01-02T03:04:05.000001Z"


def test_long_numbers_in_the_encoded_data_of_a_cloud_event_arrive_too(bench: Callable[[str], Bench]) -> None:
    mapping = bench("user_id: {value: ann}\nevents: {a: {event_name: A, metadata: {n: data.n}}}")
    data = base64.b64encode(b'{"n": 99999999999999999.99}').decode()
    event = f'{{"specversion":"1.0","type":"a","id":"1","source":"s","data_base64":"{data}"}}'

    assert sent(mapping.map(event.encode()))["n"] == Decimal("99999999999999999.99")


FLAT = compiled("user_id: {value: u}\nmetadata_limit: 1MB\nevents: {a: {metadata_from: x}}")
SPELLED = st.builds(
    "{}{}{}".format,
    st.integers(-(10**25), 10**25),
    st.just("") | st.builds(".{}".format, st.text("0123456789", min_size=1, max_size=25)),
    st.just("") | st.builds("{}{}".format, st.sampled_from(["e", "E", "e-", "E+"]), st.integers(0, 280)),
)


@given(st.lists(SPELLED, min_size=1, max_size=5))
@example(["1.0", "99999999999999999.99"])
@example(["1E-280"])
def test_every_number_that_is_mapped_is_the_one_that_is_written_whatever_stands_beside_it(spelled: list[str]) -> None:
    fields = ",".join(f'"k{place}":{text}' for place, text in enumerate(spelled))
    found = sent(Bench(FLAT).map(f'{{"type":"a","x":{{{fields}}}}}'.encode(), now=NOW))

    for place, text in enumerate(spelled):
        assert Decimal(found[f"k{place}"]) == Decimal(text)


@given(SPELLED)
def test_the_fast_test_for_numbers_that_may_be_rounded_misses_none(text: str) -> None:
    value = f'{{"x":{text}}}'.encode()
    double = json.loads(value)["x"]

    if isinstance(double, float) and Decimal(repr(double)) != Decimal(text):
        tiny = -exact_json.TINY < double < exact_json.TINY
        assert exact_json.may_be_rounded(value) or (tiny and exact_json.may_be_lost(value))
    assert not isinstance(exact_json.fraction(text), Unusable)


@pytest.mark.parametrize(
    "value",
    [
        b'{"id": "0f8fad5b-d9cb-469f-a165-70867728950e", "x": 12.5}',
        b'{"id": "1234567890123456789", "x": 0.1}',
        b'{"t": "2026-01-02T03:04:05.678901Z", "x": 3.14159}',
        b'{"x": 0.1234567890123456, "y": 46.947974}',
        b'{"hash": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}',
        b'{"v": "1.2345678901234567890.1", "x": 1}',
    ],
)
def test_ordinary_records_are_decoded_fast(value: bytes) -> None:
    assert not exact_json.may_be_rounded(value)


VALUES = (
    st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        [Decimal("0.29999999999999999"), 0.3, Decimal("0.30000000000000001"), 2**60, 1.152921504606847e18, 10**23, 1e23]
    )
)


@given(VALUES, VALUES, st.sampled_from([operator.lt, operator.le, operator.gt, operator.ge]))
def test_numbers_are_ordered_as_they_are_written(one: Any, other: Any, ordered: Callable[[Any, Any], bool]) -> None:
    expected = ordered(Decimal(repr(one) if isinstance(one, float) else one), numbers.as_decimal(other))

    assert numbers.comparison(ordered)(one, other) is expected


@given(st.lists(VALUES, min_size=1))
def test_sums_and_extremes_are_those_of_the_decimals(items: list[Any]) -> None:
    decimals = [numbers.as_decimal(item) for item in items]

    assert numbers.as_decimal(numbers.most(items)) == max(decimals)
    assert numbers.as_decimal(numbers.least(items)) == min(decimals)
    try:
        total = numbers.total(items)
    except numbers.NotKeptError:
        return
    scaled = sum(int(each.scaleb(400, numbers._EXACT)) for each in decimals)
    assert numbers.as_decimal(total).scaleb(400, numbers._EXACT) == scaled
