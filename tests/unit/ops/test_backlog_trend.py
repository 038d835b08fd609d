from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.holds import Reason
from bridge.ops.snapshot import ClosedGate, MovingBacklog
from bridge.ops.status import status_document
from bridge.ops.status.backlog_trend import LEAST, STALE, BacklogTrend, Topics, done_at
from bridge.ops.status.status_text import lines

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bridge.ops.snapshot import Snapshot

EVERY = 10.0
NOON = 1_767_355_200.0
ORDERS: Topics = (("shop.orders", 12),)


def watched(records: Iterable[int], topics: Topics = ORDERS, trend: BacklogTrend | None = None) -> BacklogTrend:
    """Looks, ten seconds apart, the last of them at noon."""
    trend, found = trend or BacklogTrend(), list(records)
    for number, each in enumerate(found, 1 - len(found)):
        trend.observe(NOON + number * EVERY, each, topics)
    return trend


def seen(trend: BacklogTrend, now: float = NOON) -> MovingBacklog:
    backlog = trend.backlog(now, EVERY)
    assert backlog is not None
    return backlog


def test_a_backlog_that_shrinks_is_done_when_it_has_shrunk_away_at_this_pace() -> None:
    backlog = seen(watched(range(10_000, 8_000, -250)))

    assert (backlog.records, backlog.per_second) == (8_250, -25)
    assert done_at(backlog, NOON) == NOON + 330


@pytest.mark.parametrize("usual", [10.0, 90.0])
def test_a_group_that_cannot_be_looked_at_any_more_has_no_backlog_that_is_told(usual: float) -> None:
    trend = watched(range(10_000, 8_000, -250))

    assert trend.backlog(NOON + usual + STALE, usual) is not None
    assert trend.backlog(NOON + usual + STALE + 1, usual) is None
    assert trend.backlog(NOON - 1, usual) is None


@pytest.mark.parametrize("leap", [-600_000, 600_000])
@pytest.mark.parametrize("before", [1, 2, 30])
def test_an_offset_that_is_set_is_no_pace(leap: int, before: int) -> None:
    looks = [1_000_000 - 250 * number + (leap if number >= before else 0) for number in range(before + 10)]

    assert seen(watched(looks)).per_second == -25
    assert seen(watched(looks)).since == NOON - 9 * EVERY


def test_a_leap_in_the_last_look_begins_the_watch_anew() -> None:
    assert watched([*range(10_000, 8_000, -250), 100]).backlog(NOON, EVERY) is None


def test_a_backlog_that_begins_to_move_is_told_at_its_own_pace() -> None:
    """As after an outage."""
    assert seen(watched([90_000] * 20 + [90_000 - 5_000 * n for n in range(1, 9)])).per_second == -500


@pytest.mark.parametrize("topics", [(("shop.orders", 24),), (("shop.orders", 12), ("shop.other", 1)), ()])
def test_topics_and_partitions_that_come_or_go_begin_the_watch_anew(topics: Topics) -> None:
    trend = watched([10_000 - 250 * n for n in range(10)])
    trend.observe(NOON + EVERY, 7_000, topics)
    assert trend.backlog(NOON + EVERY, EVERY) is None
    trend.observe(NOON + EVERY + LEAST, 6_400, topics)
    assert seen(trend, NOON + EVERY + LEAST).per_second == -10


def test_what_is_not_known_and_a_clock_that_is_set_back_begin_the_watch_anew() -> None:
    trend = watched([10_000 - 250 * n for n in range(10)])
    trend.observe(NOON + EVERY, None, ORDERS)
    trend.observe(NOON + 2 * EVERY, 7_000, ORDERS)
    assert trend.backlog(NOON + 2 * EVERY, EVERY) is None
    trend = watched([10_000 - 250 * n for n in range(10)])
    trend.observe(NOON - 3_600, 7_000, ORDERS)
    assert trend.backlog(NOON - 3_600, EVERY) is None
    trend.observe(NOON - 3_600 + LEAST, 6_400, ORDERS)
    assert seen(trend, NOON - 3_600 + LEAST).per_second == -10


@given(st.lists(st.integers(0, 10**7), min_size=2, max_size=90), st.floats(0, STALE + EVERY))
def test_nothing_is_ever_done_in_the_past(records: list[int], later: float) -> None:
    backlog = watched(records).backlog(NOON + later, EVERY)
    if backlog is not None:
        assert 0 < backlog.at - backlog.since <= 600
        at = done_at(backlog, NOON + later)
        assert at is None or at >= NOON + later


def test_the_document_says_of_when_the_backlog_is_and_never_a_time_in_the_past(busy: Snapshot) -> None:
    backlog = MovingBacklog(100, since=busy.at - 360, before=6_100, at=busy.at - 60)
    limited = replace(busy, blocks=(ClosedGate(Reason.RATE_LIMITED, busy.at - 30),), backlog=backlog)

    document = status_document.document(limited)

    assert datetime.fromisoformat(document["backlog"]["done_at"]) >= datetime.fromisoformat(document["at"])
    assert document["backlog"]["watched_until"] == "2026-01-02T11:59:00.000Z"
    assert any("At the pace of the last 5 min 0 s the backlog of 100 records" in line for line in lines(document, 400))
