from __future__ import annotations

import contextlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.reading import yaml_core
from bridge.config.reading.yaml_core import Malformed, parse


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("NO", "NO"),
        ("no", "no"),
        ("y", "y"),
        ("on", "on"),
        ("off", "off"),
        ("12:30:00", "12:30:00"),
        ("2026-01-02", "2026-01-02"),
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        ("=", "="),
        ("true", True),
        ("TRUE", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("17", 17),
        ("-17", -17),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("-.inf", float("-inf")),
        (".Inf", float("inf")),
        ("1e999", "1e999"),
        ("'17'", "17"),
        ('"true"', "true"),
        ("!!str 17", "17"),
        ("!!float 17", 17.0),
        ("! 17", "17"),
    ],
)
def test_a_scalar_means_what_yaml_1_2_says(written: str, meant: Any) -> None:
    found = parse(f"key: {written}").tree["key"]
    assert (type(found), found) == (type(meant), meant)


def test_a_key_is_text_exactly_as_written() -> None:
    assert parse("NO: 1\n404: 2\nnull: 3\non: 4").tree == {"NO": 1, "404": 2, "null": 3, "on": 4}


def test_a_key_given_twice_is_a_problem_with_both_lines_and_the_first_one_counts() -> None:
    document = parse("kafka:\n  a: 1\n  b: 2\n  a: {c: [3]}\n")
    assert [str(each) for each in document.problems] == ["kafka.a: is here twice, first in line 2; remove one (line 4)"]
    assert document.tree == {"kafka": {"a": 1, "b": 2}}


def test_every_key_and_item_has_its_line() -> None:
    lines = parse("a:\n  - b: 1\n    c: 2\n  - 3\n").lines
    assert lines == {("a",): 1, ("a", 0): 2, ("a", 0, "b"): 2, ("a", 0, "c"): 3, ("a", 1): 4}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1\nb: 2", "in line 2, column 2: a list in brackets"),
        ("a: {b: 1\nc: 2", "a map in braces is not closed"),
        ("a: b: c", "in line 1, column 5: a colon is where none may be"),
        ("\ta: 1", "line 1, column 1: a tab"),
        ("a: 'x\n\n\n", "in line 1, column 4: a quote or bracket that opens here is never closed"),
        ("a: @b", "needs quotes"),
        ("a: \x01", "a control character in line 1, column 4"),
        ("a: *x", "an alias in line 1, column 4 without its anchor; a text that begins with * needs quotes"),
        ("&a [*a]", "an alias in line 1, column 5 without its anchor"),
        ("--- a\n--- b", "a second document in line 2"),
        ("a: !!python/object/apply:os.system [x]", "a tag in line 1, column 4"),
        ("a: !secret x", "a tag in line 1, column 4, which means nothing here; a text that begins with ! needs quotes"),
        ("a: !!int x", "a tag in line 1"),
        ("a: &x {b: 1}\nc:\n  <<: *x", "a merge key << in line 3"),
        ("? [a]\n: b", "a map or list as a key"),
        ("a: \ud800", "lone surrogate"),
    ],
)
def test_a_text_that_is_no_yaml_is_one_sentence_with_its_place(text: str, says: str) -> None:
    with pytest.raises(Malformed) as raised:
        parse(text)
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)


def test_aliases_share_what_they_stand_for() -> None:
    assert parse("a: &x {b: 1}\nc: [*x, *x]").tree == {"a": {"b": 1}, "c": [{"b": 1}, {"b": 1}]}


def test_aliases_of_aliases_are_refused_before_they_grow() -> None:
    levels = [f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]" for i in range(12)]
    with pytest.raises(Malformed, match="aliases multiply"):
        parse("\n".join(["a: &a [x]", *levels]))


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 50_000, "a: &a [[[x]]]\nb: " + "[" * 98 + "*a"])
def test_deep_nesting_is_refused_not_followed(text: str) -> None:
    with pytest.raises(Malformed, match="deeper than"):
        parse(text)


def test_a_number_beyond_all_types_stays_text() -> None:
    assert isinstance(parse("a: " + "9" * 1_000_000).tree["a"], str)


@given(st.text())
def test_no_text_raises_anything_but_malformed(text: str) -> None:
    with contextlib.suppress(Malformed):
        parse(text)


def test_the_fallback_scanner_reads_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: NO\nb: [1, 'x', ~]\nc: 12:30:00\n"
    fast = parse(text)
    monkeypatch.setattr(yaml_core, "_Loader", yaml.SafeLoader)
    assert parse(text) == fast
