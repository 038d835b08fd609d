"""The requests as Userpilot's pages show them, written by hand and never by our own serializer.

Sources: "Individual Identify" and "Identify Company" of docs.userpilot.com/api-references/real-time, and the examples
of its OpenAPI.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.mapping.destination import CompanyIdField, Destination
from bridge.model import COMPANY, IDENTIFY, Record, Request
from tests.unit.mapping.conftest import NOW, Bench, config_of


def sent(bench: Bench, value: Any) -> Request:
    (outcome,) = bench.map(value)
    assert isinstance(outcome, Request), outcome
    return outcome


def test_the_documented_identify(bench: Callable[[str], Bench]) -> None:
    made = sent(
        bench("""
            events:
              user.created:
                identify:
                  user_id: data.id
                  properties: {name: data.name, email: data.email}
                  company: {id: data.org}
            """),
        {
            "type": "user.created",
            "data": {"id": "user_001", "name": "Jane Doe", "email": "jane@example.com", "org": "company_001"},
        },
    )
    assert made.body == (
        b'{"user_id":"user_001","metadata":{"name":"Jane Doe","email":"jane@example.com"},'
        b'"company":{"id":"company_001"}}'
    )
    assert (made.kind, made.path, made.user_id, made.event_name) == (IDENTIFY, "/v1/identify", "user_001", "")


def test_the_documented_company(bench: Callable[[str], Bench]) -> None:
    made = sent(
        bench("""
            events:
              company.renamed:
                company:
                  id: data.id
                  properties: {name: data.name, industry: data.industry, plan: data.plan, monthly_spend: data.spend}
            """),
        {
            "type": "company.renamed",
            "data": {
                "id": "company_001",
                "name": "Acme Corporation",
                "industry": "SaaS",
                "plan": "Enterprise",
                "spend": 1000,
            },
        },
    )
    assert made.body == (
        b'{"company_id":"company_001","metadata":{"name":"Acme Corporation","industry":"SaaS","plan":"Enterprise",'
        b'"monthly_spend":1000}}'
    )
    assert (made.kind, made.path, made.user_id, made.event_name) == (
        COMPANY, "/v1/companies/identify", "company:company_001", "",
    )  # fmt: skip


def test_a_bare_identify_is_the_user_id_alone(bench: Callable[[str], Bench]) -> None:
    for route in ("identify: true", "identify: {}"):
        mapping = bench(f"user_id: key\nevents:\n  seen:\n    {route}\n")
        (outcome,) = mapping.map({"type": "seen"}, key=b"u-1")
        assert isinstance(outcome, Request)
        assert outcome.body == b'{"user_id":"u-1"}'


def test_a_company_without_properties_has_no_metadata(bench: Callable[[str], Bench]) -> None:
    made = sent(bench("events: {c: {company: {id: data.id}}}"), {"type": "c", "data": {"id": 7}})
    assert made.body == b'{"company_id":"7"}'


@pytest.mark.parametrize(
    ("field", "company"),
    [
        ("id", b'{"id":"c-1","name":"Acme"}'),
        ("company_id", b'{"company_id":"c-1","name":"Acme"}'),
        ("both", b'{"id":"c-1","company_id":"c-1","name":"Acme"}'),
    ],
)
def test_the_id_of_a_users_company_has_the_configured_name_beside_its_properties(
    field: CompanyIdField, company: bytes
) -> None:
    config = config_of("""
        events:
          u: {identify: {user_id: data.id, company: {id: data.org.id, properties: {name: data.org.name}}}}
          c: {company: {id: data.org.id}}
        """)
    mapping = compile_mapping(config, destination=Destination(company_id_field=field))
    assert isinstance(mapping, CompiledMapping)
    value = {"type": "u", "data": {"id": "u-1", "org": {"id": "c-1", "name": "Acme"}}}
    (user,) = mapping.map(record(value), NOW)
    assert isinstance(user, Request)
    assert user.body == b'{"user_id":"u-1","company":' + company + b"}"
    (alone,) = mapping.map(record({**value, "type": "c"}), NOW)
    assert isinstance(alone, Request)
    assert alone.body == b'{"company_id":"c-1"}'


def record(value: Any) -> Record:
    return Record("shop.users", 0, 1, None, None, json.dumps(value).encode(), ())


def test_the_example_of_the_issue_is_two_steps_in_the_order_of_the_file(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
        events:
          user.signed_up:
            - identify:
                user_id: data.id
                properties: {plan: data.plan, created_at: time}
                clear: []
                company: {id: data.company.id, properties: {name: data.company.name}}
            - event_name: Signed Up
              user_id: data.id
              metadata: {occurred_at: false, event_id: false}
        """)
    outcomes = mapping.map(
        {
            "type": "user.signed_up",
            "time": "2026-01-02T03:04:05Z",
            "data": {"id": "u-1", "plan": "pro", "company": {"id": "c-1", "name": "Acme"}},
        }
    )
    assert [outcome.body for outcome in outcomes if isinstance(outcome, Request)] == [
        (
            b'{"user_id":"u-1","metadata":{"plan":"pro","created_at":"2026-01-02T03:04:05Z"},'
            b'"company":{"id":"c-1","name":"Acme"}}'
        ),
        b'{"user_id":"u-1","event_name":"Signed Up"}',
    ]
