"""Samples that nobody would wish for: each makes a configuration that loads, and says what is the matter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.model import Record
from bridge.proposal.file.page import Connections
from bridge.proposal.file.write import configuration_of
from bridge.proposal.propose import propose
from tests.support.proposal.judged import compiled
from tests.support.proposal.made import Topic


def sampled(*values: Any, key: bytes | None = None) -> list[Record]:
    contents = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in values]
    return [Record("shop.orders", 0, place, None, key, content, ()) for place, content in enumerate(contents)]


def proposed(records: list[Record], folder: Path, *topics: str) -> tuple[str, MappingConfig]:
    text = configuration_of(
        propose(records, topics=topics or ("shop.orders",)), Connections(topics or ("shop.orders",))
    )
    return text, compiled(text, folder, Topic("", (), (), {}))[0]


def test_an_empty_topic_says_that_there_was_nothing_to_learn_from(tmp_path: Path) -> None:
    text, config = proposed([], tmp_path)
    assert "There was no record" in text
    assert list(config.events) == ["example.event"]


def test_one_record_is_enough_for_a_proposal(tmp_path: Path) -> None:
    _, config = proposed(
        sampled({"type": "order.paid", "id": "1", "time": "2026-01-02T03:04:05Z", "userId": "u-1"}), tmp_path
    )
    assert (config.event_type, config.user_id, config.event_id) == ("type", "userId", "id")
    assert list(config.events) == ["order.paid"]


def test_records_of_all_shapes_load(tmp_path: Path) -> None:
    shapes = [{f"field_{number}": {f"inner_{number}": number}} for number in range(40)]
    text, _ = proposed(sampled(*shapes, [], 3, "text", None, True), tmp_path)
    assert "NOT FOUND: no field looks like a person" in text


def test_records_of_megabytes_are_read_and_not_written(tmp_path: Path) -> None:
    large = {
        "type": "order.paid",
        "userId": "u-1",
        "blob": "x" * 5_000_000,
        "many": {f"k{n}": n for n in range(3_000)},
    }
    text, config = proposed(sampled(large, {**large, "userId": "u-2"}), tmp_path)
    assert config.user_id == "userId"
    assert len(text) < 20_000


@pytest.mark.parametrize(
    "name", ["a.b", 'q"uote', "two words", "back\\slash", "weiß", "x:y", "key", "${HOME}", "tab\there"]
)
def test_fields_of_any_name_can_be_metadata(name: str, tmp_path: Path) -> None:
    values = [{"type": "order.paid", "userId": f"u-{n % 3}", name: f"v{n % 2}"} for n in range(12)]
    _, config = proposed(sampled(*values), tmp_path)
    rule = config.events["order.paid"]
    assert rule != "drop"
    assert len(rule[0].metadata) == 1
    assert len(config.examples) == 1  # so it finds what is there


@pytest.mark.parametrize(
    "kind",
    ["no", "1e3", "a: b", "#hash", "- dash", "{x}", "~", "null", "0x10", "true", "& a", "!tag", "%x", "'", '"', "a #b"],
)
def test_types_that_look_like_yaml_stay_texts(kind: str, tmp_path: Path) -> None:
    values = [{"type": each, "userId": f"u-{n % 3}"} for n in range(9) for each in (kind, "order.paid")]
    _, config = proposed(sampled(*values), tmp_path)
    assert set(config.events) == {kind, "order.paid"}


def test_types_with_line_ends_and_wildcards_have_no_route_and_that_is_said(tmp_path: Path) -> None:
    values = [
        {"type": each, "userId": f"u-{n}"} for n in range(5) for each in ("a\nb", "x*", "order.paid", "order.sent")
    ]
    text, config = proposed(sampled(*values), tmp_path)
    assert set(config.events) == {"order.paid", "order.sent"}
    assert "have no route" in text


def test_garbage_is_named_and_not_guessed_at(tmp_path: Path) -> None:
    text, _ = proposed(sampled(*(bytes([200 + n, 0, 255, n]) * 9 for n in range(20))), tmp_path)
    assert "cannot be read" in text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((b"\x82\xa4type\xa1a\xa7user_id\xa1b",), "MessagePack"),
        ((b"<order><id>1</id></order>",), "XML"),
        ((b"type=order&user=1",), "form data"),
    ],
)
def test_what_the_bridge_does_not_read_is_named(values: tuple[bytes, ...], said: str, tmp_path: Path) -> None:
    assert said in proposed(sampled(*values), tmp_path)[0]


def test_hundreds_of_types_become_routes_by_their_beginnings(tmp_path: Path) -> None:
    values = [{"type": f"{('order', 'cart', 'user')[n % 3]}.{n}", "userId": f"u-{n % 50}"} for n in range(600)]
    text, config = proposed(sampled(*values), tmp_path)
    assert set(config.events) == {"order.*", "cart.*", "user.*"}
    assert "too many for a route each" in text


def test_hundreds_of_types_without_anything_in_common_become_one_route(tmp_path: Path) -> None:
    values = [{"type": f"T{n:x}thing", "userId": f"u-{n % 50}"} for n in range(300)]
    text, config = proposed(sampled(*values), tmp_path)
    assert set(config.events) == {"*"}
    assert "too many for a route each" in text


def test_an_id_of_the_event_is_never_taken_for_its_user(tmp_path: Path) -> None:
    values = [{"type": "order.paid", "id": f"e-{n}", "userId": f"u-{n % 5}"} for n in range(30)]
    _, config = proposed(sampled(*values), tmp_path)
    assert (config.user_id, config.event_id) == ("userId", "id")


def test_the_key_is_the_user_where_no_field_is(tmp_path: Path) -> None:
    records = [
        record._replace(key=f"u-{n % 7}".encode())
        for n, record in enumerate(sampled(*({"type": "order.paid", "total": n} for n in range(30))))
    ]
    assert proposed(records, tmp_path)[1].user_id == "key"


def test_names_that_need_quotes_have_them_where_two_fields_are_one_setting(tmp_path: Path) -> None:
    values = [
        {"type": "a.paid", **({"user-id": f"u-{n % 4}"} if n % 2 else {"ü.userId": f"v-{n % 4}"})} for n in range(40)
    ]
    _, config = proposed(sampled(*values), tmp_path)
    assert sorted(str(config.user_id).split(" || ")) == ['"user-id"', '"ü.userId"']


@pytest.mark.parametrize(
    ("keys", "form"), [((5).to_bytes(8, "big"), "int64"), ((5).to_bytes(4, "big"), "int32")], ids=["int64", "int32"]
)
def test_a_binary_key_is_read_as_what_it_is(keys: bytes, form: str, tmp_path: Path) -> None:
    _, config = proposed(sampled(*({"type": "order.paid", "total": n} for n in range(5)), key=keys), tmp_path)
    assert (config.user_id, config.key) == ("key", form)
