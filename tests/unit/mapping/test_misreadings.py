"""Texts and constants in the wrong quotes are refused when the configuration is read, with the spelling that works."""

from __future__ import annotations

import re

import pytest

from bridge.config.keys.problems import Problem
from bridge.mapping.compile import CompiledMapping, compile_mapping
from tests.unit.mapping.conftest import config_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:deprecated string literal"
)  # the library's, of backticks around no JSON

SLIPS = [
    ('data.plan == "pro"', "a text is written 'pro'", "data.plan == 'pro'"),
    ('"pro" != data.plan', "a text is written 'pro'", "'pro' != data.plan"),
    ('data.owner == "it\'s me"', r"a text is written 'it\'s me'", r"data.owner == 'it\'s me'"),
    ('data.n > "3"', "a text is written '3'", "data.n == '3'"),
    ('data.a == `1` && (data.b || !(data.plan == "pro"))', "'pro'", "data.a == `1` && !(data.plan == 'pro')"),
    ('contains(data.tags, "vip")', "a text is written 'vip'", "contains(data.tags, 'vip')"),
    ('starts_with(data.name, "A")', "a text is written 'A'", "starts_with(data.name, 'A')"),
    ('ends_with(data.name, "A")', "a text is written 'A'", "ends_with(data.name, 'A')"),
    ('length(data.lines[?kind == "gift"]) > `0`', "'gift'", "length(data.lines[?kind == 'gift']) > `0`"),
    ("data.paid == true", "the constant is written `true`", "data.paid == `true`"),
    ("data.gone != null", "the constant is written `null`", "data.gone != `null`"),
    ("false == data.paid", "the constant is written `false`", "`false` == data.paid"),
    ("data.plan == `'pro'`", "a text is written 'pro'", "data.plan == 'pro'"),
    ("contains(data.tags, `'vip'`)", "a text is written 'vip'", "contains(data.tags, 'vip')"),
]


def problems_of(when: str) -> list[Problem]:
    result = compile_mapping(config_of(f"events:\n  order:\n    when: {_yaml(when)}"))
    return [] if isinstance(result, CompiledMapping) else list(result)


def _yaml(text: str) -> str:
    doubled = text.replace("'", "''")
    return f"'{doubled}'"


@pytest.mark.parametrize(("written", "said", "_meant"), SLIPS)
def test_a_text_or_constant_in_the_wrong_quotes_is_refused_with_the_spelling_that_was_meant(
    written: str, said: str, _meant: str
) -> None:
    (problem,) = problems_of(written)

    assert problem.where == "mapping.events.order.when"
    assert said in problem.message


@pytest.mark.parametrize("meant", [meant for _, _, meant in SLIPS])
def test_the_spelling_that_was_meant_is_taken(meant: str) -> None:
    assert problems_of(meant) == []


@pytest.mark.parametrize("written", [written for written, _, _ in SLIPS if "`'" not in written])
def test_a_field_of_that_name_can_still_be_compared(written: str) -> None:
    (problem,) = problems_of(written)
    spelling = re.search(r'@\."(?:[^"\\]|\\.)+"', problem.message)
    assert spelling is not None
    named = spelling[0][2:]
    bare = named if named in written else named[1:-1]

    assert problems_of(written.replace(bare, spelling[0])) == []


@pytest.mark.parametrize(
    "meant",
    [
        "\"event-type\" == 'x'",
        '"event-type" == `"x"`',
        'data.plan == other."previous plan"',
        "data.plan == previous_plan",
        'length("line items") > `2`',
        "contains(\"line items\", 'x')",
        "data.true == `true`",
        'data.quoted == `"it\'s"`',
        'data.apostrophe == `"\'"`',
        r"data.quoted == '\'pro\''",
        "data.plan == `pro`",
    ],
)
def test_quotes_that_can_mean_a_field_are_left_alone(meant: str) -> None:
    assert problems_of(meant) == []


@pytest.mark.parametrize(
    "place",
    [
        "user_id: 'a == \"b\"'\nevents: {order: {}}",
        "events: {order: {metadata: {m: 'join(\", \", data.tags)'}}}",
        "events: {order: {metadata: {m: {template: '{data.a == \"b\"}'}}}}",
        "per_topic: {t: {when: 'a == \"b\"'}}\nevents: {order: {}}",
    ],
)
def test_it_is_refused_wherever_an_expression_stands(place: str) -> None:
    result = compile_mapping(config_of(place))

    assert not isinstance(result, CompiledMapping)
    assert "is a field's name" in result[0].message or "which is a field's name" in result[0].message
