"""Events beside live traffic: the dispatcher is told which of them wait for one another, and none is forgotten."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.model import (
    TRACK,
    Elements,
    Failed,
    Filtered,
    FilterReason,
    LetterReason,
    Outcome,
    Outcomes,
    Request,
    Route,
    Steps,
    output_of,
)
from bridge.reprocess.sending.events_in_flight import EventsInFlight

ROUTE = Route("r", "0" * 12, "R")
FILTERED = Filtered(FilterReason.WHEN)


def request() -> Request:
    return Request(TRACK, "u", "R", b"{}", ROUTE)


def plain(count: int) -> Outcomes:
    return tuple(request() for _ in range(count))


def test_what_waits_for_nothing_is_given_as_one() -> None:
    events = EventsInFlight([plain(2), (), plain(1)])
    assert len(events.outcomes) == 3
    assert not isinstance(events.outcomes, Steps)
    assert [events.accept(place) for place in range(3)] == [0, 1, 2]
    assert not events.are_open


def test_steps_are_given_as_steps_and_those_behind_one_that_failed_are_not_waited_for() -> None:
    events = EventsInFlight([Steps((request(), FILTERED, request(), request()))])
    assert isinstance(events.outcomes, Steps)
    events.accept(0)
    assert events.fail(2) == 2
    assert not events.are_open


def test_an_event_that_fails_takes_no_other_with_it_where_none_waits_for_it() -> None:
    events = EventsInFlight([plain(3)])
    events.fail(0)
    events.accept(1)
    assert events.are_open
    events.accept(2)
    assert not events.are_open


def test_what_cannot_become_a_request_is_waited_for_where_that_is_asked() -> None:
    failed = Failed(LetterReason.INVALID, "no")
    assert not EventsInFlight([(failed,)]).are_open
    assert EventsInFlight([(failed,)], counts=(Request, Failed)).are_open


@st.composite
def parts(draw: st.DrawFn) -> list[Outcomes]:
    made: list[Outcomes] = []
    for _ in range(draw(st.integers(0, 4))):
        each: list[Outcome] = [request() if draw(st.booleans()) else FILTERED for _ in range(draw(st.integers(0, 4)))]
        made.append(Steps(each) if draw(st.booleans()) else tuple(each))
    return made


@given(parts(), st.data())
def test_it_is_through_when_every_event_is_accepted_failed_or_left_behind_one_that_failed(
    given_parts: list[Outcomes], data: st.DataObject
) -> None:
    """Played as the dispatcher plays it: a step goes only after the one before it."""
    events = EventsInFlight(given_parts)
    elements = events.outcomes[0] if events.outcomes and isinstance(events.outcomes[0], Elements) else None
    found = [events.outcomes] if elements is None else [elements.map(n, 0.0) for n in range(elements.count)]
    ready: list[list[int]] = []  # lanes of numbers, each of which goes after the one before
    for number, part in enumerate(found):
        numbers = [
            place if elements is None else output_of(number, place)
            for place, each in enumerate(part)
            if isinstance(each, Request)
        ]
        ready += [numbers] if isinstance(part, Steps) else [[each] for each in numbers]
    lanes = [lane for lane in ready if lane]
    places: list[int] = []
    while lanes:
        assert events.are_open
        lane = data.draw(st.sampled_from(lanes))
        if data.draw(st.booleans()):
            places.append(events.accept(lane.pop(0)))
        else:
            places.append(events.fail(lane[0]))
            lane.clear()
        lanes = [lane for lane in lanes if lane]
    assert not events.are_open
    assert len(set(places)) == len(places)
    every = [each for part in given_parts for each in part]
    assert all(isinstance(every[place], Request) for place in places)
