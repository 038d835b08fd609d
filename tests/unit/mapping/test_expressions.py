from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import jmespath
import pytest

from bridge.mapping.expressions.expression import ExpressionError, compile_expression
from bridge.mapping.expressions.queries import QueryError, compile_query
from bridge.model import LetterReason

if TYPE_CHECKING:
    from tests.unit.mapping.conftest import Bench

DOCUMENT = {
    "type": "order",
    "topic": "a field",
    "u": "u-1",
    "zero": 0,
    "empty": "",
    "none": None,
    "flag": True,
    "odd-key": "hyphen",
    "odd key": "space",
    "data": {"id": 7, "name": "Ada", "total": {"amount": 12.5}},
    "lines": [{"sku": "b", "n": 2, "tags": ["x"]}, {"sku": "a", "n": 1, "tags": ["y", "z"]}, {"sku": None}],
    "numbers": [3, 1, 2],
    "nested": [[1, 2], [3], 4],
}

LIBRARY_EXPRESSIONS = [
    "data.total.amount",
    "data.missing.amount",
    "u.x",
    "@",
    "lines[0].sku",
    "lines[-1].sku",
    "lines[9]",
    "lines[*].sku",
    "lines[].tags[]",
    "nested[]",
    "numbers[1:]",
    "numbers[::-1]",
    "u[0:1]",
    "data.*",
    "u.*",
    "lines[?sku == 'a']",
    "lines[?sku == 'a'].n | [0]",
    "lines[?tags]",
    "{id: data.id, name: data.name}",
    "none.{id: id}",
    "[data.id, zero]",
    "none.[id]",
    "zero || 'x'",
    "empty || 'x'",
    "none || lines[0].n",
    "zero && 'x'",
    "flag && data.name",
    "empty && 'x'",
    "!zero",
    "!empty",
    "!flag",
    "flag == `1`",
    "zero == `false`",
    "data.id == `7.0`",
    "none == `null`",
    "data != `{}`",
    "data.id < `8`",
    "data.id >= `7`",
    "'raw' == 'raw'",
    '"odd key"',
    "length(lines)",
    "length(u)",
    "sort(numbers)",
    "sort_by(lines[:2], &n)[*].sku",
    "max_by(lines[:2], &n).sku",
    "map(&sku, lines)",
    "join('-', lines[:2].sku)",
    "sum(numbers)",
    "avg(numbers)",
    "max(numbers)",
    "min(lines[:2].sku)",
    "keys(data)",
    "values(data.total)",
    'merge(data.total, `{"b": 1}`)',
    "not_null(none, data.name)",
    "reverse(u)",
    "reverse(numbers)",
    "contains(numbers, `3`)",
    "contains(u, '-')",
    "starts_with(u, 'u')",
    "ends_with(u, 'u')",
    "abs(`-1`)",
    "ceil(data.total.amount)",
    "floor(data.total.amount)",
    "to_array(u)",
    "to_string(data.total)",
    "to_number('12.5')",
    "to_number('7')",
    "type(lines)",
    "lines[0] | keys(@)",
]


@pytest.mark.parametrize("text", LIBRARY_EXPRESSIONS)
def test_jmespath_means_what_the_library_says(text: str) -> None:
    assert compile_query(text)(DOCUMENT) == jmespath.search(text, DOCUMENT)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("u", "u-1"),
        ("data.name", "Ada"),
        ("data.total.amount", 12.5),
        ("odd-key", "hyphen"),
        ('"odd key"', "space"),
        ('"topic"', "a field"),
        ("topic", "shop.orders"),
        ("key", '{"id": "k-1", "n": [1]}'),
        ("key:id", "k-1"),
        ("key:n[0]", 1),
        ("header:source", "last"),
        ("timestamp", "2026-01-02T03:04:05Z"),
        ("envelope:type", "order"),
        ("envelope:event_id", "shop.orders/3/17"),
        ("envelope:id", "shop.orders/3/17"),
        ("envelope:occurred_at", "2026-01-02T03:04:05Z"),
        ("envelope:time", "2026-01-02T03:04:05Z"),
        ("lower(data.name)", "ada"),
        ("upper(data.name)", "ADA"),
        ("join('-', [upper(data.name), lower(data.name)])", "ADA-ada"),
        ("sha256(u)", "26f82ab2ea6ae2cb9e4ef0c4ea9a18c9a0e7b8fc0a33c1f7a3e2a7a0a6a0f7a5"),
        ("iso8601(`1767323045`, 's')", "2026-01-02T03:04:05Z"),
        ("iso8601(`1767323045120`, 'ms')", "2026-01-02T03:04:05.120Z"),
        ("iso8601('2026-01-02T05:04:05+02:00')", "2026-01-02T03:04:05Z"),
        ("data.nothing", None),
        ("data.name.first", None),
        ("lines.sku", None),
        ("header:nothing", None),
        ("envelope:source", None),
    ],
)
def test_every_form_of_expression_finds_its_value(order: Callable[[str], Bench], text: str, expected: Any) -> None:
    if text.startswith("sha256"):
        import hashlib  # noqa: PLC0415  # the one case that needs it

        expected = hashlib.sha256(b"u-1").hexdigest()
    headers = (("source", b"first"), ("source", b"last"))

    found = order(f"metadata: {{m: {json.dumps(text)}}}").metadata(
        DOCUMENT, key=b'{"id": "k-1", "n": [1]}', headers=headers
    )

    assert found == ({} if expected is None else {"m": expected})


def test_a_key_behind_schema_registry_framing_is_decoded_too(order: Callable[[str], Bench]) -> None:
    mapping = order("user_id: key:id")

    assert mapping.request({"type": "order"}, key=b'\0\0\0\0\7{"id": "k-1"}')["user_id"] == "k-1"


@pytest.mark.parametrize(
    ("text", "changes", "words"),
    [
        ("key", {"key": b"\xff"}, "key is not UTF-8"),
        ("key:id", {"key": b"plain"}, "key is not JSON"),
        ("timestamp", {"timestamp_ms": 2**62}, "timestamp is a number that, as a time in ms, is not between"),
        ("header:h", {"headers": (("h", b"\xff"),)}, "header:h is not UTF-8"),
        ("key", {"key": None}, "user_id: key is missing or null"),
        ("key:id", {"key": b'{"id": {}}'}, "user_id: key:id is an object"),
        ("key:length(id)", {"key": b'{"id": 5}'}, "user_id: key:length(id): length() got a number"),
    ],
)
def test_a_key_or_header_that_cannot_be_read_is_unmappable(
    order: Callable[[str], Bench], text: str, changes: dict[str, Any], words: str
) -> None:
    failed = order(f"user_id: {text}").failed({"type": "order"}, **changes)

    assert failed.reason is LetterReason.UNMAPPABLE
    assert words in failed.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("data.[", "ends too early"),
        ("data..id", "at character 6"),
        ("data.total.amount > 0", "backticks (`0`)"),
        ('data.name == "x', "backticks"),
        ("nonsense(data)", "calls nonsense(), which is not a function"),
        ("nonsense(data)", "there are abs, "),
        ("number(data)", "did you mean to_number()?"),
        ("toString(data)", "did you mean to_string()?"),
        ("len(data)", "did you mean length()?"),
        ("startswith(data, 'a')", "did you mean starts_with()?"),
        ("lower()", "gives lower() 0 arguments; it takes 1"),
        ("iso8601(a, b, c)", "it takes 1 to 2"),
        ("not_null()", "at least 1"),
        ("numbers[::0]", "step 0"),
        ("headers:source", "begins with headers:, which is unknown"),
        ("header:", "must be header:NAME"),
        ("header:env == 'prod'", "must be header:NAME"),
        ("key:", "must be key:PATH"),
        ("envelope:user", "names no field of the envelope"),
        ("  ", "is empty"),
    ],
)
def test_an_expression_that_cannot_be_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        compile_expression(text, "m")

    assert words in str(refused.value)


@pytest.mark.parametrize("parts", [400, 3000])
def test_an_expression_of_more_parts_than_can_be_compiled_is_a_sentence_that_says_how_to_write_it(parts: int) -> None:
    with pytest.raises(QueryError, match=r"too many parts.*contains|is not JMESPath"):
        compile_query(" || ".join(f"data.kind == '{number}'" for number in range(parts)))
    with pytest.raises(QueryError, match=r"too many parts.*contains|is not JMESPath"):
        compile_query(f"{'(' * parts}a{')' * parts} && {'!' * parts}b")
    assert compile_query("contains(['a', 'b'], data.field)")({"data": {"field": "b"}}) is True


def test_a_number_of_more_digits_than_can_be_read_is_a_sentence() -> None:
    with pytest.raises(QueryError, match="a number with more digits than can be read"):
        compile_query("9" * 5000)
