"""How the group's backlog moves, watched over the last minutes. Pure.

A forecast is made of nothing but what was seen: how many records waited some minutes ago, and how many wait now. What
is sent, filtered and newly produced meanwhile is all in that number. What is no pace is kept out of it: topics that
come and go, and leaps, such as a committed offset that somebody sets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

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


Look = tuple[float, int]
"""When, in Unix seconds, and how many records waited."""
Topics = Sequence[tuple[str, int]]
"""Those that the records wait in, each with the number of its partitions."""


class BacklogTrend:
    """Takes what each look at the group found."""

    def __init__(self) -> None:
        self._seen: deque[Look] = deque()
        self._topics: Topics = ()

    def observe(self, at: float, records: int | None, topics: Topics) -> None:
        """So many records waited at this time (Unix seconds) in these topics; None: not known.

        What is not known, a clock that was set back and other topics begin the watch again.
        """
        seen = self._seen
        if records is None or topics != self._topics or (seen and at < seen[-1][0]):
            seen.clear()
        self._topics = topics
        if records is None or (seen and at == seen[-1][0]):
            return
        seen.append((at, records))
        while at - seen[0][0] > WINDOW:
            seen.popleft()
        for _ in range(_last_leap(seen)):
            seen.popleft()

    def backlog(self, now: float, usual: float) -> MovingBacklog | None:
        """None until it was watched for `LEAST` seconds, and while the last look is too old to say anything of now.

        `now` is in Unix seconds, `usual` the seconds between two looks at the group.
        """
        if not self._seen:
            return None
        (since, before), (at, records) = self._seen[0], self._seen[-1]
        if at - since < LEAST or not 0.0 <= now - at <= STALE + usual:
            return None
        return MovingBacklog(records, since, before, at)


def _last_leap(seen: Sequence[Look]) -> int:
    """How many of these looks came before a leap; 0: there was none."""
    paces = [abs(after - before) / (at - since) for (since, before), (at, after) in pairwise(seen)]
    if len(paces) < 2:
        return 0
    fastest = max(range(len(paces)), key=paces.__getitem__)
    changed = abs(seen[fastest + 1][1] - seen[fastest][1])
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
