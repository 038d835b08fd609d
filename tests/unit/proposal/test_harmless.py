"""No value of a sampled record is in the file: not in an example, not in a comment."""

from __future__ import annotations

import re
from typing import Any

import orjson
import pytest
import yaml

from bridge.model import Record
from bridge.proposal.documents import SampledDocument
from bridge.proposal.file.harmless import Replacements, taken_by
from tests.support.proposal.judged import written
from tests.support.proposal.topics import TOPICS

STRUCTURE = {"1.0", "0", "1", "2", "true", "false", "c", "u", "d", "r"}
"""Marks of a format, and what is too short to be anybody's."""


def scalars(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(scalars, value.values()))
    if isinstance(value, list):
        return set().union(*map(scalars, value))
    own = {str(value)} if isinstance(value, str | int | float) and not isinstance(value, bool) else set()
    if isinstance(value, str) and value[:1] in {"{", "["}:
        own |= scalars(orjson.loads(value))
    return own


@pytest.mark.parametrize("name", sorted(set(TOPICS) - {"1 avro", "10 protobuf"}))
def test_no_sampled_value_is_left_in_the_examples(name: str) -> None:
    made = written(name)
    topic, proposal, text = made.topic, made.proposal, made.text
    sampled = set(taken_by(proposal.topics[0].topic.documents))
    types = {route.event_type for route in proposal.topics[0].routes} | {
        part for route in proposal.topics[0].routes for part in route.event_type.split(".")
    }
    for example in yaml.safe_load(text)["mapping"]["examples"]:
        record = dict(example["record"])
        shown = scalars(record.get("value")) | scalars(record.get("headers", {})) | scalars(record.get("key"))
        shown |= scalars({**example["expect"], "event_name": ""})
        assert not {each for each in shown & sampled if len(each) > 1} - types - STRUCTURE - _marks(topic.name), name


def _marks(topic: str) -> set[str]:
    """What tells one connector's format from another's, and names in schemas."""
    return {"postgresql", "mongodb", "application/json", "track"} | ({topic} if topic else set())


@pytest.mark.parametrize("name", ["2 debezium", "4 segment", "7 stripe", "9 eventbridge", "shopify", "plain"])
def test_nothing_of_a_person_is_in_the_file_anywhere(name: str) -> None:
    assert not re.search(r"mail\.test|10\.0\.\d|Mozilla|Berlin|\bAda\b|\bJon\b", written(name).text)


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("ada@mail.test", r"person\d+@mail\.example"),
        ("billing-svc@1.42.0", r"[a-z]+-[a-z]+@\d\.\d\d\.\d"),
        ("550e8400-e29b-41d4-a716-446655440000", r"00000000-0000-4000-8000-[0-9a-f]{12}"),
        ("2025-11-30T10:20:30.123Z", r"2026-01-02T03:04:\d\d\.000Z"),
        ("2025-11-30 10:20:30", r"2026-01-02 03:04:\d\d"),
        ("u-1042", r"[a-z]-\d{4}"),
        ("https://shop.test/ada?x=1", r"https://site\.example/page/\d+"),
        ("10.20.30.40", r"192\.0\.2\.\d+"),
        (1042, r"\d{4}"),
        (1764497000, r"17673230\d\d"),
        (12.75, r"\d+\.5"),
        ("", r"\S*-?\d*"),
    ],
)
def test_a_value_becomes_another_one_of_its_form(value: Any, form: str) -> None:
    replaced = Replacements(frozenset({str(value)})).of(value)
    assert replaced != value
    assert type(replaced) is type(value)
    assert re.fullmatch(form, str(replaced))


def test_what_is_taken_is_never_given_and_the_same_value_becomes_the_same() -> None:
    taken = frozenset(str(number) for number in range(10_000))
    new = Replacements(taken)
    given = [new.of(number) for number in range(20)]
    assert len(set(given)) == 20
    assert not taken & set(map(str, given))
    assert new.of(7) == new.of(7)


def test_all_scalars_of_a_document_are_taken() -> None:
    record = Record("a", 0, 0, None, b"k", b"{}", ())
    document = SampledDocument(record, {"a": [{"b": 1}], "c": '{"d": "x"}'}, {"h": "y"}, "k", {"o": 2.5})
    assert taken_by([document]) >= {"1", "x", "y", "k", "2.5"}
