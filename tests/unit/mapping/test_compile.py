from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.config.load import read
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.review.examples import run_examples

ROOT = Path(__file__).parents[3]
ENVIRONMENT = {"USERPILOT_ENDPOINT": "https://analytex.example", "USERPILOT_API_KEY": "NX-0123456789"}


@pytest.mark.parametrize("path", [ROOT / "bridge.example.yaml", ROOT / "tests/unit/config/contract.example.yaml"])
def test_the_example_configuration_compiles_and_its_examples_pass(path: Path) -> None:
    config = read(path, ENVIRONMENT).mapping
    assert config is not None
    assert config.examples

    mapping = compile_mapping(config)

    assert isinstance(mapping, CompiledMapping), mapping
    assert {
        result.name: result.differences for result in run_examples(mapping, config.examples) if not result.passed
    } == {}


def test_all_problems_are_found_at_once_each_at_its_place(problems: Callable[[str], dict[str, str]]) -> None:
    found = problems("""
event_type: envelope:type
occurred_at: headers:time
event_id: {template: "{envelope:id}"}
when: topic
never_send: ['items[0].email', data.ok]
common_metadata: {' padded': topic}
per_topic:
  '^(': {user_id: 'lower('}
  t: {when: 'data.x > 0', never_send: ['a b'], common_metadata: {bad: 'x('}}
events:
  order.completed:
    - {when: 'data.[', user_id: 'envelope:nobody'}
    - {metadata: {ok: topic, bad: {path: 'a..b'}}}
  account.*: {metadata: {t: {template: 'no expression'}}}
  account.*.x: {event_name: {template: 'A {data.x}'}}
  one: {event_name: $pageview, topics: ['^['], metadata_omit: [a]}
  two: {event_name: {template: 'A {data.x'}, allowed_event_names: ['$x']}
  three: {event_name: Three, allowed_event_names: [Four], metadata_from: 'f()'}
examples:
  - {name: n, record: {topic: t, value_base64: '?'}, expect: {dropped: rule}}
""")

    assert sorted(found) == sorted(
        [
            "mapping.event_type",
            "mapping.occurred_at",
            "mapping.event_id",
            "mapping.when",
            "mapping.never_send[0]",
            "mapping.common_metadata. padded",
            "mapping.per_topic.^(",
            "mapping.per_topic.^(.user_id",
            "mapping.per_topic.t.when",
            "mapping.per_topic.t.never_send[0]",
            "mapping.per_topic.t.common_metadata.bad",
            "mapping.events.order.completed[0].when",
            "mapping.events.order.completed[0].user_id",
            "mapping.events.order.completed[1].metadata.bad.path",
            "mapping.events.account.*",
            "mapping.events.account.*.metadata.t.template",
            "mapping.events.account.*.x",
            "mapping.events.account.*.x.allowed_event_names",
            "mapping.events.one.event_name",
            "mapping.events.one.topics[0]",
            "mapping.events.one.metadata_omit",
            "mapping.events.two.event_name.template",
            "mapping.events.two.allowed_event_names[0]",
            "mapping.events.three.event_name",
            "mapping.events.three.metadata_from",
            "mapping.examples[0]",
        ]
    )


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        ("events: {'a.*': {event_name: A}, 'a.*.b': {event_name: B}}", "mapping.events.a.*.b", "ties with 'a.*'"),
        ("events: {'a.*': {}}", "mapping.events.a.*", "needs an event_name"),
        (
            "never_send: [data]\nevents: {a: {}}",
            "mapping.never_send",
            "takes out data.user_id, which user_id reads",
        ),
        ("never_send: [type]\nevents: {a: {}}", "mapping.never_send", "which event_type reads"),
        (
            "never_send: ['a[*].b']\nevents: {a: {}}",
            "mapping.never_send[0]",
            "arrays on the way need no brackets",
        ),
        ("events: {a: {event_name: {value: 5}}}", "mapping.events.a.event_name", "must be a text"),
        ("events: {a: {when: 'data.x > 0'}}", "mapping.events.a.when", "at character 10: unexpected 0"),
        ("events: {a: {when: 'header:x'}}", "mapping.events.a.when", "never true or false"),
        ("occurred_at: envelope:time\nevents: {a: {}}", "mapping.occurred_at", "defined by the settings"),
        (
            "events: {a: {}}\nexamples: [{name: n, input: {x: .nan}, expect: {dropped: rule}}]",
            "mapping.examples[0]",
            "something JSON cannot",
        ),
    ],
)
def test_a_problem_says_what_to_do(
    problems: Callable[[str], dict[str, str]], text: str, where: str, words: str
) -> None:
    found = problems(text)

    assert set(found) == {where}
    assert words in found[where]


def test_globs_that_cannot_meet_are_no_tie(problems: Callable[[str], dict[str, str]]) -> None:
    text = "events: {'a.*x': {event_name: A}, 'a.*y': {event_name: B}, 'a.b*': {event_name: C}, z: {when: '['}}"

    assert set(problems(text)) == {"mapping.events.z.when"}


def test_more_names_than_the_api_keeps_are_refused(problems: Callable[[str], dict[str, str]]) -> None:
    names = ", ".join(f"n{number}" for number in range(10_001))
    found = problems(f"events: {{a: {{event_name: {{path: data.n}}, allowed_event_names: [{names}]}}}}")

    assert "has 10001 different event names" in found["mapping.events"]
