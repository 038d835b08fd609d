"""What `track-bridge check` says of routes of users and companies that are for nothing or in a doubtful order."""

from __future__ import annotations

import pytest

from bridge.mapping.destination import Destination
from bridge.mapping.review.route_advice import route_advice
from tests.unit.mapping.conftest import config_of


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("{t: [{event_name: A}, {identify: true}]}", "mapping.events.t[1] identifies the user after an event"),
        ("{t: {forget: true}}", "mapping.events.t: forget keeps the bridge from identifying"),
        ("{t: [{event_name: A}, {forget: true}]}", "mapping.events.t[1]: forget keeps the bridge from identifying"),
        ("{t: {identify: {properties: {last_seen_at: time}}}}", "mapping.events.t.identify.properties.last_seen_at"),
        (
            "{t: {identify: {from: data, company: {id: data.org.id}}}}",
            "mapping.events.t.identify.from: what is under org",
        ),
        (
            "{t: {identify: {properties: {created_at: time}}}, u: {identify: {properties: {created_at: timestamp}}}}",
            "created_at is the time of the event in mapping.events.t.identify, mapping.events.u.identify",
        ),
        ("{t: {company: {id: a}}}", "Routes describe companies, and none puts a user into one"),
    ],
)
def test_a_route_that_is_for_nothing_is_named(events: str, said: str) -> None:
    (found,) = route_advice(config_of(f"events: {events}"), Destination())
    assert found.what.startswith(said)


@pytest.mark.parametrize(
    "events",
    [
        "{t: [{identify: true}, {event_name: A}], u: drop}",
        "{t: [{company: {id: a}}, {identify: {company: {id: a}}}]}",
        "{t: {forget: true}}",
        "{t: {event_name: A}}",
        "{t: {identify: {from: data, omit: [org], company: {id: data.org.id}}}}",
        "{t: {identify: {from: data, omit: ['org.*'], company: {id: data.org.id}}}}",
        "{t: {identify: {from: data.user, company: {id: data.org.id}}}}",
        "{t: {identify: {from: data, company: {id: data.org_id}}}}",
        "{t: {identify: {properties: {created_at: time}}}, u: {identify: {properties: {created_at: data.since}}}}",
    ],
)
def test_what_is_meant_so_is_told_nothing(events: str) -> None:
    assert route_advice(config_of(f"events: {events}"), Destination(identifies_unknown=True)) == []
