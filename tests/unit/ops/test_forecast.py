from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.model import TopicPartition
from bridge.ops.status.backlog_trend import FARTHEST, LEAST
from bridge.ops.status.forecast import (
    CAUGHT_UP,
    FRESH,
    NOT_KNOWN,
    Forecast,
    Forecasts,
    LostBy,
    Pace,
    forecasts,
    read,
    together,
    written,
)
from bridge.ops.status.partition_trends import EVERY, PartitionTrends, WaitingRecords

NOON = 1_767_355_200.0
DAY = 86_400.0
ORDERS = TopicPartition("shop.orders", 0)
OTHERS = TopicPartition("shop.others", 0)


@dataclass(frozen=True)
class Log:
    """A partition with as many records a second as it had before, of which so many a second are done.

    `backlog` records wait at noon; all that came in came evenly.
    """

    backlog: int
    arriving: float
    done: float

    def end(self, at: float) -> int:
        return 10_000_000 + round(self.arriving * (at - NOON))

    def waiting(self, at: float) -> WaitingRecords:
        records = max(0, self.backlog + round(self.arriving * (at - NOON)) - round(self.done * (at - NOON)))
        return WaitingRecords(records, self.end(at), self.oldest(at) if records else None)

    def oldest(self, at: float) -> float:
        """What is done is done in order: the oldest that waits moves on by so many records."""
        age = self.backlog / self.arriving
        return NOON - age + self.done / self.arriving * (at - NOON)


def watched(
    logs: dict[TopicPartition, Log], retention: float = 7 * DAY, *, looks: int = 31, share: float | None = None,
    sent: float = 0.0,
) -> Forecasts:  # fmt: skip
    """Looks, ten seconds apart, the last of them at noon; so many requests a second were started."""
    trends = PartitionTrends()
    for number in range(1 - looks, 1):
        at = NOON + number * EVERY
        trends.observe(at, {each: log.waiting(at) for each, log in logs.items()}, 10**6 + round(sent * number * EVERY))
    waiting = {each: log.waiting(NOON) for each, log in logs.items()}
    return forecasts(waiting, dict.fromkeys(("shop.orders", "shop.others"), retention), trends, NOON, share)


def of(log: Log, retention: float = 7 * DAY, *, looks: int = 31) -> Forecast:
    return watched({ORDERS: log}, retention, looks=looks).partitions[ORDERS]


def seconds(at: float | None) -> float:
    assert at is not None
    return at - NOON


def test_a_backlog_that_shrinks_is_empty_when_more_is_done_than_arrives() -> None:
    found = of(Log(90_000, arriving=100, done=250))

    assert (found.records, found.pace) == (90_000, Pace.SHRINKING)
    assert seconds(found.empty_at) == pytest.approx(600)
    assert (found.loses_from, found.lost_by) == (None, LostBy.NOTHING)


def test_a_backlog_that_grows_is_never_empty_and_loses_records_once_the_oldest_is_too_old() -> None:
    """A quarter of what arrives is not done: the oldest, an hour old, ages by a quarter of a second each second."""
    found = of(Log(360_000, arriving=100, done=75), retention=DAY)

    assert (found.pace, found.empty_at) == (Pace.GROWING, None)
    assert found.lost_by is LostBy.RETENTION
    assert seconds(found.loses_from) == pytest.approx(4 * (DAY - 3_600))


def test_what_stands_still_is_lost_when_its_oldest_record_is_as_old_as_the_retention() -> None:
    found = of(Log(3_600, arriving=1, done=0), retention=DAY)

    assert (found.pace, found.empty_at) == (Pace.GROWING, None)
    assert seconds(found.loses_from) == pytest.approx(DAY - 3_600)
    still = PartitionTrends()
    one = WaitingRecords(1, 500, NOON - 600)
    for number in range(-12, 1):
        still.observe(NOON + number * EVERY, {ORDERS: one})
    found = forecasts({ORDERS: one}, {"shop.orders": DAY}, still, NOON).together
    assert (found.pace, found.empty_at, seconds(found.loses_from)) == (Pace.STILL, None, DAY - 600)


def test_records_that_all_came_at_once_are_lost_all_at_once_however_many_were_done_by_then() -> None:
    """Half a million of the same hour, five days ago: at this pace they need five days more, and have two."""
    trends, at_once = PartitionTrends(), NOON - 5 * DAY
    for number in range(-30, 1):
        records = 500_000 - round(1.157 * number * EVERY)
        trends.observe(NOON + number * EVERY, {ORDERS: WaitingRecords(records, 9_000_000, at_once)})

    found = forecasts({ORDERS: WaitingRecords(500_000, 9_000_000, at_once)}, {"shop.orders": 7 * DAY}, trends, NOON)

    assert seconds(found.together.empty_at) == pytest.approx(5 * DAY, rel=0.01)
    assert seconds(found.together.loses_from) == 2 * DAY


def test_what_is_older_than_the_retention_may_be_deleted_now_however_short_the_watch() -> None:
    found = of(Log(360_000, arriving=100, done=400), retention=1_800, looks=1)

    assert (found.pace, found.loses_from, found.lost_by) == (Pace.UNKNOWN, NOON, LostBy.RETENTION)


@pytest.mark.parametrize("looks", range(1, 7))
def test_a_watch_of_less_than_a_minute_says_nothing(looks: int) -> None:
    assert looks * EVERY <= LEAST
    found = of(Log(90_000, arriving=100, done=250), looks=looks)

    assert found == Forecast(90_000, None, Pace.UNKNOWN, None, LostBy.UNKNOWN)
    assert watched({ORDERS: Log(90_000, 100, 250)}, looks=looks).together.pace is Pace.UNKNOWN


def test_nothing_is_said_of_losses_where_the_retention_or_the_age_of_the_oldest_is_not_known() -> None:
    log, trends = Log(360_000, arriving=100, done=50), PartitionTrends()
    for number in range(-12, 1):
        trends.observe(NOON + number * EVERY, {ORDERS: log.waiting(NOON + number * EVERY)})
    without_age = WaitingRecords(360_000, log.end(NOON), None)

    def lost_by(waiting: WaitingRecords, retention: dict[str, float]) -> LostBy:
        return forecasts({ORDERS: waiting}, retention, trends, NOON).together.lost_by

    assert lost_by(log.waiting(NOON), {}) is LostBy.UNKNOWN
    assert lost_by(without_age, {"shop.orders": DAY}) is LostBy.UNKNOWN
    assert lost_by(without_age, {"shop.orders": math.inf}) is LostBy.NOTHING
    assert lost_by(log.waiting(NOON), {"shop.orders": DAY}) is LostBy.RETENTION


def test_what_is_on_its_way_is_no_backlog() -> None:
    """In a steady stream some records always wait, a few more or less at each look."""
    found = of(Log(500, arriving=100, done=99.9), retention=3_600)

    assert found.pace is Pace.STILL
    assert seconds(found.empty_at) == pytest.approx(5, rel=0.1)
    assert found.lost_by is LostBy.NOTHING


def test_records_of_the_last_minute_are_not_late_yet() -> None:
    """A minute's measurement of seconds is no tendency of days."""
    assert of(Log(5_900, arriving=100, done=40), retention=3_600).lost_by is LostBy.NOTHING
    assert of(Log(6_100, arriving=100, done=40), retention=3_600).lost_by is LostBy.RETENTION


def test_what_is_empty_before_its_oldest_record_is_too_old_loses_nothing() -> None:
    """As when a topic is paused by its producer: the oldest stands still in time, and all is done in two hours."""
    trends, at_once = PartitionTrends(), NOON - 3_600
    for number in range(-30, 1):
        trends.observe(NOON + number * EVERY, {ORDERS: WaitingRecords(7_200 - round(number * EVERY), 10**6, at_once)})

    def loses_from(retention: float) -> float | None:
        return forecasts(
            {ORDERS: WaitingRecords(7_200, 10**6, at_once)}, {"shop.orders": retention}, trends, NOON
        ).together.loses_from

    assert loses_from(3_600 + 7_300) is None
    assert loses_from(3_600 + 7_100) == NOON + 7_100


def test_where_nothing_waits_nothing_has_to_be_watched() -> None:
    found = of(Log(0, arriving=1, done=1), looks=1)

    assert (found.pace, found.empty_at, found.lost_by) == (Pace.STILL, NOON, LostBy.NOTHING)
    assert watched({}).together == Forecast(0, NOON, Pace.STILL, None, LostBy.NOTHING, 0, 0)


def test_a_budget_that_became_larger_is_reckoned_with_at_once() -> None:
    """Ten requests a second went until now, twenty may."""
    log = {ORDERS: Log(36_000, arriving=8, done=10)}

    assert seconds(watched(log).together.empty_at) == pytest.approx(18_000, rel=0.01)
    found = watched(log, share=20, sent=10)
    assert found.together.pace is Pace.BUDGET
    assert found.together.done == pytest.approx(20, rel=0.01)
    assert seconds(found.together.empty_at) == pytest.approx(3_000, rel=0.01)
    assert seconds(found.partitions[ORDERS].empty_at) == pytest.approx(3_000, rel=0.01)
    assert watched(log, share=5, sent=10).together.pace is Pace.GROWING
    assert watched(log, share=5, sent=10).partitions[ORDERS].pace is Pace.GROWING


def test_partitions_that_share_the_budget_are_empty_together_and_without_one_when_the_last_is() -> None:
    logs = {ORDERS: Log(60_000, arriving=1, done=11), OTHERS: Log(1_000, arriving=1, done=11)}
    alone, shared = watched(logs), watched(logs, share=22, sent=22)

    assert seconds(alone.together.empty_at) == pytest.approx(6_000, rel=0.01)
    assert seconds(alone.partitions[OTHERS].empty_at) == pytest.approx(100, rel=0.02)
    assert seconds(shared.together.empty_at) == pytest.approx(61_000 / 20, rel=0.01)
    assert shared.partitions[ORDERS].empty_at == shared.together.empty_at
    assert shared.together.pace is Pace.BUDGET


def test_a_partition_that_grows_while_the_budget_goes_to_others_is_empty_when_all_are() -> None:
    """It gets what they do not need any more; on its own it would lose records in an hour."""
    starved, other = Log(3_600, arriving=1, done=0.1), Log(60_000, arriving=100, done=120)
    found = watched({ORDERS: starved, OTHERS: other}, 2 * 3_600, share=120.1, sent=120.1)

    assert seconds(found.together.empty_at) == pytest.approx(63_600 / 19.1, rel=0.01)
    assert found.partitions[ORDERS].empty_at == found.together.empty_at
    assert found.partitions[ORDERS].pace is Pace.BUDGET
    assert found.partitions[ORDERS].lost_by is LostBy.NOTHING
    assert found.together.lost_by is LostBy.NOTHING
    short = watched({ORDERS: starved, OTHERS: other}, 3_600 + 1_800, share=120.1, sent=120.1)
    assert short.partitions[ORDERS].loses_from == short.together.loses_from
    assert seconds(short.together.loses_from) == pytest.approx(2_000, rel=0.01)
    alone = watched({ORDERS: starved, OTHERS: other}, 2 * 3_600)
    assert alone.partitions[ORDERS].pace is Pace.GROWING
    assert alone.together.pace is Pace.GROWING


def test_a_partition_that_does_not_move_keeps_all_from_being_empty() -> None:
    logs = {ORDERS: Log(60_000, arriving=1, done=11), OTHERS: Log(7_200, arriving=1, done=0)}

    for found in (watched(logs, DAY), watched(logs, DAY, share=11, sent=11)):
        assert (found.together.pace, found.together.empty_at) == (Pace.GROWING, None)
        assert found.partitions[ORDERS].empty_at is not None
        assert found.together.loses_from == found.partitions[OTHERS].loses_from
        assert found.together.records == 67_200


def test_one_of_which_nothing_is_known_leaves_the_end_of_all_open() -> None:
    known = Forecast(10, NOON + 5, Pace.SHRINKING, None, LostBy.NOTHING, 1.0, 3.0)

    assert together([known, NOT_KNOWN], NOON) == NOT_KNOWN
    assert together([known, known], NOON) == Forecast(20, NOON + 5, Pace.SHRINKING, None, LostBy.NOTHING, 2.0, 6.0)


@pytest.mark.parametrize("begins", [0, 5, 24])
def test_offsets_that_are_set_are_no_pace(begins: int) -> None:
    """As by `track-bridge offsets set`: a million records are skipped within one look."""
    trends = PartitionTrends()
    for number in range(31):
        records = 2_000_000 - 100 * number - (1_000_000 if number >= begins else 0)
        trends.observe(NOON + number * EVERY, {ORDERS: WaitingRecords(records, 5_000_000)})
    found = trends.moved(ORDERS, NOON + 300)

    assert found is not None
    assert found.per_second == -10


def test_a_partition_that_went_and_came_back_and_a_topic_made_again_are_watched_anew() -> None:
    def watch(end_of_last: int, *, without: int | None = None) -> PartitionTrends:
        trends = PartitionTrends()
        for number in range(-12, 1):
            one = {ORDERS: WaitingRecords(100, end_of_last if number == 0 else 5_000)}
            trends.observe(NOON + number * EVERY, {} if number == without else one)
        return trends

    assert watch(5_000).moved(ORDERS, NOON) is not None
    assert watch(5_000, without=-3).moved(ORDERS, NOON) is None
    assert watch(400).moved(ORDERS, NOON) is None
    assert watch(5_000).moved(ORDERS, NOON + EVERY + 61) is None


rates = st.floats(0.05, 5_000)


@given(
    st.integers(1, 10**7), rates, st.one_of(st.just(0.0), rates), st.floats(3_600, 30 * DAY), st.integers(1, 61),
)  # fmt: skip
def test_what_is_forecast_comes_true_when_it_goes_on_like_this(
    backlog: int, arriving: float, done: float, retention: float, looks: int
) -> None:
    log = Log(backlog, arriving, done)
    assume(log.oldest(NOON) > NOON - 40 * DAY)
    assume(backlog - (arriving - done) * EVERY * looks > 0)  # it was a backlog all the time
    found = of(log, retention, looks=looks)

    assert found.records == backlog
    assert found.empty_at is None or found.empty_at >= NOON
    assert found.loses_from is None or found.loses_from >= NOON
    assert (found.lost_by is LostBy.RETENTION) == (found.loses_from is not None)
    if found.pace in {Pace.GROWING, Pace.UNKNOWN}:
        assert found.empty_at is None
    if found.empty_at is not None and backlog > 2 * CAUGHT_UP * done and abs(done - arriving) * 60 > 100:
        left = log.waiting(found.empty_at).records
        assert left is not None
        assert left <= 0.05 * backlog + 50
    if found.loses_from is not None and done < 0.99 * arriving:
        age = found.loses_from - log.oldest(found.loses_from)
        assert age >= 0.95 * retention - FRESH
    if found.lost_by is LostBy.NOTHING and done < 0.9 * arriving:
        age_then = NOON + FARTHEST / 2 - log.oldest(NOON + FARTHEST / 2)
        assert NOON - log.oldest(NOON) < FRESH or age_then < retention


@given(
    st.none() | st.integers(0, 10**9), st.none() | st.floats(NOON, NOON + 10**6), st.sampled_from(Pace),
    st.none() | st.floats(NOON, NOON + 10**6), st.sampled_from(LostBy), st.none() | st.floats(0, 10**5),
)  # fmt: skip
def test_what_a_document_says_is_read_again(
    records: int | None, empty_at: float | None, pace: Pace, loses: float | None, lost_by: LostBy, rate: float | None
) -> None:
    given_one = Forecast(records, empty_at, pace, loses, lost_by, rate, None)
    again = read(written(given_one))

    assert (again.records, again.pace, again.lost_by, again.done) == (records, pace, lost_by, None)
    for mine, theirs, digits in (
        (again.empty_at, empty_at, 0.002),
        (again.loses_from, loses, 0.002),
        (again.arriving, rate, 0.01),
    ):
        assert (mine is None) is (theirs is None)
        assert mine is None or theirs is None or abs(mine - theirs) <= digits
    assert read(None) == NOT_KNOWN
