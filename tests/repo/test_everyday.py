"""What `make test` leaves out is what says of itself that it is slow, and no test of the quick tiers."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tests.conftest import TIERS
from tests.everyday import EVERYDAY, QUICK_TIERS, SLOW, is_everyday, is_told_why


def item(*marks: str) -> pytest.Item:
    return cast("pytest.Item", SimpleNamespace(get_closest_marker=lambda name: name if name in marks else None))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("marks", [(), ("slow",), ("timeout",), ("short",)])
def test_a_test_is_left_out_that_is_slow_and_a_real_kafka_stays_in_where_it_is_short(
    tier: str, marks: tuple[str, ...]
) -> None:
    if tier in QUICK_TIERS:
        expected = marks != ("slow",)
    elif tier == "component":
        expected = marks in {(), ("short",)}
    else:
        expected = marks == ("short",)
    assert is_everyday(tier, item(*marks)) == expected


def test_marks_are_given_before_they_choose(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker(EVERYDAY)


def unexplained(source: str) -> list[int]:
    """Lines with a mark `slow` that says not why and not how long."""
    marks = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute) and node.attr == SLOW]
    told = set()
    for call in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)):
        if isinstance(call.func, ast.Attribute) and call.func.attr == SLOW and not call.args:
            given = {each.arg: ast.literal_eval(each.value) for each in call.keywords if each.arg}
            if is_told_why(pytest.Mark(SLOW, (), given, _ispytest=True)):
                told.add(call.func.lineno)
    return [mark.lineno for mark in marks if mark.lineno not in told]


def test_each_slow_component_test_says_why_and_how_long() -> None:
    files = sorted((Path(__file__).parents[1] / "component").rglob("*.py"))
    assert {str(file): lines for file in files if (lines := unexplained(file.read_text(encoding="utf-8")))} == {}


@pytest.mark.parametrize("mark", ["slow", "slow()", 'slow(reason="it is", seconds=3)', 'slow(reason="waits for it")'])
def test_a_reason_without_words_or_seconds_is_none(mark: str) -> None:
    assert unexplained(f"pytestmark = pytest.mark.{mark}\n") == [1]
    assert unexplained('pytestmark = pytest.mark.slow(reason="waits for it all", seconds=3)\n') == []
