"""When nothing waits any more, and from when on records are deleted before they are sent. Pure.

Both are what was watched over the last minutes, drawn out: records that arrive and are done, and how fast the oldest
that waits moves through the time of its log. A forecast says nothing that it does not know: of a backlog that does not
shrink no time at which it is empty, and nothing at all of what was watched for less than a minute.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from bridge.ops.status.backlog_trend import FARTHEST
from bridge.ops.status.partition_trends import PartitionTrends, WaitingRecords
from bridge.text.moments import iso

if TYPE_CHECKING:
    from bridge.model import TopicPartition
    from bridge.ops.snapshot import MovingBacklog, PartitionView, Snapshot

CAUGHT_UP: Final = 10.0
"""Seconds: no more records than are done in that time are on their way, and no backlog."""
FRESH: Final = 60.0
"""Seconds: where the oldest record is younger and moves on, nothing is late."""


class Pace(enum.StrEnum):
    """How the number of records that wait moves."""

    BUDGET = "budget"
    """It shrinks, as fast as the rate budget allows."""
    SHRINKING = "shrinking"
    GROWING = "growing"
    STILL = "still"
    """It neither shrinks nor grows: nothing waits, what waits is on its way, or nothing moves."""
    UNKNOWN = "unknown"


class LostBy(enum.StrEnum):
    """What takes records before they are sent, at this rate."""

    RETENTION = "retention"
    NOTHING = "nothing"
    """Nothing takes any."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of one partition, or of several together."""

    records: int | None
    """That wait; None: not known."""
    empty_at: float | None
    """Unix seconds at which nothing waits any more; None: never at this pace, in more than 30 days, or not known."""
    pace: Pace
    loses_from: float | None
    """Unix seconds from which on Kafka deletes records that are not sent yet, if it goes on at this rate. Never before
    the time at which it was forecast."""
    lost_by: LostBy
    arriving: float | None = None
    """Records a second that are written; None: not known."""
    done: float | None = None
    """Records a second that are sent, filtered or given up, at this pace; None: not known."""


NOT_KNOWN: Final = Forecast(None, None, Pace.UNKNOWN, None, LostBy.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Of all that this replica, or the group, has to send."""

    together: Forecast
    partitions: Mapping[TopicPartition, Forecast]


def forecasts(
    waiting: Mapping[TopicPartition, WaitingRecords],
    retention: Mapping[str, float],
    trends: PartitionTrends,
    now: float,
    share: float | None = None,
) -> Forecasts:
    """Of each partition and of all together.

    `retention`: seconds by topic, as far as they are known; infinite: nothing is deleted for its age. `share`: requests
    a second that may be started now, given only where that is what keeps records waiting. Times are Unix seconds.
    """
    moved = trends.all_moved(now)
    budget = None if share is None else trends.budget(share, now)
    return drawn_out(waiting, retention, moved, now, budget)


def of_snapshot(snapshot: Snapshot) -> Forecasts:
    """Of the partitions of one replica."""
    waiting = {each.partition: waiting_in(each, snapshot.at) for each in snapshot.partitions}
    return drawn_out(waiting, snapshot.retention, snapshot.moved, snapshot.at, snapshot.budget)


def waiting_in(partition: PartitionView, now: float) -> WaitingRecords:
    """What waits in an assigned partition."""
    oldest = None if partition.oldest is None else now - partition.oldest_age(now)
    return WaitingRecords(partition.undone, partition.end, oldest)


def drawn_out(
    waiting: Mapping[TopicPartition, WaitingRecords],
    retention: Mapping[str, float],
    moved: Mapping[TopicPartition, MovingBacklog],
    now: float,
    budget: float | None = None,
) -> Forecasts:
    """The same of what `PartitionTrends.all_moved` and `PartitionTrends.budget` said."""
    found = {
        partition: forecast(each, retention.get(partition.topic), moved.get(partition), now, budget)
        for partition, each in waiting.items()
    }
    whole = together(found.values(), now)
    if budget is None:
        return Forecasts(whole, found)
    whole = _of_one_budget(list(found.values()), whole, now)
    found = {partition: _with_all(each, whole, now) for partition, each in found.items()}
    loses_from, lost_by = _lost_of_all(list(found.values()))
    return Forecasts(replace(whole, loses_from=loses_from, lost_by=lost_by), found)


def forecast(
    waiting: WaitingRecords,
    retention: float | None,
    moved: MovingBacklog | None,
    now: float,
    budget: float | None = None,
) -> Forecast:
    """Of one partition.

    `retention` in seconds; None: not known. `budget`: how many times as fast as it was watched it goes by the rate
    budget that is left now; None: the rate keeps nothing.
    """
    records, pace, empty_at, arriving, done = waiting.records, Pace.UNKNOWN, None, None, None
    if records == 0:
        pace, empty_at = Pace.STILL, now
    elif records is not None and moved is not None:
        arriving, done = moved.arriving, moved.done
        shrinks = -moved.per_second
        if budget is not None and done is not None:
            shrinks += (budget - 1.0) * done
            done *= budget
        pace, empty_at = _empty(records, shrinks, done or 0.0, now, limited=budget is not None)
    loses_from, lost_by = _lost(waiting, retention, moved, now, 1.0 if budget is None else budget)
    if loses_from is not None and empty_at is not None and empty_at <= loses_from and loses_from > now:
        loses_from, lost_by = None, LostBy.NOTHING
    return Forecast(records, empty_at, pace, loses_from, lost_by, arriving, done)


def _empty(records: int, shrinks: float, done: float, now: float, *, limited: bool) -> tuple[Pace, float | None]:
    """`shrinks`: records a second by which fewer wait."""
    if records <= CAUGHT_UP * done:
        return Pace.STILL, now + records / done
    if shrinks <= 0.0:
        return Pace.GROWING if shrinks < 0.0 else Pace.STILL, None
    ahead = records / shrinks
    return Pace.BUDGET if limited else Pace.SHRINKING, now + ahead if ahead <= FARTHEST else None


def _lost(
    waiting: WaitingRecords, retention: float | None, moved: MovingBacklog | None, now: float, budget: float
) -> tuple[float | None, LostBy]:
    """The oldest that waits is deleted when it is as old as the retention. It grows older by less than a second in each
    second where it moves on.
    """
    if waiting.records == 0 or retention == math.inf:
        return None, LostBy.NOTHING
    if waiting.records is None or retention is None or waiting.oldest is None:
        return None, LostBy.UNKNOWN
    ahead = _ahead(now - waiting.oldest, retention, moved, budget)
    if ahead is None:
        return None, LostBy.UNKNOWN
    return (None, LostBy.NOTHING) if ahead == math.inf else (now + ahead, LostBy.RETENTION)


def _ahead(age: float, retention: float, moved: MovingBacklog | None, budget: float) -> float | None:
    """Seconds until the oldest record is as old as the retention; infinite: not in sight; None: not known."""
    left, speed = retention - age, _speed(moved)
    if left <= 0.0:
        return 0.0
    if speed is None or speed == 0.0:
        return None if speed is None else left
    is_late = speed * budget < 1.0 and age >= FRESH
    ahead = left / (1.0 - speed * budget) if is_late else math.inf
    return ahead if ahead <= FARTHEST else math.inf


def _speed(moved: MovingBacklog | None) -> float | None:
    if moved is None:
        return None
    return 0.0 if moved.speed is None and moved.done == 0.0 else moved.speed


# --- several together ----------------------------------------------------------------------------------


def together(several: Iterable[Forecast], now: float) -> Forecast:
    """Of several that do not wait for each other: empty when the last of them is, and lost from the first loss on."""
    found = list(several)
    loses_from, lost_by = _lost_of_all(found)
    waiting = [each for each in found if each.records != 0]
    paces = {each.pace for each in waiting}
    ends = [each.empty_at for each in waiting if each.empty_at is not None]
    pace = _pace_of_all(paces)
    is_empty = len(ends) == len(waiting)
    return Forecast(
        _sum_of_counts([each.records for each in found]),
        max(ends, default=now) if is_empty else None,
        _pace_without_end([each for each in waiting if each.empty_at is None]) if not is_empty else pace,
        loses_from,
        lost_by,
        _sum_of_rates([each.arriving for each in waiting]),
        _sum_of_rates([each.done for each in waiting]),
    )


def _pace_of_all(paces: set[Pace]) -> Pace:
    """Where all of them have an end."""
    return next((pace for pace in (Pace.BUDGET, Pace.SHRINKING) if pace in paces), Pace.STILL)


def _pace_without_end(endless: Sequence[Forecast]) -> Pace:
    """What is not known says most, then what makes it worse."""
    order = (Pace.UNKNOWN, Pace.GROWING, Pace.STILL, Pace.BUDGET, Pace.SHRINKING)
    return min((each.pace for each in endless), key=order.index)


def _lost_of_all(found: Sequence[Forecast]) -> tuple[float | None, LostBy]:
    first = min((each.loses_from for each in found if each.loses_from is not None), default=None)
    if first is not None:
        return first, LostBy.RETENTION
    is_unknown = any(each.lost_by is LostBy.UNKNOWN for each in found)
    return None, LostBy.UNKNOWN if is_unknown else LostBy.NOTHING


def _of_one_budget(found: Sequence[Forecast], whole: Forecast, now: float) -> Forecast:
    """Of partitions that share a budget: what one of them does not need any more, the others use.

    So they are empty together, unless one of them does not move at all: that does not wait for the budget.
    """
    waiting = [each for each in found if each.records != 0]
    arriving, done = whole.arriving, whole.done
    if whole.records is None or arriving is None or done is None or not all(each.done for each in waiting):
        return whole
    pace, empty_at = _empty(whole.records, done - arriving, done, now, limited=True) if waiting else (Pace.STILL, now)
    return replace(whole, pace=pace, empty_at=empty_at)


def _with_all(each: Forecast, whole: Forecast, now: float) -> Forecast:
    """Of a partition that moves: it is not empty later than all of them, also where it grows while others are sent."""
    end = whole.empty_at
    if end is None or not each.records or not each.done or (each.empty_at is not None and each.empty_at <= end):
        return each
    each = replace(each, empty_at=end, pace=whole.pace)
    if each.loses_from is not None and now < each.loses_from >= end:
        return replace(each, loses_from=None, lost_by=LostBy.NOTHING)
    return each


def _sum_of_counts(counts: Sequence[int | None]) -> int | None:
    known = [each for each in counts if each is not None]
    return sum(known) if len(known) == len(counts) else None


def _sum_of_rates(rates: Sequence[float | None]) -> float | None:
    known = [each for each in rates if each is not None]
    return sum(known) if len(known) == len(rates) else None


# --- in documents --------------------------------------------------------------------------------------


def written(found: Forecast) -> dict[str, Any]:
    """As `/status` has it."""
    return {
        "records": found.records,
        "empty_at": None if found.empty_at is None else iso(found.empty_at),
        "pace": found.pace.value,
        "loses_from": None if found.loses_from is None else iso(found.loses_from),
        "lost_by": found.lost_by.value,
        "arriving_per_minute": None if found.arriving is None else round(found.arriving * 60.0, 1),
        "done_per_minute": None if found.done is None else round(found.done * 60.0, 1),
    }


def read(document: Mapping[str, Any] | None) -> Forecast:
    """What `written` wrote. None, from a version that does not forecast: nothing is known."""
    if document is None:
        return NOT_KNOWN
    return Forecast(
        document["records"],
        _moment(document["empty_at"]),
        Pace(document["pace"]),
        _moment(document["loses_from"]),
        LostBy(document["lost_by"]),
        _per_second(document["arriving_per_minute"]),
        _per_second(document["done_per_minute"]),
    )


def _moment(iso_time: str | None) -> float | None:
    return None if iso_time is None else datetime.fromisoformat(iso_time).timestamp()


def _per_second(per_minute: float | None) -> float | None:
    return None if per_minute is None else per_minute / 60.0
