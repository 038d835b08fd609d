from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[[str], dict[str, tuple[str, ...]]]

MAPPING = """
user_id: u
common_metadata: {occurred_at: false, event_id: false}
events:
  order:
    - {event_name: Paid, when: paid, metadata: {amount: amount, gift: gift}}
    - {event_name: Gift, when: gift, metadata: {to: to}}
  fresh: {max_age: 1h}
  local: {topics: [shop]}
  audit: drop
examples:
"""


@pytest.mark.parametrize(
    "example",
    [
        (
            "input: {type: order, u: a, paid: true, gift: false, amount: 1}, expect: "
            "{user_id: a, event_name: Paid, metadata: {amount: 1.0, gift: false}}"
        ),
        (
            "input: {type: order, u: a, paid: true, gift: false}, expect: "
            "[{user_id: a, event_name: Paid, metadata: {gift: false}}, {dropped: when}]"
        ),
        (
            "input: {type: order, u: a, paid: x, gift: true}, expect: "
            "[{dead_letter: unmappable}, {user_id: a, event_name: Gift}]"
        ),
        "input: {type: order, u: a, paid: 1, gift: 2}, expect: [{dead_letter: unmappable}, {dead_letter: unmappable}]",
        "input: {type: audit}, expect: {dropped: rule}",
        "input: {type: other}, expect: {dropped: unmapped}",
        "input: {type: local}, expect: {dropped: topic}",
        "input: null, expect: {dropped: tombstone}",
        "input: [], expect: {dead_letter: undecodable}",
        "record: {topic: t, value_base64: /w==}, expect: {dead_letter: undecodable}",
        "record: {topic: shop, value: {type: local, u: a}}, expect: {user_id: a, event_name: local}",
        (
            "input: {type: fresh, u: a, time: '2026-01-02T03:00:00Z'}, now: '2026-01-02T03:30:00Z', expect: "
            "{user_id: a, event_name: fresh}"
        ),
        (
            "record: {topic: t, timestamp: '2026-01-02T03:00:00Z', value: {type: fresh, u: a}}, "
            "now: '2026-01-02T05:30:00Z', expect: {dropped: expired}"
        ),
    ],
)
def test_an_example_passes_where_the_record_becomes_what_is_expected(examples: Run, example: str) -> None:
    assert examples(f"{MAPPING}  - {{name: n, {example}}}") == {"n": ()}


@pytest.mark.parametrize(
    ("example", "differences"),
    [
        (
            (
                "input: {type: order, u: a, paid: true, gift: false, amount: 1}, expect: "
                "{user_id: b, event_name: Bought, metadata: {amount: 2, gift: 0, more: x}}"
            ),
            [
                "event 1: user_id: expected 'b', got 'a'",
                "event 1: event_name: expected 'Bought', got 'Paid'",
                "event 1: metadata.amount: expected 2, got 1",
                "event 1: metadata.gift: expected 0, got false",
                'event 1: metadata.more: expected "x", but it is not there',
            ],
        ),
        (
            "input: {type: order, u: a, paid: true, gift: false, amount: 1}, expect: {user_id: a, event_name: Paid}",
            ["event 1: metadata.amount: not expected, got 1", "event 1: metadata.gift: not expected, got false"],
        ),
        (
            "input: {type: order, u: a, paid: true, gift: true}, expect: {dropped: when}",
            [
                "not expected: the event 'Paid' of order[0]",
                "not expected: the event 'Gift' of order[1]",
                "expected to be dropped (when), but it was not",
            ],
        ),
        (
            "input: {type: order, u: a, paid: false, gift: false}, expect: {user_id: a, event_name: Paid}",
            [
                "expected the event 'Paid', but it was not sent",
                "dropped: order[0]: when is false: paid",
                "dropped: order[1]: when is false: gift",
            ],
        ),
        (
            "input: {type: order, u: a, paid: x, gift: false}, expect: {dead_letter: invalid}",
            [
                "expected a dead letter (invalid), but there is none",
                "not expected: a dead letter (unmappable): when: paid is a string; true or false is needed",
            ],
        ),
        (
            "input: {type: order, u: a, paid: 1, gift: 2}, expect: {dead_letter: unmappable}",
            ["not expected: a dead letter (unmappable): when: gift is a number; true or false is needed"],
        ),
        (
            "input: {type: local, u: a}, expect: {user_id: a, event_name: local}",
            [
                "expected the event 'local', but it was not sent",
                "dropped: local: every route of its rule is for other topics (see their topics)",
            ],
        ),
        (
            "input: {type: fresh, u: a, time: '2026-01-02T03:00:00Z'}, expect: {user_id: a, event_name: fresh}",
            ["max_age is in force for fresh; say when it is, by `now`"],
        ),
    ],
)
def test_an_example_that_fails_says_each_thing_that_differs(
    examples: Run, example: str, differences: list[str]
) -> None:
    assert list(examples(f"{MAPPING}  - {{name: n, {example}}}")["n"]) == differences
