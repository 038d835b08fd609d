"""Objects as pairs, and arrays side by side."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.decode.failures import QueryTypeError
from bridge.mapping.expressions.functions import arguments
from bridge.mapping.expressions.queries import QueryError, compile_query

DOCUMENT: dict[str, Any] = {
    "object": {"a": 1, "b": [2]},
    "attributes": [{"key": "plan", "value": "pro"}, {"key": "seats", "value": 3}],
    "pairs": [["a", 1], ["b", None], ["a", 2]],
    "names": ["x", "y", "z"],
    "numbers": [1, 2],
    "text": "t",
    "none": None,
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("items(object)", [["a", 1], ["b", [2]]]),
        ("items(`{}`)", []),
        ("items(object)[*][0]", ["a", "b"]),
        ("from_items(pairs)", {"a": 2, "b": None}),
        ("from_items(attributes[*].[key, value])", {"plan": "pro", "seats": 3}),
        ("from_items(attributes[*].[key, value]).plan", "pro"),
        ("from_items(`[]`)", {}),
        ("from_items(zip(names, numbers))", {"x": 1, "y": 2}),
        ("zip(names)", [["x"], ["y"], ["z"]]),
        ("zip(names, numbers)", [["x", 1], ["y", 2]]),
        ("zip(names, numbers, `[]`)", []),
    ],
)
def test_a_function_of_pairs_gives_what_jmespath_community_says(text: str, expected: Any) -> None:
    assert compile_query(text)(DOCUMENT) == expected


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("items(names)", "items() got an array; an object is needed"),
        ("items(none)", "items() got null; an object is needed"),
        ("from_items(object)", "from_items() got an object; an array is needed"),
        ("from_items(names)", "from_items() got an array that holds a string; pairs of name and value are needed"),
        ("from_items([names])", "from_items() got an array that holds an array of 3 items; pairs of name and value"),
        ("from_items([numbers])", "from_items() got a pair whose name is a number; a string is needed"),
        ("zip(names, text)", "zip() got a string; an array is needed"),
        ("zip(text)", "zip() got a string; an array is needed"),
    ],
)
def test_a_wrong_type_is_a_failure_that_names_function_and_type(text: str, sentence: str) -> None:
    with pytest.raises(QueryTypeError) as failure:
        compile_query(text)(DOCUMENT)
    assert sentence in str(failure.value)


def test_results_are_bounded() -> None:
    many = list(range(arguments.MOST_PARTS // 2 + 1))
    with pytest.raises(QueryTypeError, match=r"zip\(\) has a result of more than 100000 items"):
        compile_query("zip(many, many)")({"many": many})
    with pytest.raises(QueryTypeError, match=r"items\(\) has a result of more than 100000 items"):
        compile_query("items(many)")({"many": dict.fromkeys(map(str, range(arguments.MOST_PARTS + 1)))})


def test_zip_takes_any_number_of_arrays_but_none_is_refused() -> None:
    with pytest.raises(QueryError, match=r"zip\(\) 0 arguments; it takes at least 1"):
        compile_query("zip()")


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none()))
def test_from_items_makes_of_items_what_there_was(pairs: dict[str, Any]) -> None:
    assert compile_query("from_items(items(@))")(pairs) == pairs
