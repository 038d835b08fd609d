"""The playground: an edited mapping and a record become requests, examples are run, nothing is sent or read beside."""

from __future__ import annotations

from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bridge.config import load
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import ConsoleSetting, Opened, Visitor

MAPPING = """\
user_id: data.user
events:
  order.completed: {event_name: Order Completed, metadata: {amount: data.amount}}
"""
EXAMPLES = """\
examples:
  - name: an order
    input: {type: order.completed, data: {user: u-1, amount: 3}}
    expect: {event_name: Order Completed, user_id: u-1, metadata: {amount: 4}}
"""
VALUE = '{"type": "order.completed", "data": {"user": "u-1", "amount": 12.5}}'


def tried(visitor: Visitor, mapping: str = MAPPING, record: str = VALUE, topic: str = "shop.orders") -> Any:
    answer = visitor.post("/mapping/try", {"mapping": mapping, "record": record, "topic": topic})
    assert answer.status_code == 200
    assert faults(answer.text) == []
    return answer


def test_the_configured_mapping_is_there_to_edit_without_any_secret(visitor: Visitor) -> None:
    page = unescape(visitor.get("/mapping").text)
    assert "event_name: Order Completed" in page
    assert "NX-the-secret-key" not in page


def test_records_of_the_configured_examples_are_shown_only_where_values_are(
    setting: ConsoleSetting, opened: Opened
) -> None:
    read = load.read_mapping(MAPPING + EXAMPLES).mapping
    assert read is not None
    setting.config = setting.config.model_copy(update={"mapping": read})
    with opened(setting) as visitor:
        page = unescape(visitor.get("/mapping").text)
        assert ("an order" in page, "u-1" in page) == (False, False)
        assert "# Its examples are left out here: they hold records, see console.show_values." in page
    setting.with_values()
    with opened(setting) as visitor:
        assert "an order" in unescape(visitor.get("/mapping").text)


def test_a_value_becomes_the_request_that_would_be_sent(visitor: Visitor) -> None:
    page = unescape(tried(visitor).text)
    assert '"event_name": "Order Completed"' in page
    assert '"amount": 12.5' in page
    assert VALUE in page, "it stays to be edited"


def test_a_whole_record_is_one_of_its_topic(visitor: Visitor) -> None:
    record = '{"topic": "shop.users", "offset": 7, "value": {"type": "other"}, "headers": {"a": "b"}}'
    assert "shop.users/0/7" in tried(visitor, record=record).text
    wrong = text_of(tried(visitor, record='{"topic": "shop.users", "value": 1, "offset": "x"}').text)
    assert "The record has something wrong at offset" in wrong


def test_why_nothing_is_sent_is_said(visitor: Visitor) -> None:
    page = text_of(tried(visitor, record='{"type": "order.completed", "data": {}}').text)
    assert "dead letter" in page
    assert "data.user is missing" in page


def test_examples_are_run_and_what_differs_is_said(visitor: Visitor) -> None:
    page = text_of(tried(visitor, MAPPING + EXAMPLES, "").text)
    assert "1 example, 1 failed" in page
    assert "amount" in page


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        ("events: [", "mapping: "),
        ("events: {a: {event_name: 'data.['}, b: {event_name: X, when: 'data.['}}", "mapping.events.b"),
        ("nonsense: 1", "mapping.nonsense"),
        ("7", "mapping"),
        ("", "mapping"),
        ("events: {a: {event_name: ${HOME}}}", "mapping"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_said_and_nothing_is_mapped(visitor: Visitor, mapping: str, said: str) -> None:
    page = text_of(tried(visitor, mapping).text)
    assert said in page
    assert "passed" not in page


def test_no_file_but_those_that_are_configured_is_read(visitor: Visitor, tmp_path: Path) -> None:
    file = tmp_path / "secret.desc"
    file.write_bytes(b"x")
    for where in (f"descriptor_set_file: {file}", f"per_topic: {{shop.orders: {{descriptor_set_file: {file}}}}}"):
        page = text_of(tried(visitor, f"{MAPPING}{where}\n").text)
        assert "Only the descriptor sets that are configured are read here" in page


def test_records_of_topics_are_taken_only_where_values_are_shown(setting: ConsoleSetting, opened: Opened) -> None:
    with opened(setting) as visitor:
        assert visitor.get("/mapping?take=shop.orders").status_code == 403
        assert "Take it" not in visitor.get("/mapping").text
    setting.with_values()
    with opened(setting) as visitor:
        assert visitor.get("/mapping?take=other").status_code == 404
        assert "Take it" in visitor.get("/mapping").text
