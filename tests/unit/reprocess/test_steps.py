"""A dead letter of a step: a replay goes on where its record stopped, with what was left, and sends nothing twice."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.formats.letters import Letter, parse
from bridge.formats.resolutions import Attempted, Author, decode, encode
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import (
    DeadLetter,
    Elements,
    FailedStep,
    LetterReason,
    Outcomes,
    Record,
    Request,
    Route,
    Steps,
    output_of,
)
from bridge.reprocess.reading.ledger import UNTOUCHED, FailedEvent, LetterStanding, LetterState
from bridge.reprocess.reading.redaction import redaction
from bridge.reprocess.reading.selection import LetterEntry, Selection, select
from bridge.reprocess.replay.letters import LetterInFlight
from bridge.reprocess.replay.mapped_letter import MappedLetter, kinds_before, of
from bridge.reprocess.replay.plan import Body, LetterFate, PlannedLetter, ReplayRules, decide
from bridge.reprocess.sending.traffic_log import cause_of
from bridge.reprocess.showing import rows, steps
from bridge.reprocess.transfer import export
from tests.support.reprocess.letters import letter

BY = Author("track-bridge dlq replay", "ops", "host-1")
NOW = 1_767_400_000.0
IDENTIFY: dict[str, Any] = {"identify": {"properties": {"plan": "plan"}}}
COMPANY: dict[str, Any] = {"company": {"id": "company", "properties": {"name": "company"}}}
TRACK: dict[str, Any] = {"event_name": "Signed Up"}
THREE = [IDENTIFY, COMPANY, TRACK]
DATA = {"type": "signed_up", "user": "u-1", "plan": "pro", "company": "acme"}
KINDS = ["identify", "company", "track"]


def mapping(rule: Any, **changes: Any) -> CompiledMapping:
    made = compile_mapping(MappingConfig.model_validate({"user_id": "user", "events": {"signed_up": rule}} | changes))
    assert isinstance(made, CompiledMapping), made
    return made


PRESENT = mapping(THREE)


def dead(
    place: int,
    *,
    kind: str | None = None,
    step: FailedStep | None = None,
    element: int | None = None,
    by: CompiledMapping = PRESENT,
    **changes: Any,
) -> Letter:
    """A letter of the step at this place of the rule, as `by` made it; with the others left."""
    output = place if element is None else output_of(element, place)
    value = DATA if element is None else {"records": [DATA | {"user": f"u-{number}"} for number in range(3)]}
    made = letter(
        7,
        value=json.dumps(value).encode(),
        output=output,
        route=by.routes[place] if place < len(by.routes) else Route(f"signed_up[{place}]", "0" * 12, ""),
        element=element,
        kind=KINDS[place] if kind is None else kind,
        step=FailedStep(place, 3) if step is None else step,
        **{"request": b"{}", "reason": LetterReason.RETRIES_EXHAUSTED, **changes},
    )
    return parse(made.record(0))


def mapped(of_letter: Letter, to: CompiledMapping = PRESENT, standing: LetterStanding = UNTOUCHED) -> MappedLetter:
    record = of_letter.record()
    assert record is not None
    return of(of_letter, record, to, standing.delivered, standing.failed_event)


def sent(of_letter: Letter, to: CompiledMapping = PRESENT, *delivered: int) -> list[tuple[int, str]]:
    standing = LetterStanding(LetterState.OPEN, Attempted(0, delivered, NOW, BY))
    return [(number, each.kind.name) for number, each in mapped(of_letter, to, standing).requests]


def fate(
    of_letter: Letter, to: CompiledMapping = PRESENT, standing: LetterStanding = UNTOUCHED, *, force: bool = False
) -> PlannedLetter:
    return decide(LetterEntry(of_letter, standing), to, ReplayRules(force=force), NOW)


# --- which steps ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_replay_begins_at_the_failed_step_and_goes_on_with_those_that_are_left(place: int) -> None:
    found = dead(place)
    assert sent(found) == list(enumerate(KINDS))[place:]
    (part,) = mapped(found).parts
    assert isinstance(part.given(), Steps), "each only after the one before it was accepted"


@pytest.mark.parametrize("place", [0, 1, 2])
def test_where_the_steps_behind_it_were_sent_only_the_failed_one_is_sent(place: int) -> None:
    assert sent(dead(place, step=FailedStep(place, 3, rest_sent=True))) == [(place, KINDS[place])]


def test_a_letter_of_an_earlier_version_is_of_its_own_event_though_its_rule_makes_steps_now() -> None:
    made = letter(7, value=json.dumps(DATA).encode(), output=2, route=PRESENT.routes[2], request=b"{}")
    assert sent(parse(made.record(0))) == [(2, "track")]


def test_behind_an_identify_of_the_bridge_itself_the_event_is_sent_with_what_is_left_behind_it() -> None:
    alone = dead(2, kind="identify", step=FailedStep(0, 1, automatic=True))
    assert sent(alone) == [(2, "track")]
    first = mapping([TRACK, COMPANY])
    steps = dead(0, kind="identify", by=first, step=FailedStep(0, 2, automatic=True))
    assert sent(steps, first) == [(0, "track"), (1, "company")]


def test_an_identify_of_the_bridge_itself_is_compared_with_no_request_of_the_event() -> None:
    planned = fate(dead(2, kind="identify", step=FailedStep(0, 1, automatic=True), reason=LetterReason.REJECTED))
    assert (planned.fate, planned.body) == (LetterFate.SEND, Body.FIRST)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_steps_of_an_element_are_those_of_no_other(place: int) -> None:
    each = mapping(THREE, each="records")
    found = dead(place, element=1, by=each)
    assert sent(found, each) == [(output_of(1, number), KINDS[number]) for number in range(place, 3)]
    assert {request.user_id for _, request in mapped(found, each).requests} <= {"u-1", "company:acme"}


# --- what was done in an earlier replay -------------------------------------------------------------------------


def test_a_step_that_a_replay_brought_through_is_not_sent_again() -> None:
    assert sent(dead(0), PRESENT, 0) == [(1, "company"), (2, "track")]
    assert sent(dead(0), PRESENT, 0, 1) == [(2, "track")]
    each = mapping(THREE, each="records")
    assert sent(dead(1, element=2, by=each), each, output_of(2, 1)) == [(output_of(2, 2), "track")]


def test_a_replay_that_fails_at_a_later_step_keeps_the_letter_open_and_the_next_begins_there() -> None:
    entry = LetterEntry(dead(0), UNTOUCHED)
    first = LetterInFlight(1, 0, entry)
    outcomes = first.map(PRESENT)
    assert isinstance(outcomes, Steps)
    first.accept(0)
    ends = [first.is_through]
    first.fail(1)
    ends.append(first.is_through)
    assert ends == [False, True], "the track event waits for the company, and is not sent"
    assert not first.is_delivered
    assert (first.accepted, first.failed_at, first.failures) == ((0,), 1, 1)

    fact = Attempted(1, first.accepted, NOW, BY, "rejected", "no", 400, None, PRESENT.routes[1].hash, "company", 1)
    written = decode(*encode(fact, entry.letter, "id"))
    assert written is not None
    assert written.fact == fact

    standing = LetterStanding(LetterState.FAILED_AGAIN, fact)
    second = LetterInFlight(2, 0, LetterEntry(entry.letter, standing))
    kinds = [each.kind.name for each in second.map(PRESENT) if isinstance(each, Request)]
    assert kinds == ["company", "track"]
    second.accept(0)
    second.accept(1)
    assert second.is_delivered
    assert second.accepted == (0, 1, 2)


def test_steps_that_are_sent_nevertheless_leave_only_the_failed_one_to_the_next_replay() -> None:
    entry = LetterEntry(dead(0), UNTOUCHED)
    first = LetterInFlight(1, 0, entry)
    first.map(PRESENT)
    first.fail(0, rest_sent=True)
    ends = [first.is_through]
    first.accept(1)
    first.accept(2)
    assert [*ends, first.is_through, first.is_delivered] == [False, True, False]
    fact = Attempted(1, first.accepted, NOW, BY, "rejected", "no", 400, None, None, "identify", 0)
    outcomes = LetterInFlight(2, 0, LetterEntry(entry.letter, LetterStanding(LetterState.FAILED_AGAIN, fact))).map(
        PRESENT
    )
    assert [each.kind.name for each in outcomes if isinstance(each, Request)] == ["identify"]


def test_why_a_step_was_refused_is_still_known_when_those_behind_it_were_accepted() -> None:
    found = dead(0)
    first = LetterInFlight(1, 0, LetterEntry(found, UNTOUCHED))
    first.map(PRESENT)
    first.fail(0, rest_sent=True)
    refusal = DeadLetter(
        record=Record("orders", 0, 7, None, None, None, ()),
        output=0,
        reason=LetterReason.REJECTED,
        message="no",
        route=PRESENT.routes[0],
        request=b"{}",
        status=400,
        error_code="bad",
        kind="identify",
        step=FailedStep(0, 3, rest_sent=True),
    )
    failed = first.failure(refusal, NOW, BY)
    assert failed == Attempted(1, (), NOW, BY, "rejected", "no", 400, "bad", PRESENT.routes[0].hash, "identify", 0)
    first.accept(1)
    assert first.progress(NOW + 1, BY) == failed._replace(delivered=(1,))
    first.accept(2)
    last = first.progress(NOW + 2, BY)
    assert last == failed._replace(delivered=(1, 2)), "also its time: a correction made since then is a newer one"
    standing = LetterStanding(LetterState.FAILED_AGAIN, last)
    assert standing.failed_event == FailedEvent(0, "identify")
    assert fate(found, PRESENT, standing).fate is LetterFate.UNCHANGED
    assert fate(found, PRESENT, standing, force=True).fate is LetterFate.SEND


def test_an_attempt_at_a_letter_without_steps_is_written_as_it_always_was() -> None:
    _, value = encode(Attempted(1, (), NOW, BY, "rejected", "no", 400), dead(0), "id")
    assert not {"event", "kind_of_request"} & json.loads(value).keys()


def test_a_step_that_the_api_refused_is_not_sent_again_under_an_unchanged_route_whatever_is_behind_it() -> None:
    refused = dead(0, reason=LetterReason.REJECTED)
    assert fate(refused).fate is LetterFate.UNCHANGED
    assert fate(refused, force=True).fate is LetterFate.SEND
    changed = [{"identify": {"properties": {"plan": "company"}}}, COMPANY, TRACK]
    assert fate(refused, mapping(changed)).fate is LetterFate.SEND


def test_a_later_step_that_a_replay_was_refused_counts_like_the_first_refusal() -> None:
    attempt = Attempted(1, (0,), NOW, BY, "rejected", "no", 400, None, PRESENT.routes[1].hash, "company", 1)
    standing = LetterStanding(LetterState.FAILED_AGAIN, attempt)
    assert fate(dead(0), PRESENT, standing).fate is LetterFate.UNCHANGED
    assert fate(dead(0), mapping([IDENTIFY, {"company": {"id": "company"}}, TRACK]), standing).fate is LetterFate.SEND


# --- when the mapping has changed ---------------------------------------------------------------------------------


def test_a_failed_step_that_the_mapping_filters_now_is_passed_over_and_the_rest_is_sent() -> None:
    """The way past a step that can never be accepted."""
    without = mapping([IDENTIFY | {"when": "user == 'nobody'"}, COMPANY, TRACK])
    assert sent(dead(0, reason=LetterReason.REJECTED), without) == [(1, "company"), (2, "track")]
    planned = fate(dead(0, reason=LetterReason.REJECTED), without)
    assert (planned.fate, planned.body) == (LetterFate.SEND, Body.FIRST)


def test_where_nothing_is_left_to_send_a_sentence_says_why() -> None:
    never = {"when": "user == 'nobody'"}
    nothing = mapping([IDENTIFY, COMPANY | never, TRACK | never])
    planned = fate(dead(1), nothing)
    assert planned.fate is LetterFate.FILTERED
    assert "now filters it (when)" in planned.detail


def test_a_step_that_is_not_in_the_mapping_any_more_is_named() -> None:
    planned = fate(dead(2), mapping([IDENTIFY, COMPANY]))
    assert planned.fate is LetterFate.NO_EVENT
    assert planned.detail == "the mapping no longer makes step 3 of 3 of its record (track, route signed_up[2])"


def test_a_step_in_whose_place_something_else_stands_is_not_sent_and_both_kinds_are_named() -> None:
    other = mapping([COMPANY, {"event_name": "Other"}, IDENTIFY])
    for place, now in ((0, "company"), (1, "track"), (2, "identify")):
        found = dead(place)
        planned = fate(found._replace(route_hash="f" * 12), other)
        assert planned.fate is LetterFate.OTHER_KIND
        assert f"of kind {KINDS[place]} (step {place + 1} of 3" in planned.detail
        assert f"one of kind {now} in its place now" in planned.detail
        assert mapped(found._replace(route_hash="f" * 12), other).requests == ()


def test_a_step_that_moved_is_found_by_what_its_route_does() -> None:
    moved = mapping([IDENTIFY, TRACK, COMPANY])
    assert sent(dead(2), moved) == [(2, "track"), (3, "company")]


def test_an_event_of_before_its_rule_made_steps_is_never_taken_for_the_identify() -> None:
    before, after = mapping(TRACK), mapping([IDENTIFY, TRACK])
    made = letter(7, value=json.dumps(DATA).encode(), route=before.routes[0], request=b"{}")
    assert sent(parse(made.record(0)), after) == [(0, "track")]
    other = mapping([IDENTIFY, {"event_name": "Other"}])
    assert fate(parse(made.record(0)), other).fate is LetterFate.OTHER_KIND


def test_a_later_step_at_which_a_replay_ended_is_held_to_its_kind_as_well() -> None:
    attempt = Attempted(1, (0,), NOW, BY, "retries_exhausted", "no", 503, None, None, "company", 1)
    standing = LetterStanding(LetterState.FAILED_AGAIN, attempt)
    assert standing.failed_event == FailedEvent(1, "company")
    assert fate(dead(0), PRESENT, standing).fate is LetterFate.SEND
    planned = fate(dead(0), mapping([IDENTIFY, TRACK, COMPANY]), standing)
    assert planned.fate is LetterFate.OTHER_KIND


def test_a_step_that_could_not_become_a_request_is_one_of_its_kind_all_the_same() -> None:
    failed = dead(0, reason=LetterReason.INVALID, request=None)._replace(route_hash="f" * 12)
    assert (failed.request_kind, fate(failed).fate) == ("identify", LetterFate.SEND)
    assert fate(failed, mapping([{"event_name": "Other"}, IDENTIFY])).fate is LetterFate.OTHER_KIND


def test_what_failed_before_any_route_saw_it_is_of_no_kind_and_may_become_any() -> None:
    assert whole(DATA).request_kind is None
    assert fate(whole(DATA)).fate is LetterFate.SEND


def test_a_later_step_that_fails_keeps_all_of_them_where_they_are() -> None:
    planned = fate(dead(0), mapping([IDENTIFY, COMPANY, TRACK | {"user_id": "nobody"}]))
    assert planned.fate is LetterFate.UNMAPPABLE


# --- letters of all of a record ---------------------------------------------------------------------------------------


def whole(value: Any) -> Letter:
    made = letter(7, value=json.dumps(value).encode(), reason=LetterReason.UNDECODABLE, status=None)
    return parse(made.record(0))


def test_a_letter_of_a_whole_record_becomes_its_steps() -> None:
    flight = LetterInFlight(1, 0, LetterEntry(whole(DATA), UNTOUCHED))
    outcomes = flight.map(PRESENT)
    assert isinstance(outcomes, Steps)
    assert [each.kind.name for each in outcomes if isinstance(each, Request)] == KINDS


def test_of_a_record_of_elements_that_make_steps_no_element_waits_for_another() -> None:
    each = mapping(THREE, each="records")
    found = whole({"records": [DATA | {"user": f"u-{number}"} for number in range(3)]})
    flight = LetterInFlight(1, 0, LetterEntry(found, UNTOUCHED))
    (elements,) = flight.map(each)
    assert isinstance(elements, Elements)
    parts = [elements.map(number, NOW) for number in range(elements.count)]
    assert all(isinstance(part, Steps) for part in parts)
    flight.fail(output_of(0, 0))
    for element in (1, 2):
        for route in range(3):
            assert not flight.is_through
            flight.accept(output_of(element, route))
    assert flight.is_through
    assert not flight.is_delivered
    assert flight.accepted == tuple(sorted(output_of(element, route) for element in (1, 2) for route in range(3)))
    again = LetterStanding(LetterState.FAILED_AGAIN, Attempted(1, flight.accepted, NOW, BY))
    rest: Outcomes = LetterInFlight(2, 0, LetterEntry(found, again)).map(each)
    assert [request.user_id for request in rest if isinstance(request, Request)] == ["u-0", "company:acme", "u-0"]


# --- what is said of it -----------------------------------------------------------------------------------------------


def entry(found: Letter, *delivered: int) -> LetterEntry:
    return LetterEntry(found, LetterStanding(LetterState.OPEN, Attempted(0, delivered, NOW, BY)))


def test_a_letter_says_which_step_it_is_of_and_what_was_done_before() -> None:
    assert steps.sentence(entry(dead(1)), PRESENT) == (
        "2 of 3: company; done before: identify; 1 step behind it left with it"
    )
    assert steps.sentence(entry(dead(1, step=FailedStep(1, 3, rest_sent=True))), PRESENT) == (
        "2 of 3: company; done before: identify; 1 step behind it sent"
    )
    assert steps.sentence(entry(dead(0), 0, 1), PRESENT) == (
        "1 of 3: identify; 2 steps behind it left with it; accepted since, in a replay: step 1, step 2"
    )
    automatic = dead(2, kind="identify", step=FailedStep(0, 1, automatic=True))
    assert steps.sentence(entry(automatic), PRESENT) == (
        "1 of 1: the identify that the bridge sends before a user's first event; the event was not sent"
    )


def test_what_was_done_before_is_counted_where_the_mapping_does_not_know_it_any_more() -> None:
    assert steps.sentence(entry(dead(2)), mapping(TRACK, on_unmapped="drop", event_type={"value": "x"})) == (
        "3 of 3: track; done before: 2 steps"
    )


def test_a_step_is_in_the_documents_for_scripts() -> None:
    each = mapping(THREE, each="records")
    found = entry(dead(1, element=2, by=each), output_of(2, 1))
    told = {"number": 2, "of": 3, "rest": "open", "automatic": False}
    hidden = redaction((), everything=False)
    document = rows.document(found, each, hidden)
    assert (document["kind"], document["step"]) == (
        "company",
        told | {"done_before": ["identify"], "accepted_since": [2]},
    )
    line = export(found, hidden, each)
    assert (line["kind"], line["step"]) == ("company", told)


def test_a_list_has_a_column_of_steps_only_where_there_are_any() -> None:
    hidden = redaction((), everything=False)
    plain = parse(letter(7, value=json.dumps(DATA).encode(), route=PRESENT.routes[2], request=b"{}").record(0))
    assert rows.table([entry(plain)], PRESENT, hidden)[0] == list(rows.HEADINGS)
    headings, first, second = rows.table([entry(plain), entry(dead(0))], PRESENT, hidden)
    place = headings.index("step")
    assert (first[place], second[place]) == ("", "identify 1/3")
    assert (first[headings.index("user")], second[headings.index("user")]) == ("u-1", "u-1")


def test_letters_are_selected_by_the_kind_of_the_request_that_failed() -> None:
    plain = parse(letter(7, value=json.dumps(DATA).encode(), request=b"{}").record(0))
    never_sent = whole(DATA)
    entries = [entry(each) for each in (dead(0), dead(1), dead(2), plain, never_sent)]

    def kinds(*wanted: str) -> list[str | None]:
        chosen = select(entries, Selection(kinds=frozenset(wanted)), PRESENT)
        return [each.letter.request_kind for each in chosen]

    assert kinds("identify") == ["identify"]
    assert kinds("company", "track") == ["company", "track", "track"]


def test_failures_of_other_kinds_than_track_are_counted_apart() -> None:
    record = Record("t", 0, 0, None, None, None, ())
    failed = DeadLetter(record, LetterReason.REJECTED, "no", status=400)
    assert cause_of(failed) == "rejected 400"
    assert cause_of(DeadLetter(record, LetterReason.REJECTED, "no", status=400, kind="identify")) == (
        "identify: rejected 400"
    )


def test_the_kinds_before_a_step_are_those_of_its_element() -> None:
    each = mapping(THREE, each="records")
    found = dead(2, element=1, by=each)
    record = found.record()
    assert record is not None
    assert kinds_before(found, record, each) == ("identify", "company")
    assert kinds_before(found, record, PRESENT) == ()
