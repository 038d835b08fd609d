"""A dead letter of one element is of that element after any change of the mapping, and of no other."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.config.mapping_section import MappingConfig
from bridge.formats import letter_headers, resolutions
from bridge.formats.letters import Letter, parse
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import DeadLetter, Failed, LetterReason, Record, Request, Route, output_of
from bridge.reprocess.reading.ledger import LetterStanding, LetterState
from bridge.reprocess.reading.selection import LetterEntry, is_named, parse_id
from bridge.reprocess.replay import mapped_letter, plan

VALUE = {"records": [{"type": "paid", "user": f"u-{number}"} for number in range(5)]}
RECORD = Record("shop", 3, 17, 1_767_323_045_000, b"k", json.dumps(VALUE).encode(), ())
PAID = {"event_name": "Paid"}


def mapping(events: Any, **changes: Any) -> CompiledMapping:
    settings = {"user_id": "user", "each": "records", "events": events} | changes
    made = compile_mapping(MappingConfig.model_validate(settings))
    assert isinstance(made, CompiledMapping), made
    return made


def letter(
    element: int | None,
    route: Route | None = None,
    place: int = 0,
    reason: LetterReason = LetterReason.REJECTED,
    record: Record = RECORD,
) -> Letter:
    output = place if element is None else output_of(element, place)
    dead = DeadLetter(record, reason, "no", output, route, element=element)
    return parse(Record("dlq", 0, 5, 1_767_323_045_000, record.key, record.value, letter_headers.build(dead, "g")))


def sent(found: Letter, to: CompiledMapping, delivered: tuple[int, ...] = ()) -> list[tuple[int, str, str]]:
    record = found.record()
    assert record is not None
    mapped = mapped_letter.of(found, record, to, delivered)
    return [(number, each.user_id, each.route.name) for number, each in mapped.outcomes if isinstance(each, Request)]


def test_a_letter_says_its_element_and_says_nothing_where_its_record_has_none() -> None:
    assert letter(3).element == 3
    assert letter(None).element is None
    assert "bridge.dead-letter.element" not in dict(
        letter_headers.build(DeadLetter(RECORD, LetterReason.REJECTED, "no"), "g")
    )


def test_the_element_is_in_the_letter_even_where_there_is_room_for_nothing_else() -> None:
    dead = DeadLetter(RECORD, LetterReason.REJECTED, "no", 3, element=3)

    headers = dict(letter_headers.build(dead, "g", letter_headers.Detail.ESSENTIAL))

    assert headers["bridge.dead-letter.element"] == b"3"


@pytest.mark.parametrize(
    "events",
    [
        {"paid": PAID},
        {"paid": [{"event_name": "Counted"}, {"event_name": "Paid"}]},
        {"paid": PAID, "other": PAID},
    ],
    ids=["as it was", "a route before it", "another rule"],
)
def test_a_letter_without_its_route_is_sent_as_all_of_its_element_and_nothing_of_another(events: Any) -> None:
    requests = sent(letter(3, reason=LetterReason.UNMAPPABLE), mapping(events))

    assert {user for _, user, _ in requests} == {"u-3"}
    assert [number for number, _, _ in requests] == [output_of(3, place) for place in range(len(requests))]


def test_what_of_an_element_was_accepted_in_an_earlier_replay_is_not_sent_again() -> None:
    two = mapping({"paid": [{"event_name": "A"}, {"event_name": "B"}]})
    found = letter(3, reason=LetterReason.UNMAPPABLE)

    assert sent(found, two, (output_of(3, 0),)) == [(output_of(3, 1), "u-3", "paid[1]")]


def test_a_letter_of_a_route_is_of_that_route_wherever_it_is_now() -> None:
    before, after = mapping({"paid": PAID}), mapping({"paid": [{"event_name": "New"}, PAID]})
    (route,) = before.routes
    assert sent(letter(3, route), before) == [(3, "u-3", "paid")]
    second = letter(3, Route("paid[1]", "0" * 12, "Paid"), place=1)
    assert sent(second, after) == [(output_of(3, 1), "u-3", "paid[1]")]


def test_a_letter_of_the_whole_record_becomes_all_of_its_elements_once_it_has_them() -> None:
    found = letter(None, reason=LetterReason.UNDECODABLE)

    assert [user for _, user, _ in sent(found, mapping({"paid": PAID}))] == [f"u-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("found", "to"),
    [
        (letter(7), mapping({"paid": PAID})),
        (letter(None, Route("paid", "0" * 12, "Paid")), mapping({"paid": PAID})),
        (letter(3), mapping({"paid": PAID}, each=None, event_type={"value": "paid"}, user_id={"value": "u"})),
    ],
    ids=["the record has fewer elements", "it had no elements then", "it has none any more"],
)
def test_a_letter_whose_element_is_not_there_is_no_other_elements(found: Letter, to: CompiledMapping) -> None:
    assert sent(found, to) == []
    fate = plan.decide(LetterEntry(found, LetterStanding(LetterState.OPEN)), to, plan.ReplayRules(), 0).fate
    assert fate is plan.LetterFate.NO_EVENT


def test_an_element_that_still_fails_says_why() -> None:
    mapped = mapped_letter.of(letter(3), RECORD, mapping({"paid": {"event_name": "Paid", "user_id": "other"}}))

    assert [type(outcome) for _, outcome in mapped.outcomes] == [Failed]


def test_letters_of_a_record_of_an_element_and_of_its_events_are_settled_each_by_itself() -> None:
    letters = [
        letter(None, reason=LetterReason.UNDECODABLE),
        letter(0, reason=LetterReason.UNMAPPABLE),
        letter(3, reason=LetterReason.UNMAPPABLE),
        letter(0, Route("paid", "0" * 12, "Paid")),
        letter(3, Route("paid", "0" * 12, "Paid")),
        letter(3, Route("paid[1]", "0" * 12, "Paid"), place=1),
    ]
    identities = [resolutions.identity(each) for each in letters]

    assert len(set(identities)) == len(letters)
    for each in letters:
        fact = resolutions.Ended(resolutions.Ending.REPLAYED, 5.0, resolutions.Author("c", "u", "h"))
        parsed = resolutions.decode(*resolutions.encode(fact, each, "id"))
        assert parsed is not None
        assert parsed.identity == resolutions.identity(each)


def test_letters_go_in_the_order_of_their_elements_and_of_their_routes_within() -> None:
    places = [(1, 1), (0, 1), (1, 0), (0, 0)]
    entries = [
        LetterEntry(letter(element, Route("paid", "0" * 12, ""), place), LetterStanding(LetterState.OPEN))
        for element, place in places
    ]

    ordered = plan.in_original_order(entries)

    assert [entry.letter.output for entry in ordered] == [output_of(*each) for each in sorted(places)]


def test_an_id_names_an_element_with_all_of_its_events() -> None:
    name = parse_id("shop/3/17#3")

    assert is_named(letter(3, Route("paid", "0" * 12, "")), name)
    assert is_named(letter(3, Route("paid[1]", "0" * 12, ""), place=1), name)
    assert not is_named(letter(4), name)
    assert is_named(letter(3, Route("paid[1]", "0" * 12, ""), place=1), parse_id("shop/3/17#1000003"))


def test_a_letter_of_which_the_element_is_illegible_is_taken_for_no_other() -> None:
    dead = DeadLetter(RECORD, LetterReason.REJECTED, "no", 3, element=3)
    headers = [
        (name, b"x" if name == "bridge.dead-letter.element" else content)
        for name, content in letter_headers.build(dead, "g")
    ]

    found = parse(Record("dlq", 0, 5, 1, b"k", b"", headers))

    assert found.origin is None
    assert found.damaged == ("bridge.dead-letter.element",)
