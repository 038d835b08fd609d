"""How the backlog of each partition moves, and how many requests were started meanwhile. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.ops.status.backlog_trend import LEAST, WINDOW, BacklogTrend

if TYPE_CHECKING:
    from bridge.model import TopicPartition
    from bridge.ops.snapshot import MovingBacklog

EVERY: Final = 10.0
"""Seconds between two looks of a replica at its own partitions."""


@dataclass(frozen=True, slots=True)
class WaitingRecords:
    """What waits in one partition."""

    records: int | None
    """That are not complete; None: not known."""
    end: int | None = None
    """The end of the log; None: not known."""
    oldest: float | None = None
    """Unix seconds at which the oldest that waits was written; None: none waits, or not known."""


class PartitionTrends:
    """Takes what each look at the partitions found. A partition that a look does not have is forgotten."""

    def __init__(self, usual: float = EVERY) -> None:
        """`usual`: seconds between two looks."""
        self._usual = usual
        self._trends: dict[TopicPartition, BacklogTrend] = {}
        self._sent: deque[tuple[float, int]] = deque()

    def observe(self, at: float, waiting: Mapping[TopicPartition, WaitingRecords], sent: int = 0) -> None:
        """At this time (Unix seconds) this waited, and so many requests had been started since the process began."""
        trends = self._trends
        self._trends = {partition: trends.get(partition) or BacklogTrend() for partition in waiting}
        for partition, found in waiting.items():
            self._trends[partition].observe(at, found.records, (), found.end, found.oldest)
        if self._sent and (at <= self._sent[-1][0] or sent < self._sent[-1][1]):
            self._sent.clear()
        self._sent.append((at, sent))
        while at - self._sent[0][0] > WINDOW:
            self._sent.popleft()

    def moved(self, partition: TopicPartition, now: float) -> MovingBacklog | None:
        """None: not watched, not for long enough, or not lately."""
        trend = self._trends.get(partition)
        return None if trend is None else trend.backlog(now, self._usual)

    def all_moved(self, now: float) -> dict[TopicPartition, MovingBacklog]:
        """Of all of which something can be said."""
        found = ((partition, self.moved(partition, now)) for partition in self._trends)
        return {partition: moved for partition, moved in found if moved is not None}

    def budget(self, share: float, now: float) -> float:
        """How many times as fast as over the watch records go if `share` requests a second may be started."""
        since = min((moved.since for moved in self.all_moved(now).values()), default=now)
        sent = self._sent_since(since)
        return share / sent if sent and share > 0.0 else 1.0

    def _sent_since(self, since: float) -> float | None:
        """Requests a second that were started from then on; None: not watched for long enough."""
        looks = [look for look in self._sent if look[0] >= since]
        if not looks or looks[-1][0] - looks[0][0] < LEAST:
            return None
        return (looks[-1][1] - looks[0][1]) / (looks[-1][0] - looks[0][0])
