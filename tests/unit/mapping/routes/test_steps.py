"""Which outcomes of a record wait for each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.model import Failed, Filtered, FilterReason, Record, Request, Steps
from tests.unit.mapping.conftest import NOW, Bench, compiled

SIGNED_UP = {"type": "t", "data": {"user_id": "u-1", "org": "c-1"}}


@pytest.mark.parametrize(
    ("routes", "are_steps"),
    [
        ("[{event_name: A}, {event_name: B}]", False),
        ("[{identify: true}]", False),
        ("[{company: {id: data.org}}]", False),
        ("[{identify: true}, {event_name: A}]", True),
        ("[{event_name: A}, {identify: true}]", True),
        ("[{company: {id: data.org}}, {event_name: A}]", True),
        ("[{identify: true}, {company: {id: data.org}}]", True),
        ("[{forget: true}, {event_name: A}]", False),
        ("[{identify: true, topics: [elsewhere]}, {event_name: A}, {event_name: B}]", False),
        ("[{identify: true, topics: [elsewhere]}, {event_name: A}]", False),
    ],
)
def test_outcomes_are_steps_where_several_routes_look_and_one_is_no_event(
    bench: Callable[[str], Bench], routes: str, *, are_steps: bool
) -> None:
    assert isinstance(bench(f"events: {{t: {routes}}}").map(SIGNED_UP), Steps) is are_steps


def test_steps_keep_the_order_of_the_file_and_those_that_are_filtered(bench: Callable[[str], Bench]) -> None:
    mapping = bench("""
        events:
          t:
            - {company: {id: data.org}, when: data.new == `true`}
            - {identify: {company: {id: data.org}}}
            - {event_name: Signed Up}
        """)
    first, second, third = mapping.map({**SIGNED_UP, "data": {**SIGNED_UP["data"], "new": False}})  # type: ignore[dict-item]
    assert isinstance(first, Filtered)
    assert first.reason is FilterReason.WHEN
    assert isinstance(second, Request)
    assert second.kind.name == "identify"
    assert isinstance(third, Request)
    assert third.event_name == "Signed Up"


def test_the_steps_of_an_element_are_its_own(bench: Callable[[str], Bench]) -> None:
    (elements,) = bench("""
        each: records
        user_id: id
        event_type: {value: t}
        events: {t: [{identify: true}, {event_name: A}]}
        """).map({"records": [{"id": "u-1"}, {"id": "u-2"}]})
    steps = elements.map(1, 0.0)  # type: ignore[union-attr]
    assert isinstance(steps, Steps)
    assert [each.user_id for each in steps if isinstance(each, Request)] == ["u-2", "u-2"]


@pytest.mark.parametrize(
    ("route", "kind"),
    [("identify: {user_id: nothing}", "identify"), ("company: {id: nothing}", "company"), ("event_name: A", "track")],
)
def test_what_cannot_be_made_says_of_which_kind_it_would_have_been(route: str, kind: str) -> None:
    mapping = compiled(f"user_id: nothing\nevents: {{a: {{{route}}}}}")
    (failed,) = mapping.map(Record("t", 0, 0, None, None, b'{"type":"a"}', ()), NOW)
    assert isinstance(failed, Failed)
    assert failed.kind == kind


def test_whether_the_rest_follows_a_refused_identify_is_said_by_topic(
    bench: Callable[[str], Bench],
) -> None:
    mapping = bench("""
        per_topic: {shop.users: {on_identify_rejected: send}, '^billing': {on_identify_rejected: dead_letter}}
        events: {t: {identify: true}}
        """).mapping
    assert [mapping.rest_follows(topic) for topic in ("shop.users", "billing.x", "other")] == [True, False, False]
    sends = bench("on_identify_rejected: send\nper_topic: {a: {on_identify_rejected: dead_letter}}\nevents: {t: drop}")
    assert [sends.mapping.rest_follows(topic) for topic in ("a", "b")] == [False, True]
