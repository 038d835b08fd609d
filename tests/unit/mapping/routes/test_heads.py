"""Whom and what a route is for, whatever its kind: conditions, age, share of users, ids, and what never leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.mapping.routes.sample import sampler
from bridge.model import Failed, Filtered, FilterReason, LetterReason, Request
from tests.unit.mapping.conftest import Bench

Build = Callable[[str], Bench]
KINDS = {"identify": "identify: true", "company": "company: {id: data.user_id}"}


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return KINDS[request.param]


def of(user_id: Any = "u-1", **more: Any) -> dict[str, Any]:
    return {"type": "t", "time": "2026-01-02T02:30:00Z", "data": {"user_id": user_id, **more}}


def test_a_condition_holds_for_the_route_and_for_all_routes(bench: Build, kind: str) -> None:
    mapping = bench(f"events: {{t: {{{kind}, when: 'data.new == `true`'}}}}")
    assert isinstance(mapping.map(of(new=True))[0], Request)
    filtered = mapping.filtered(of(new=False))
    assert (filtered.reason, filtered.route and filtered.route.name) == (FilterReason.WHEN, "t")
    assert bench(f"when: 'data.new == `true`'\nevents: {{t: {{{kind}}}}}").filtered(of()).route is None


def test_a_condition_that_is_neither_is_a_dead_letter(bench: Build, kind: str) -> None:
    failed = bench(f"events: {{t: {{{kind}, when: data.new}}}}").failed(of(new="x"))
    assert failed.message == "when: data.new is a string; true or false is needed"


def test_what_is_too_old_is_not_sent(bench: Build, kind: str) -> None:
    mapping = bench(f"max_age: 1h\nevents: {{t: {{{kind}}}}}")
    assert mapping.filtered(of()).reason is FilterReason.EXPIRED
    assert isinstance(bench(f"max_age: 1h\nevents: {{t: {{{kind}, max_age: 2h}}}}").map(of())[0], Request)
    assert isinstance(bench(f"max_age: 1h\nevents: {{t: {{{kind}, max_age: null}}}}").map(of())[0], Request)
    letter = bench(f"on_expired: dead_letter\nevents: {{t: {{{kind}, max_age: 1h}}}}").failed(of())
    assert letter.reason is LetterReason.EXPIRED


def test_a_share_of_users_is_the_same_for_all_kinds(bench: Build) -> None:
    contains = sampler(0.3)
    assert contains is not None
    mapping = bench("""
        events:
          t:
            - {identify: true, sample: 30%}
            - {event_name: E, sample: 30%}
            - {company: {id: data.user_id}, sample: 30%}
        """)
    for number in range(50):
        sent = [isinstance(each, Request) for each in mapping.map(of(f"u-{number}"))]
        assert sent == [contains(f"u-{number}")] * 3


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "data.user_id is missing or null; a string or an integer is needed"),
        ("", "data.user_id is an empty string; {what} is needed"),
        ("  ", "data.user_id is an empty string; {what} is needed"),
        (1.5, "data.user_id is a number with a fraction; a string or an integer is needed"),
        ([1], "data.user_id is an array; a string or an integer is needed"),
        ("a\nb", "data.user_id has the control character U+000A at place 1; it is not sent"),
    ],
)
@pytest.mark.parametrize(
    ("route", "label", "what"),
    [
        ("identify: true", "user_id", "a user id"),
        ("company: {id: data.user_id}", "company.id", "a company's id"),
        ("identify: {user_id: data.other, company: {id: data.user_id}}", "identify.company.id", "a company's id"),
    ],
)
def test_an_id_is_checked_as_that_of_an_events_user(
    bench: Build, route: str, label: str, what: str, found: Any, sentence: str
) -> None:
    failed = bench(f"events: {{t: {{{route}}}}}").failed(of(found, other="u-1"))
    assert failed.reason is LetterReason.UNMAPPABLE
    assert failed.message == f"{label}: {sentence.format(what=what)}"


def test_whole_numbers_are_ids_in_digits(bench: Build) -> None:
    (made,) = bench("events: {t: {identify: {company: {id: data.org}}}}").map(of(2**70, org=7))
    assert isinstance(made, Request)
    assert made.body == b'{"user_id":"1180591620717411303424","company":{"id":"7"}}'


def test_nobody_may_be_dropped_but_a_company_without_an_id_is_a_dead_letter(bench: Build) -> None:
    dropped = bench("on_no_user: drop\nevents: {t: {identify: {company: {id: data.org}}}}")
    assert dropped.filtered(of(None)).reason is FilterReason.NO_USER
    assert dropped.failed(of("u-1")).reason is LetterReason.UNMAPPABLE
    assert isinstance(bench("on_no_user: drop\nevents: {t: {company: {id: data.org}}}").failed(of()), Failed)


def test_what_is_never_sent_is_in_no_property_and_no_id(bench: Build) -> None:
    mapping = bench("""
        never_send: [data.email, data.org.owner, data.traits.phone]
        events:
          t:
            - identify:
                from: data.traits
                properties: {email: data.email, all: data.org}
                clear: [email]
                company: {id: data.org.id, from: data.org}
            - company: {id: data.org.id, from: data.org}
        """)
    secrets = {"email": "s-1", "traits": {"phone": "s-2", "plan": "pro"}, "org": {"id": "c", "owner": "s-3"}}
    for made in mapping.map(of(**secrets)):
        assert isinstance(made, Request)
        assert b"s-" not in made.body
        assert b"null" not in made.body


def test_a_text_on_the_way_of_what_is_never_sent_makes_a_dead_letter_of_whoever_would_send_it(bench: Build) -> None:
    mapping = bench("never_send: [data.traits.phone]\nevents: {t: {identify: {properties: {t: data.traits}}}}")
    failed = mapping.failed(of(traits='{"phone": 1}'))
    assert "never_send data.traits.phone" in failed.message


def test_a_lone_surrogate_is_invalid(bench: Build) -> None:
    mapping = bench("events: {t: {identify: {properties: {a: data.a}}}}")
    failed = mapping.failed(json.dumps(of(a="\ud800")).encode())
    assert failed.reason in {LetterReason.INVALID, LetterReason.UNDECODABLE}


def test_the_instances_of_what_is_filtered_are_shared(bench: Build, kind: str) -> None:
    mapping = bench(f"events: {{t: {{{kind}, when: 'data.new == `true`'}}}}")
    first, second = mapping.map(of(new=False))[0], mapping.map(of(new=False))[0]
    assert isinstance(first, Filtered)
    assert first is second
