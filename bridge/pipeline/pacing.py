"""The rate budget of one token, shared by all replicas without another service.

The documented limit is 600 requests a minute and nothing is said of its window, so requests are spaced evenly:
a bucket of depth one, filled at a little less than the share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bridge.model import TopicPartition
from bridge.pipeline.offset_map import Demand

FILL = 0.99
"""Part of the limit that is used: clocks and timers are not exact, and a `429` costs more than one request in 100."""
TRICKLE = 0.01
"""The rest, over all replicas: what one may send whose share is nothing or unknown, so that it does not stand still."""
VIEWS = 3
"""A higher share applies when this many views in a row allow it: by then the others have seen that theirs is lower."""
STALE_DEMAND = 30.0
"""Seconds (wall clock) after which a partition's published demand is no longer believed: its owner is gone."""
_CARRY = 0.05
"""Seconds a late timer may be made up for; more would allow bursts."""


class Pacer:
    """Spaces requests. `free_at` is the earliest time of the next one."""

    __slots__ = ("_interval", "free_at")

    def __init__(self) -> None:
        self._interval: float | None = None
        self.free_at = 0.0

    @property
    def rate(self) -> float | None:
        """Requests per second; None: not limited."""
        return None if self._interval is None else 1.0 / self._interval if self._interval else None

    def set_rate(self, rate: float | None, now: float) -> None:
        """Requests per second from now on; 0 stands still until the next call."""
        if rate is None:
            self._interval, self.free_at = None, 0.0
            return
        if rate <= 0.0:
            self._interval, self.free_at = float("inf"), float("inf")
            return
        before, self._interval = self._interval, 1.0 / rate
        if before is None:
            self.free_at = now
        elif before == float("inf"):
            self.free_at = now + self._interval
        elif self.free_at > now:
            # The part of the interval that is left keeps its proportion, so changing rates cannot mint permits.
            self.free_at = now + (self.free_at - now) * self._interval / before

    def take(self, now: float) -> None:
        """A request starts."""
        interval = self._interval
        if interval is None:
            return
        late = now - self.free_at
        self.free_at = (self.free_at if late < max(_CARRY, 0.0) else now) + interval


@dataclass(frozen=True, slots=True)
class GroupView:
    """What the brokers said of the group: the same for every replica that asks."""

    asked_at: float
    """Monotonic time at which the question was sent."""
    partitions: int
    """Of all subscribed topics."""
    demand: Mapping[TopicPartition, Demand] | None
    """By partition; None where the call was refused, then shares go by assigned partitions."""
    reserved: float = 0.0
    """Requests per second that replays declared for themselves."""


class RateShare:
    """The part of the limit that is this replica's, from the same facts from which the others compute theirs."""

    __slots__ = ("_allowed", "_interval", "_last", "limit")

    def __init__(self, limit: float, interval: float) -> None:
        self.limit = limit
        """Requests per second of the token."""
        self._interval = interval
        """Seconds between two views."""
        self._allowed: deque[float] = deque([0.0] * (VIEWS - 1), maxlen=VIEWS)
        self._last: GroupView | None = None

    def observe(self, view: GroupView, mine: Collection[TopicPartition], wall: float) -> None:
        """Take in a view."""
        self._last = view
        self._allowed.append(self._fraction(view, mine, wall) * max(0.0, self.limit - view.reserved))

    def rate(self, now: float, mine: Collection[TopicPartition]) -> float:
        """Requests per second this replica may send now."""
        view = self._last
        if not mine or view is None:
            return 0.0
        trickle = self.limit * TRICKLE * len(mine) / max(view.partitions, len(mine))
        if now - view.asked_at > 1.5 * self._interval:
            return trickle
        if len(mine) >= view.partitions:
            # Nobody else owns anything, so nobody else may start a request: no need to wait for further views.
            return FILL * max(0.0, self.limit - view.reserved)
        return max(trickle, FILL * min(self._allowed))

    def view_age(self, now: float) -> float | None:
        """Seconds since the last view was asked for."""
        return None if self._last is None else now - self._last.asked_at

    @staticmethod
    def _fraction(view: GroupView, mine: Collection[TopicPartition], wall: float) -> float:
        partitions = max(view.partitions, len(mine), 1)
        if view.demand is None:
            return len(mine) / partitions
        wanting = {tp for tp, d in view.demand.items() if d.waiting > 0 and wall - d.at <= STALE_DEMAND}
        if not wanting:
            return len(mine) / partitions
        return sum(tp in wanting for tp in mine) / len(wanting)
