"""What a bridge wrote about events is never an event, whatever the mapping would make of it."""

from __future__ import annotations

import pytest

from bridge.formats.letter_headers import RESOLUTION, Detail, build
from bridge.model import (
    UNREADABLE_HEADERS,
    DeadLetter,
    Failed,
    Filtered,
    FilterReason,
    Header,
    LetterReason,
    Record,
    Request,
)
from tests.unit.mapping.conftest import Bench, compiled

VALUE = b'{"type": "a", "data": {"user": "u-1"}}'
MAPPINGS = {
    "type in the value": "event_type: type\nuser_id: data.user\nevents: {a: {event_name: A}}",
    "type in a header": "event_type: header:kind\nuser_id: data.user\nevents: {a: {event_name: A}}",
    "type is the topic": "event_type: topic\nuser_id: data.user\nevents: {shop.orders: {event_name: A}}",
    "unmapped is a dead letter": "on_unmapped: dead_letter\nevent_type: type\nuser_id: data.user\nevents: {b: drop}",
    "a route that filters it before one that sends it": (
        "event_type: type\nuser_id: data.user\n"
        "events: {a: [{event_name: A, when: data.user == 'nobody'}, {event_name: B}]}"
    ),
    "several routes": "event_type: type\nuser_id: data.user\nevents: {a: [{event_name: A}, {event_name: B}]}",
}
KIND: Header = ("kind", b"a")


def headers_of(detail: Detail) -> list[Header]:
    record = Record("shop.orders", 0, 1, 5, b"k", VALUE, [KIND])
    return build(DeadLetter(record, LetterReason.REJECTED, "no"), "another bridge", detail)


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=list(MAPPINGS))
@pytest.mark.parametrize(
    "value", [VALUE, b"not JSON", b'{"type": "other"}'], ids=["an event", "no JSON", "another type"]
)
@pytest.mark.parametrize(
    "headers",
    [
        *(headers_of(detail) for detail in Detail),
        [RESOLUTION],
        [*headers_of(Detail.WHOLE), ("trace", b"1")],
        [RESOLUTION, KIND],
    ],
    ids=[*(detail.name for detail in Detail), "a resolution", "copied with a header more", "a resolution with a type"],
)
def test_a_dead_letter_and_a_resolution_are_filtered_whatever_they_hold(
    mapping: str, value: bytes, headers: list[Header]
) -> None:
    (outcome,) = Bench(compiled(mapping)).map(value, headers=headers)
    assert isinstance(outcome, Filtered)
    assert outcome.reason in (FilterReason.BRIDGE_RECORD, FilterReason.UNMAPPED)


@pytest.mark.parametrize("mapping", MAPPINGS.values(), ids=list(MAPPINGS))
def test_headers_that_cannot_be_read_make_a_dead_letter_and_are_never_taken_for_none(mapping: str) -> None:
    (outcome,) = Bench(compiled(mapping)).map(VALUE, headers=UNREADABLE_HEADERS)
    assert isinstance(outcome, Failed)
    assert outcome.reason is LetterReason.UNDECODABLE
    assert "not UTF-8" in outcome.message


def test_headers_that_only_look_like_a_bridges_are_an_events_own() -> None:
    for headers in ([KIND, ("bridge.dead-letter.note", b"1")], [("bridge.dead-letter.version", b"x")]):
        (outcome,) = Bench(compiled(MAPPINGS["type in the value"])).map(VALUE, headers=headers)
        assert isinstance(outcome, Request)
