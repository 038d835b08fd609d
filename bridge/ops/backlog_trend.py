"""How the group's backlog moves, watched over the last minutes. Pure.

A forecast is made of nothing but what was seen: how many records waited some minutes ago, and how many wait now. What
is sent, filtered and newly produced meanwhile is all in that number.
"""

from __future__ import annotations

from collections import deque
from typing import Final

from bridge.ops.snapshot import Backlog

WINDOW: Final = 600.0
"""Seconds that are looked back."""
LEAST: Final = 60.0
"""Seconds that must have been watched before anything is said."""
FARTHEST: Final = 30 * 86_400.0
"""Seconds ahead of which a forecast is nobody's knowledge any more."""


class BacklogTrend:
    """Takes what each look at the group found."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def observe(self, at: float, records: int | None) -> None:
        """So many records waited at this time (Unix seconds); None: not known, which begins the watch again."""
        seen = self._seen
        if records is None or (seen and at < seen[-1][0]):
            seen.clear()
        elif not seen or at > seen[-1][0]:
            seen.append((at, records))
            while at - seen[0][0] > WINDOW:
                seen.popleft()

    @property
    def backlog(self) -> Backlog | None:
        """None until it was watched for `LEAST` seconds."""
        if not self._seen:
            return None
        (since, before), (at, records) = self._seen[0], self._seen[-1]
        return Backlog(records, since, before, at) if at - since >= LEAST else None


def done_at(backlog: Backlog) -> float | None:
    """When nothing waits any more if it keeps shrinking like this, in Unix seconds; None: it does not shrink."""
    if backlog.per_second >= 0.0:
        return None
    ahead = backlog.records / -backlog.per_second
    return backlog.at + ahead if ahead <= FARTHEST else None
