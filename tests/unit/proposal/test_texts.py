"""Texts that hold JSON: what is in them is proposed as any field is, where reading it makes no dead letters."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.mapping.compile import CompiledMapping
from bridge.model import Record, Request
from bridge.proposal.choices import ProposedTopic
from bridge.proposal.fields import fields_of
from bridge.proposal.file.page import Connections
from bridge.proposal.file.write import configuration_of
from bridge.proposal.metadata import sent
from bridge.proposal.propose import propose
from tests.support.proposal.judged import compiled, written
from tests.support.proposal.made import Topic

Value = Callable[[int], dict[str, Any]]


def sampled(value: Value, count: int = 40) -> list[Record]:
    return [Record("shop.things", 0, n, None, None, json.dumps(value(n)).encode(), ()) for n in range(count)]


def topic_of(value: Value, count: int = 40) -> ProposedTopic:
    return propose(sampled(value, count)).topics[0]


def keys_of(proposed: ProposedTopic, event_type: str) -> dict[str, Any]:
    (route,) = [each for each in proposed.routes if each.event_type == event_type]
    return sent(route.keys)


def mapped(records: list[Record], folder: Path) -> tuple[CompiledMapping, str]:
    text = configuration_of(propose(records), Connections(("shop.things",)))
    return compiled(text, folder, Topic("", (), (), {}))[1], text


def inner(n: int) -> str:
    return json.dumps({"customer_id": f"c-{n % 5}", "total": n, "placedAt": f"2026-01-02T03:04:{n % 60:02d}Z"})


def test_the_user_in_the_payload_of_an_outbox_is_proposed_as_the_expression_that_reads_it() -> None:
    proposed = written("outbox rows").proposal.topics[0]
    assert proposed.event_type.spec == "after.type"
    assert proposed.user_id.spec == "from_json(after.payload).customer_id"
    assert "user_id: from_json(after.payload).customer_id\n" in written("outbox rows").text
    keys = keys_of(proposed, "OrderPaid")
    assert keys["total"] == "from_json(after.payload).total"
    assert keys["method"] == "from_json(after.payload).shipping.method"
    assert "email" not in keys


def test_what_a_log_shipper_has_as_a_text_gives_type_user_and_id_too() -> None:
    proposed = written("log shipper").proposal.topics[0]
    assert proposed.event_type.spec == "from_json(message).event"
    assert proposed.user_id.spec == "from_json(message).user_id"
    assert proposed.event_id.spec == "from_json(message).event_id"
    assert proposed.user_id.evidence == "in 100 % of 60, 13 different"


def test_a_time_in_a_text_is_read_in_whatever_form_it_is() -> None:
    assert topic_of(lambda n: {"type": "a.b", "data": inner(n)}).occurred_at.spec == "from_json(data).placedAt"
    counted = topic_of(lambda n: {"type": "a.b", "data": json.dumps({"ts": 1767323045000 + n})}).occurred_at.spec
    assert counted == {"path": "from_json(data).ts", "type": "datetime", "unit": "ms"}


def test_a_user_beside_the_text_comes_before_the_same_one_in_it() -> None:
    user = topic_of(lambda n: {"userId": f"c-{n % 5}", "data": json.dumps({"userId": f"c-{n % 5}"})}).user_id
    assert user.spec == "userId"
    assert user.evidence.endswith("next best: from_json(data).userId")


@pytest.mark.parametrize(
    "text",
    [
        lambda n: inner(n) if n % 2 else "started",
        lambda n: inner(n) if n % 10 else "",
        lambda n: inner(n) if n % 10 else json.loads(inner(n)),
        lambda n: f"[{inner(n)}]",
        lambda n: json.dumps(inner(n)),
        lambda n: inner(n)[:-1],
        lambda n: json.dumps({"customer_id": f"c-{n % 5}", "filling": "x" * 70_000}),
        lambda _: '{"a":' * 1_500 + "1" + "}" * 1_500,
    ],
    ids=["sometimes", "or empty", "or an object", "a list", "quoted twice", "cut off", "long", "deep"],
)
def test_a_text_that_is_no_object_in_nearly_all_records_is_not_opened(text: Callable[[int], Any]) -> None:
    proposed = topic_of(lambda n: {"type": "a.b", "data": text(n)})
    assert "from_json" not in str([proposed.user_id.spec, proposed.occurred_at.spec, keys_of(proposed, "a.b")])
    assert not [each for each in fields_of(proposed.topic.documents) if each.text]


def test_that_it_is_json_is_said_as_before_where_it_is_not_opened() -> None:
    proposed = topic_of(lambda n: {"type": "a.b", "userId": f"u-{n % 3}", "data": '{"a": 1}' if n % 2 else "no"})
    (key,) = proposed.routes[0].keys
    assert (key.spec, key.why_not) == ("data", "is JSON inside of a text: from_json() reads it")


def test_metadata_in_a_text_are_only_of_types_of_which_each_event_has_it(tmp_path: Path) -> None:
    def value(n: int) -> dict[str, Any]:
        kind = ("a.full", "a.bare", "a.some")[n % 3]
        has = kind == "a.full" or (kind == "a.some" and n % 2)
        return {"type": kind, "userId": f"u-{n % 7}", **({"data": inner(n)} if has else {})}

    records = sampled(value, 60)
    proposed = propose(records).topics[0]
    assert keys_of(proposed, "a.full")["total"] == "from_json(data).total"
    assert keys_of(proposed, "a.bare") == keys_of(proposed, "a.some") == {}
    assert (proposed.user_id.spec, proposed.occurred_at.spec) == ("userId", "timestamp")
    mapping, _ = mapped(records, tmp_path)
    assert all(isinstance(each, Request) for record in records for each in mapping.map_all(record, 0.0))


def test_a_deleted_row_of_an_outbox_needs_no_user_so_that_one_without_is_still_a_dead_letter() -> None:
    proposed = written("outbox rows").proposal.topics[0]
    assert (proposed.drops_untyped, proposed.drops_userless) == (True, False)
    lacking = topic_of(lambda n: {"type": "a.b", "data": inner(n) if n % 4 else "{}"})
    assert (lacking.user_id.spec, lacking.drops_userless) == ("from_json(data).customer_id", True)


def test_a_user_in_a_text_is_proposed_where_few_records_lack_it_and_only_these_are_dead_letters(tmp_path: Path) -> None:
    records = sampled(lambda n: {"type": "a.b", "data": "started" if n == 7 else inner(n)})
    proposed = propose(records).topics[0]
    assert proposed.user_id.spec == "from_json(data).customer_id"
    assert proposed.user_id.evidence == "in 98 % of 40, 5 different"
    mapping, _ = mapped(records, tmp_path)
    assert [isinstance(mapping.map_all(each, 0.0)[0], Request) for each in records].count(False) == 1


@pytest.mark.parametrize("name", ["a.b", 'q"uote', "two words", "back\\slash", "weiß", "(x)", "key", "${HOME}", "\0x"])
def test_texts_and_fields_of_any_name_are_read_where_they_are(name: str, tmp_path: Path) -> None:
    def value(n: int) -> dict[str, Any]:
        return {"type": "a.b", name: json.dumps({"customer_id": f"c-{n % 5}", name: {name: f"v{n % 2}"}})}

    records = sampled(value)
    mapping, text = mapped(records, tmp_path)
    assert all(isinstance(each, Request) for record in records for each in mapping.map_all(record, 0.0))
    mapping_section = yaml.safe_load(text)["mapping"]
    assert len(mapping_section["events"]["a.b"]["metadata"]) == 1
    assert len(mapping_section["examples"]) == 1


def test_an_example_has_of_a_text_only_what_is_read_and_no_value_of_a_record() -> None:
    for name in ("outbox rows", "log shipper"):
        text = written(name).text
        for example in yaml.safe_load(text)["mapping"]["examples"]:
            value = example["record"]["value"]
            inside = json.loads(value["message"] if "message" in value else value["after"]["payload"])
            assert not {"contact", "lines", "client"} & inside.keys()
        assert "mail.test" not in text
        assert "10.0.0." not in text


def test_no_more_than_a_few_texts_of_a_record_are_opened() -> None:
    proposed = topic_of(lambda n: {f"text{x}": inner(n) for x in range(12)})
    opened = {each.text for each in fields_of(proposed.topic.documents) if each.text}
    assert opened == {("text0",), ("text1",), ("text10",), ("text11",)}


def test_a_text_of_many_fields_is_opened_as_far_as_any_record_is() -> None:
    wide = json.dumps({"customer_id": "c", **{f"z{x}": x for x in range(2_000)}})
    proposed = topic_of(lambda _: {"type": "a.b", "data": wide}, 3)
    assert len([each for each in fields_of(proposed.topic.documents) if each.text]) == 400
