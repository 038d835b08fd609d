"""The last answers to requests that failed: which, how often, when; bounded, and nothing of what went well."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import FailedAnswer, Reject, Retry, TopicPartition, Unauthorized
from bridge.pipeline.dispatch.recent_failures import ANSWERS_KEPT, IDS_KEPT, RecentFailures
from bridge.pipeline.work import Work
from tests.unit.pipeline.fakes import ACCEPTED, EPOCH
from tests.unit.pipeline.world import World

P0 = TopicPartition("orders", 0)
BUSY = Retry("server_error", "the API answered 503: bob is busy", 503, request_id="r-1", error_code="overloaded")
SLOW = Retry("timeout", "no answer within 10 s")
BAD = Reject("the API answered 422: user_id bob", 422, "bad_user", "r-9")
KEY = Unauthorized("the API answered 401", 401, 1, None, "r-7")


def test_the_same_answer_is_one_with_its_count_its_last_time_and_its_last_request_ids() -> None:
    recent = RecentFailures()
    for number in range(5):
        recent.note("track", Retry("server_error", f"{number}", 503, request_id=f"r-{number}"), 100.0 + number)

    assert recent.shown() == (FailedAnswer("track", "server_error", 503, None, 5, 100.0, 104.0, ("r-4", "r-3", "r-2")),)
    assert IDS_KEPT == 3


def test_answers_differ_by_kind_reason_status_and_code_and_the_last_one_is_first() -> None:
    recent = RecentFailures()
    answers: list[tuple[str, Retry | Reject | Unauthorized]] = [
        ("track", BUSY), ("identify", BUSY), ("track", SLOW), ("track", BAD), ("track", KEY), ("track", BUSY)
    ]  # fmt: skip
    for at, (kind, verdict) in enumerate(answers):
        recent.note(kind, verdict, float(at))

    assert [(each.kind, each.reason, each.status, each.code, each.count) for each in recent.shown()] == [
        ("track", "server_error", 503, "overloaded", 2),
        ("track", "unauthorized", 401, None, 1),
        ("track", "rejected", 422, "bad_user", 1),
        ("track", "timeout", None, None, 1),
        ("identify", "server_error", 503, "overloaded", 1),
    ]


def test_nothing_that_the_api_wrote_but_code_and_request_id_is_kept() -> None:
    recent = RecentFailures()
    for verdict in (BUSY, BAD, KEY):
        recent.note("track", verdict, 1.0)

    assert "bob" not in repr(recent.shown())


@given(st.lists(st.tuples(st.sampled_from(["track", "identify"]), st.integers(400, 460)), max_size=200))
def test_however_many_different_answers_come_the_last_ones_of_each_kind_are_kept(
    answers: list[tuple[str, int]],
) -> None:
    recent = RecentFailures()
    for at, (kind, status) in enumerate(answers):
        recent.note(kind, Reject("no", status, None, f"r-{at}"), float(at))
    shown = recent.shown()

    for kind in ("track", "identify"):
        lasts = list(dict.fromkeys(status for each, status in reversed(answers) if each == kind))
        assert [each.status for each in shown if each.kind == kind] == lasts[:ANSWERS_KEPT]
    assert all(len(each.request_ids) <= IDS_KEPT and each.first <= each.last for each in shown)
    assert [each.last for each in shown] == sorted((each.last for each in shown), reverse=True)
    if not recent.left_out:
        assert sum(each.count for each in shown) == len(answers)


def test_an_answer_that_comes_again_is_kept_before_one_that_came_later_and_once() -> None:
    recent = RecentFailures()
    statuses = [*range(400, 400 + ANSWERS_KEPT), 400, 499]
    for at, status in enumerate(statuses):
        recent.note("track", Reject("no", status), float(at))

    assert [each.status for each in recent.shown()][:2] == [499, 400]
    assert 401 not in [each.status for each in recent.shown()]
    assert recent.left_out == 1


@pytest.mark.parametrize("verdict", [BUSY, SLOW, BAD])
def test_the_pipeline_notes_each_request_that_failed_with_the_time_of_day(verdict: Any) -> None:
    answers = cycle([verdict, ACCEPTED])

    def api(_work: Work) -> tuple[float, Any]:
        return 0.01, next(answers)

    world = World()
    world.sink.api = api
    world.feed(P0, "ann", "bob", "eve")
    world.run(30)
    shown = world.dispatcher.recent_failures.shown()

    assert [(each.kind, each.status, each.code) for each in shown] == [("track", verdict.status, verdict.error_code)]
    assert EPOCH <= shown[0].first <= shown[0].last <= world.time.wall()


def test_of_requests_that_are_accepted_nothing_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    world = World()
    monkeypatch.setattr(RecentFailures, "note", never)
    world.feed(P0, *["ann"] * 5)
    world.run(5)

    assert world.dispatcher.tally.requests == 5
    assert world.dispatcher.recent_failures.shown() == ()
