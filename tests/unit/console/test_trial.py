"""What the confined processes answer, asked in this one: see `test_mapping` for the same behind a page."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from bridge.console.confined.match_values import NO, YES, ValueMatcher
from bridge.console.confined.try_mapping import TrialOrder, answer
from bridge.console.playground.trial import MappingTrial, shown_record
from bridge.model import Record

NOW = 1_767_400_000.0
MAPPING = "user_id: user\nevents: {order: {event_name: Order, metadata: {amount: amount}}}\n"
EXAMPLES = """\
examples:
  - name: right
    input: {type: order, user: u, amount: 3}
    expect: {event_name: Order, user_id: u, metadata: {amount: 3, event_id: example/0/0}}
  - name: wrong
    input: {type: order, user: u, amount: 3}
    expect: {event_name: Order, user_id: u, metadata: {amount: 4, event_id: example/0/0}}
"""
VALUE = json.dumps({"type": "order", "user": "u-1", "amount": 7})


def tried(record: str = VALUE, mapping: str = MAPPING, files: tuple[str, ...] = ()) -> MappingTrial:
    order = TrialOrder(list(files), mapping, record, "shop.orders", NOW)
    trial = pickle.loads(answer(json.dumps(order._asdict()).encode()))  # noqa: S301 - our own
    assert isinstance(trial, MappingTrial)
    return trial


def test_a_value_is_one_of_the_topic_and_a_whole_record_of_its_own() -> None:
    whole = {"topic": "shop.users", "partition": 1, "offset": 7, "value": json.loads(VALUE)}
    assert [each.coordinates for each in tried().explanations] == ["shop.orders/0/0"]
    assert [each.coordinates for each in tried(json.dumps(whole)).explanations] == ["shop.users/1/7"]
    assert [each.form for each in tried("no json at all").explanations] == [None]
    assert tried("").explanations == ()


def test_examples_are_run_whether_or_not_there_is_a_record() -> None:
    for record in (VALUE, "", '{"topic": "shop.users", "value": 1, "offset": "x"}'):
        examples = tried(record, MAPPING + EXAMPLES).examples
        assert [(each.name, bool(each.differences)) for each in examples] == [("right", False), ("wrong", True)]


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("events: [", "mapping: "),
        ("events: {a: {event_name: X, when: 'data.['}}", "mapping.events.a"),
        (f"{MAPPING}nonsense: 1\n", "mapping.nonsense"),
        (f"{MAPPING}examples: [{{name: a, input: {{}}, expect: {{nothing: 1}}}}]", "mapping.examples"),
    ],
)
def test_what_is_wrong_is_told_where_it_stands_and_nothing_is_mapped(mapping: str, said: str) -> None:
    trial = tried(VALUE, mapping)
    assert trial.explanations == ()
    assert trial.problems[0].startswith(said)


def test_a_record_that_is_none_is_told() -> None:
    trial = tried('{"topic": "shop.users", "value": 1, "offset": "x"}')
    assert trial.problems[0].startswith("The record has something wrong at offset: ")


def test_only_the_files_that_are_configured_are_read(tmp_path: Path) -> None:
    file = str(tmp_path / "secret.desc")
    mapping = f"{MAPPING}descriptor_set_file: {file}\n"
    assert tried(VALUE, mapping).problems == (
        f"Only the descriptor sets that are configured are read here, not {file}.",
    )
    assert "Only the descriptor sets" not in " ".join(tried(VALUE, mapping, (file,)).problems)


def test_a_taken_record_is_shown_as_it_can_be_tried_again() -> None:
    record = Record("orders", 1, 7, 1_700_000_000_000, b"k", VALUE.encode(), (("a", b"b"), ("gone", None)))
    shown = json.loads(shown_record(record, record.value))
    assert shown == {
        "topic": "orders",
        "partition": 1,
        "offset": 7,
        "timestamp": 1_700_000_000_000,
        "headers": {"a": "b"},
        "key": "k",
        "value": json.loads(VALUE),
    }
    assert tried(json.dumps(shown)).problems == ()
    assert json.loads(shown_record(record._replace(key=None), b"no json"))["value"] == "no json"
    assert json.loads(shown_record(record, None))["value"] is None


def test_a_condition_is_asked_of_each_value_and_holds_of_nothing_that_cannot_be_read() -> None:
    matcher = ValueMatcher()
    assert matcher.answer(b"amount > `5`") == YES
    assert [matcher.answer(each) for each in (VALUE.encode(), b'{"amount": 3}', b"no json", b"[" * 5000)] == [
        YES,
        NO,
        NO,
        NO,
    ]
