"""What makes a run of the bench fail."""

from __future__ import annotations

import orjson
import pytest

from bench.check import dearer
from bench.load import MAPPED, Load, rows
from bench.stub import judged


def body(user: str, number: int) -> bytes:
    return orjson.dumps({"user_id": user, "event_name": "x", "metadata": {"event_id": str(number)}})


def test_events_of_each_user_in_order_are_right() -> None:
    found = judged([body("a", 1), body("b", 0), body("a", 2)], [0.0, 0.1, 0.2], 0.0)

    assert (found["distinct"], found["duplicates"], found["disorder"], found["together"]) == (3, 0, 0, 0)


def test_an_event_that_came_twice_is_a_duplicate() -> None:
    assert judged([body("a", 1), body("a", 1)], [0.0, 0.1], 0.0)["duplicates"] == 1


def test_an_event_that_came_after_a_later_one_of_its_user_is_out_of_order() -> None:
    assert judged([body("a", 2), body("a", 1)], [0.0, 0.1], 0.0)["disorder"] == 1


def test_an_event_that_came_before_the_answer_to_the_one_before_was_in_flight_with_it() -> None:
    early = judged([body("a", 1), body("a", 2)], [0.0, 0.010], 0.020)
    late = judged([body("a", 1), body("a", 2)], [0.0, 0.021], 0.020)

    assert (early["together"], late["together"]) == (1, 0)


@pytest.mark.parametrize("share", [1.0, 0.05, 1e-3])
def test_a_load_says_how_many_requests_it_becomes(share: float) -> None:
    load = Load(4321, mapped=share)

    mapped = [value for _, value, _ in rows(load) if orjson.loads(value)["type"] == MAPPED]

    assert len(mapped) == load.requests


def test_a_load_is_the_same_each_time_and_its_ids_ascend_for_each_user() -> None:
    load = Load(500, users=7, hot=0.5)
    written = list(rows(load))
    last: dict[bytes, int] = {}

    assert written == list(rows(load))
    for key, value, _ in written:
        number = int(orjson.loads(value)["id"])
        assert number > last.get(key, -1)
        last[key] = number


def test_a_stage_that_costs_over_15_percent_more_than_the_baseline_is_named() -> None:
    assert dearer({"deliver": 3.46, "sort": 0.229}, {"deliver": 3.0, "sort": 0.2}) == ["deliver"]


def test_a_stage_that_is_no_longer_measured_does_not_pass_for_one_that_got_no_dearer() -> None:
    assert dearer({"deliver": 3.0}, {"deliver": 3.0, "sort": 0.2}) == ["sort"]
