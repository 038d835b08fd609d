"""How a backlog moves, the group's or that of one partition, watched over the last minutes. Pure.

A forecast is made of nothing but what was seen: how many records waited some minutes ago, and how many wait now. What
is sent, filtered and newly produced meanwhile is all in that number. What is no pace is kept out of it: topics that
come and go, and leaps, such as a committed offset that somebody sets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from bridge.ops.snapshot import MovingBacklog

WINDOW: Final = 600.0
"""Seconds that are looked back."""
LEAST: Final = 60.0
"""Seconds that must have been watched before anything is said."""
STALE: Final = 60.0
"""Seconds beyond the usual time between two looks, after which the last look says nothing of now any more."""
LEAP: Final = 5
"""One look that changed the number so many times as fast as any other look of the watch was no pace."""
LEAP_RECORDS: Final = 1_000
"""Records; smaller changes are no leap, however still it was before."""
FARTHEST: Final = 30 * 86_400.0
"""Seconds ahead of which a forecast is nobody's knowledge any more."""


class BacklogLook(NamedTuple):
    """One look at what waits."""

    at: float
    """Unix seconds."""
    records: int
    end: int | None = None
    """The end of the log, of one partition, or their sum; None: not asked for."""
    oldest: float | None = None
    """Unix seconds at which the oldest record that waits was written; None: none waits, or not known."""


Topics = Sequence[tuple[str, int]]
"""Those that the records wait in, each with the number of its partitions."""


class BacklogTrend:
    """Takes what each look at the group found."""

    def __init__(self) -> None:
        self._seen: deque[BacklogLook] = deque()
        self._topics: Topics = ()

    def observe(
        self, at: float, records: int | None, topics: Topics = (), end: int | None = None, oldest: float | None = None
    ) -> None:
        """So many records waited at this time (Unix seconds) in these topics; None: not known. Rest: `BacklogLook`.

        What is not known, a clock that was set back, a log that became shorter and other topics begin the watch again.
        """
        seen = self._seen
        if records is None or topics != self._topics or (seen and (at < seen[-1].at or _is_another_log(seen[-1], end))):
            seen.clear()
        self._topics = topics
        if records is None or (seen and at == seen[-1].at):
            return
        seen.append(BacklogLook(at, records, end, oldest))
        while at - seen[0].at > WINDOW:
            seen.popleft()
        for _ in range(_last_leap(seen)):
            seen.popleft()

    def backlog(self, now: float, usual: float) -> MovingBacklog | None:
        """None until it was watched for `LEAST` seconds, and while the last look is too old to say anything of now.

        `now` is in Unix seconds, `usual` the seconds between two looks at the group.
        """
        if not self._seen:
            return None
        first, last = self._seen[0], self._seen[-1]
        if last.at - first.at < LEAST or not 0.0 <= now - last.at <= STALE + usual:
            return None
        arrived = None if first.end is None or last.end is None else last.end - first.end
        return MovingBacklog(last.records, first.at, first.records, last.at, arrived, _speed(self._seen))


def _is_another_log(last: BacklogLook, end: int | None) -> bool:
    """A log whose end is asked for, or asked for no more, or that was made again or cut."""
    if last.end is None or end is None:
        return last.end is not end
    return end < last.end


def _speed(seen: Sequence[BacklogLook]) -> float | None:
    """How fast the oldest record that waits moves through the time of its log; None: not watched for long enough.

    Only of looks since which something has waited all the time: what came after a time of nothing is another record.
    """
    known: list[BacklogLook] = []
    for look in reversed(seen):
        if not look.records:
            break
        if look.oldest is not None:
            known.append(look)
    if not known or known[0].at - known[-1].at < LEAST:
        return None
    first, last = known[-1], known[0]
    return max(0.0, ((last.oldest or 0.0) - (first.oldest or 0.0)) / (last.at - first.at))


def _last_leap(seen: Sequence[BacklogLook]) -> int:
    """How many of these looks came before a leap; 0: there was none."""
    paces = [abs(after.records - before.records) / (after.at - before.at) for before, after in pairwise(seen)]
    if len(paces) < 2:
        return 0
    fastest = max(range(len(paces)), key=paces.__getitem__)
    changed = abs(seen[fastest + 1].records - seen[fastest].records)
    others = max(pace for number, pace in enumerate(paces) if number != fastest)
    return fastest + 1 if changed > LEAP_RECORDS and paces[fastest] > LEAP * others else 0


def done_at(backlog: MovingBacklog, now: float) -> float | None:
    """When nothing waits any more if it keeps shrinking like this; None: it does not shrink.

    All in Unix seconds; never before `now`.
    """
    if backlog.per_second >= 0.0:
        return None
    ahead = backlog.records / -backlog.per_second
    return max(now, backlog.at + ahead) if ahead <= FARTHEST else None
