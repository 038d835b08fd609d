"""What becomes of properties: flat, explicit, no null but what is to be removed, and never more than is taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.mapping.routes.properties import LONGEST_NAME, LONGEST_VALUE, MOST_PROPERTIES
from bridge.model import Failed, LetterReason, Request
from tests.unit.mapping.conftest import Bench, compiled

Build = Callable[..., Bench]
Document = Callable[..., dict[str, Any]]


def test_only_what_is_named_is_sent(user: Build, document: Document) -> None:
    mapping = user("properties: {plan: data.plan}")
    assert document(mapping, plan="pro", email="a@b.example") == {"user_id": "u-1", "metadata": {"plan": "pro"}}


def test_common_metadata_is_of_events_alone(user: Build, document: Document) -> None:
    mapping = user("properties: {plan: data.plan}", "common_metadata: {source: {value: shop}}")
    assert document(mapping, plan="pro") == {"user_id": "u-1", "metadata": {"plan": "pro"}}


def test_values_are_flat_primitives_with_dates_as_iso_8601(user: Build, document: Document) -> None:
    mapping = user("""
properties:
  address: data.address
  tags: data.tags
  since: {path: data.since, type: datetime, unit: s}
  admin: data.admin
  mrr: data.mrr
  big: data.big
""")
    assert document(
        mapping,
        address={"city": "Berlin", "geo": {"lat": 52.5, "none": None}},
        tags=["a", None, 1],
        since=1767323045,
        admin=True,
        mrr=500,
        big=2**70,
    )["metadata"] == {
        "address.city": "Berlin",
        "address.geo.lat": 52.5,
        "tags": "a, 1",
        "since": "2026-01-02T03:04:05Z",
        "admin": True,
        "mrr": 500,
        "big": 2**70,
    }


def test_a_list_of_objects_is_left_out_and_counted(user: Build) -> None:
    (outcome,) = user("properties: {a: data.a}\ncompany: {id: data.c, from: data.d}").map(
        {"type": "u", "data": {"id": "u-1", "c": "c", "a": [{}], "d": {"x": [{}], "y": [[1]]}}}
    )
    assert isinstance(outcome, Request)
    assert outcome.left_out == 3
    assert outcome.body == b'{"user_id":"u-1","company":{"id":"c"}}'


def test_from_takes_a_whole_object_without_what_is_omitted_and_what_is_named_wins(
    user: Build, document: Document
) -> None:
    mapping = user("from: data.traits\nomit: [email, 'address.*']\nproperties: {plan: data.plan}")
    traits = {"plan": "free", "email": "a@b.example", "address": {"city": "X"}, "name": "Jane", "": "x"}
    assert document(mapping, traits=traits, plan="pro")["metadata"] == {"plan": "pro", "name": "Jane"}
    assert document(mapping, traits=traits)["metadata"] == {"plan": "free", "name": "Jane"}


def test_the_id_of_a_company_is_what_id_reads_whatever_a_whole_object_has_of_that_name(
    user: Build, document: Document
) -> None:
    mapping = user("company: {id: data.company.id, from: data.company}")
    company = {"id": 7, "company_id": "other", "name": "Acme", "owner": {"id": "u-9"}}
    assert document(mapping, company=company)["company"] == {"id": "7", "name": "Acme", "owner.id": "u-9"}


def test_what_is_no_object_cannot_be_taken_whole(user: Build) -> None:
    failed = user("from: data.traits").failed({"type": "u", "data": {"id": "u", "traits": "x"}})
    assert failed.message == "identify.from: data.traits is a string; an object is needed"


def test_stringify_makes_texts_of_properties_and_leaves_nulls(user: Build, document: Document) -> None:
    mapping = user(
        "properties: {a: data.a, b: data.b, n: data.n}\nclear: [n]\ncompany: {id: data.id, properties: {c: data.a}}",
        "stringify: true",
    )
    assert document(mapping, a=1.5, b=True, n=None) == {
        "user_id": "u-1",
        "metadata": {"a": "1.5", "b": "true", "n": None},
        "company": {"id": "u-1", "c": "1.5"},
    }


# --- nulls


def test_a_null_is_sent_for_what_is_to_be_cleared_and_for_nothing_else(user: Build, document: Document) -> None:
    mapping = user("properties: {plan: data.plan, trial: data.trial}\nclear: [trial]")
    assert document(mapping, plan=None, trial=None) == {"user_id": "u-1", "metadata": {"trial": None}}


def test_a_field_that_is_not_there_clears_nothing(user: Build, document: Document) -> None:
    mapping = user("properties: {trial: data.trial.ends}\nclear: [trial]")
    assert document(mapping) == {"user_id": "u-1"}
    assert document(mapping, trial={}) == {"user_id": "u-1"}
    assert document(mapping, trial=None)["metadata"] == {"trial": None}
    assert document(mapping, trial={"ends": None})["metadata"] == {"trial": None}


def test_the_null_of_a_longer_expression_clears(user: Build, document: Document) -> None:
    mapping = user('properties: {plan: "data.a || data.b", gone: "`null`"}\nclear: [plan, gone]')
    assert document(mapping)["metadata"] == {"plan": None, "gone": None}
    assert document(mapping, b="pro")["metadata"] == {"plan": "pro", "gone": None}


def test_what_no_header_and_no_key_says_clears_nothing(user: Build, document: Document) -> None:
    assert document(user("properties: {plan: 'header:plan', k: key}\nclear: [plan, k]")) == {"user_id": "u-1"}


def test_nulls_of_a_whole_object_clear_what_is_named_at_or_below_them(user: Build, document: Document) -> None:
    mapping = user(
        "from: data.t\nomit: [secret]\nproperties: {kept: data.kept}\nclear: [plan, address.city, kept, secret]"
    )
    assert document(mapping, kept="x", t={"plan": None, "address": None, "other": None, "kept": None, "secret": None})[
        "metadata"
    ] == {"kept": "x", "plan": None, "address.city": None}
    assert document(mapping, kept="x", t={"a": 1})["metadata"] == {"kept": "x", "a": 1}


# --- limits


@pytest.mark.parametrize("key", ["identify.properties", "identify.company.properties", "company.properties"])
def test_a_property_beyond_what_userpilot_takes_is_named_and_nothing_is_sent(key: str) -> None:
    *parents, _ = key.split(".")
    route: dict[str, Any] = {"from": "data.p"}
    if parents[-1] == "company":
        route["id"] = "data.id"
    for name in reversed(parents):
        route = {name: route}
    mapping = Bench(compiled(json.dumps({"user_id": "data.id", "events": {"u": route}})))

    def of(properties: dict[str, Any]) -> str | None:
        (outcome,) = mapping.map({"type": "u", "data": {"id": "u-1", "p": properties}})
        if isinstance(outcome, Request):
            return None
        assert isinstance(outcome, Failed)
        assert outcome.reason is LetterReason.INVALID
        return outcome.message

    assert of({f"p{number}": 1 for number in range(MOST_PROPERTIES)}) is None
    assert of({f"p{number}": 1 for number in range(MOST_PROPERTIES + 1)}) == (
        f"{key}.p500 is one more than the 500 properties that Userpilot takes; "
        "name those that are needed, or omit others"
    )
    assert of({"n" * LONGEST_NAME: 1, "v": "x" * LONGEST_VALUE, "l": ["x"] * 21845}) is None
    assert of({"n" * 256: 1}) == f"{key}.{'n' * 60}…: its name has 256 characters; Userpilot takes 255"
    assert of({"v": "x" * 65_536}) == f"{key}.v has 65536 characters; Userpilot takes 65535"
    assert of({"l": ["x"] * 21846}) == f"{key}.l has 65536 characters; Userpilot takes 65535"
    assert of({"l": ["x"] * 50_000}) == f"{key}.l has more than 65535 characters; Userpilot takes 65535"


def test_metadata_limit_is_of_events_alone(user: Build, document: Document) -> None:
    mapping = user("from: data.p", "metadata_limit: 1KB")
    assert len(document(mapping, p={f"p{number}": "x" * 100 for number in range(100)})["metadata"]) == 100


def test_a_long_name_over_many_fields_is_refused_before_it_costs(user: Build) -> None:
    value = {"type": "u", "data": {"id": "u", "p": {"x" * 100_000: {f"{number}": None for number in range(50_000)}}}}
    failed = user("from: data.p\nclear: [a]").failed(value)
    assert failed.message == "identify.properties are made of more than 20000 names"


# --- whatever a record holds

_SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=20,
)
_CLEARED = ("a", "b.c", "named")
_MAPPING = compiled("""
    events:
      u:
        identify:
          user_id: data.id
          from: data.traits
          properties: {named: data.named, d: data.d}
          clear: [a, b.c, named]
          company: {id: data.org, from: data.traits, properties: {d: data.d}}
    """)


@given(st.dictionaries(st.sampled_from(["a", "b", "named", "x.y", "id", "d"]) | st.text(max_size=6), _VALUES), _VALUES)
def test_a_request_is_flat_has_no_null_but_what_is_cleared_and_keeps_its_ids(
    traits: dict[str, Any], other: Any
) -> None:
    value = {"type": "u", "data": {"id": "u-1", "org": "c-1", "traits": traits, "named": other, "d": other}}
    (outcome,) = Bench(_MAPPING).map(value)
    if isinstance(outcome, Failed):  # a lone surrogate, a number that no request can carry
        assert outcome.reason is LetterReason.INVALID
        return
    assert isinstance(outcome, Request)
    body = json.loads(outcome.body)
    assert body["user_id"] == "u-1"
    assert body["company"].pop("id") == "c-1"
    assert "company_id" not in body["company"]
    for name, each in body.get("metadata", {}).items():
        assert isinstance(each, str | int | float) or (each is None and name in _CLEARED), name
        assert name.strip()
    assert all(isinstance(each, str | int | float) for each in body["company"].values())
