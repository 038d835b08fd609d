"""A line of a file is through when its steps are, and never before."""

from __future__ import annotations

import json
from typing import Any

from bridge.config.mapping_section import MappingConfig
from bridge.mapping.compile import CompiledMapping, compile_mapping
from bridge.model import Elements, Record, Steps, output_of
from bridge.reprocess.sending.file_sending import FileLine, LineFate, LineInFlight

NOW = 1_767_400_000.0
DATA = {"type": "signed_up", "user": "u-1", "company": "acme"}
THREE: list[Any] = [{"identify": {}}, {"company": {"id": "company"}}, {"event_name": "Signed Up"}]


def mapping(**changes: Any) -> CompiledMapping:
    settings = {"user_id": "user", "events": {"signed_up": THREE, "paid": [{"event_name": "A"}, {"event_name": "B"}]}}
    made = compile_mapping(MappingConfig.model_validate(settings | changes))
    assert isinstance(made, CompiledMapping), made
    return made


def line(value: Any) -> LineInFlight:
    text = json.dumps(value)
    return LineInFlight(FileLine(1, text, Record("orders", 0, 0, None, b"k", text.encode(), ())))


def test_a_line_is_accepted_when_its_last_step_is() -> None:
    found = line(DATA)
    assert isinstance(found.map(mapping(), NOW), Steps)
    fates = [found.fate]
    for place in range(3):
        found.accept(place)
        fates.append(found.fate)
    assert fates == [None, None, None, LineFate.ACCEPTED]


def test_a_line_of_which_a_step_fails_is_rejected_at_once_and_waits_for_none_behind_it() -> None:
    found = line(DATA)
    found.map(mapping(), NOW)
    found.accept(0)
    found.fail(1)
    assert found.fate is LineFate.REJECTED


def test_a_line_of_events_that_do_not_wait_for_one_another_is_through_when_all_are() -> None:
    found = line({"type": "paid", "user": "u-1"})
    assert not isinstance(found.map(mapping(), NOW), Steps)
    found.fail(0)
    fates = [found.fate]
    found.accept(1)
    assert [*fates, found.fate] == [None, LineFate.REJECTED]


def test_a_line_whose_events_are_all_filtered_or_forgotten_is_left_out() -> None:
    left = mapping(events={"signed_up": [{"forget": True}]})
    found = line(DATA)
    found.map(left, NOW)
    assert found.fate is LineFate.LEFT_OUT


def test_of_a_line_of_many_records_each_has_its_own_steps() -> None:
    found = line({"records": [DATA | {"user": f"u-{number}"} for number in range(2)]})
    (elements,) = found.map(mapping(each="records"), NOW)
    assert isinstance(elements, Elements)
    assert all(isinstance(elements.map(number, NOW), Steps) for number in range(2))
    found.fail(output_of(0, 0))
    fates = [found.fate]
    for route in range(3):
        found.accept(output_of(1, route))
        fates.append(found.fate)
    assert fates == [None, None, None, LineFate.REJECTED]


def test_a_line_of_many_records_without_steps_is_sent_as_it_always_was() -> None:
    found = line({"records": [{"type": "paid", "user": f"u-{number}"} for number in range(2)]})
    assert len(found.map(mapping(each="records"), NOW)) == 4
