"""The rate budget of one token, shared by all replicas without another service.

The documented limit is 600 requests a minute and nothing is said of its window, so requests are spaced evenly:
a bucket of depth one, filled at a little less than the share.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from bridge.formats.offset_map import Demand
from bridge.model import TopicPartition

FILL = 0.985
"""Part of the limit that is used. The rest is for the request that each replica may have saved up when a minute begins,
for timers that are made up for, and for trickles: with up to five replicas no minute can exceed 600/min."""
TRICKLE = 0.005
"""What one may send, over all replicas, whose share is nothing or unknown, so that it does not stand still."""
RISE = 2
"""A higher share applies when the views of this many intervals allow it: others know by then that theirs is lower."""
KEEP_DEMAND = 10.0
"""Seconds for which a demand stays published after the last record waited. Longer than the time between two views, or
a demand that comes and goes would be seen by its owner and by nobody else, and both would use the same share."""
STALE_DEMAND = 4.5
"""Seconds after which a published demand that was not renewed is no longer believed: its owner is gone. It is renewed
with each commit, at the latest every `assignments.REFRESH_DEMAND` seconds, a third of this. An owner that lives and
whose commits do not get through hears the same of itself, and lowers its share before others raise theirs."""
MISSED_COMMITS = 5
"""The same, in commit intervals, where those are long."""
_CARRY = 0.05
"""Seconds a late timer may be made up for; more would allow bursts."""


class Pacer:
    """Spaces requests. `free_at` is the earliest time of the next one."""

    __slots__ = ("_interval", "free_at", "limited")

    def __init__(self) -> None:
        self._interval: float | None = None
        self.limited = False
        """Whether there is a rate at all."""
        self.free_at = 0.0

    @property
    def rate(self) -> float | None:
        """Requests per second; None: not limited."""
        return None if self._interval is None else 1.0 / self._interval if self._interval else None

    def set_rate(self, rate: float | None, now: float) -> None:
        """Requests per second from now on; 0 stands still until the next call."""
        self.limited = rate is not None
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
        self.free_at = (self.free_at if late < _CARRY else now) + interval


@dataclass(frozen=True, slots=True)
class BudgetView:
    """What the brokers said of the group: the same for every replica that asks."""

    asked_at: float
    """Monotonic time at which the question was sent."""
    partitions: int
    """Of all subscribed topics."""
    demand: Mapping[TopicPartition, Demand] | None
    """By partition; None where the call was refused, then shares go by assigned partitions."""
    reserved: float = 0.0
    """Requests per second that replays declared for themselves."""


@dataclass(frozen=True, slots=True)
class _ViewOfShares:
    """What one view means for shares."""

    asked_at: float
    wanting: frozenset[TopicPartition]
    """Partitions whose owner lives and has something to send."""
    partitions: int
    rate: float
    """Requests per second for all replicas together."""

    def allows(self, mine: Collection[TopicPartition]) -> float:
        """Requests per second for who owns these now.

        A partition that changed hands since brings its part along at once: whoever had it has less from that moment on.
        """
        if not self.wanting:
            return self.rate * len(mine) / max(self.partitions, len(mine), 1)
        return self.rate * sum(tp in self.wanting for tp in mine) / len(self.wanting)


class RateShare:
    """The part of the limit that is this replica's, from the same facts from which the others compute theirs."""

    __slots__ = ("_heard", "_interval", "_last", "_of_users", "_seen", "_stale", "limit")

    def __init__(self, limit: float, interval: float, commit_interval: float = 0.0, *, of_users: bool = False) -> None:
        """`of_users`: of the budget that users and companies have for themselves."""
        self._of_users = of_users
        self.limit = limit
        """Requests per second of the token."""
        self._interval = interval
        """Seconds between two views."""
        self._stale = max(STALE_DEMAND, MISSED_COMMITS * commit_interval)
        self._seen: deque[_ViewOfShares] = deque()
        """As far back as a rise has to look."""
        self._heard: dict[TopicPartition, tuple[int, float]] = {}
        """By wanting partition: the time its owner published, and when that was first seen here."""
        self._last: BudgetView | None = None

    def observe(self, view: BudgetView) -> None:
        """Take in a view."""
        seen = self._seen
        if self._last is not None and view.asked_at - self._last.asked_at > KEEP_DEMAND:
            seen.clear()  # What the others wanted and sent meanwhile is unknown.
        self._last = view
        seen.append(
            _ViewOfShares(view.asked_at, self._wanting(view), view.partitions, max(0.0, self.limit - view.reserved))
        )
        while len(seen) > 1 and seen[1].asked_at <= self._horizon(view):
            seen.popleft()

    def rate(self, now: float, mine: Collection[TopicPartition]) -> float:
        """Requests per second this replica may send now."""
        view = self._last
        if not mine or view is None:
            return 0.0
        trickle = TRICKLE * self.limit * len(mine) / max(view.partitions, len(mine))
        if now - view.asked_at > 1.5 * self._interval:
            return trickle
        if len(mine) >= view.partitions:
            # Nobody else owns anything, so nobody else may start a request: no need to wait for further views.
            return _steady(max(0.0, self.limit - view.reserved))
        if self._seen[0].asked_at > self._horizon(view):
            return trickle
        return max(trickle, _steady(min(seen.allows(mine) for seen in self._seen)))

    def view_age(self, now: float) -> float | None:
        """Seconds since the last view was asked for."""
        return None if self._last is None else now - self._last.asked_at

    def _horizon(self, view: BudgetView) -> float:
        return view.asked_at - RISE * self._interval

    def _wanting(self, view: BudgetView) -> frozenset[TopicPartition]:
        """See `_ViewOfShares.wanting`; no two clocks need to agree for that."""
        heard: dict[TopicPartition, tuple[int, float]] = {}
        for partition, demand in (view.demand or {}).items():
            if demand.of_users if self._of_users else demand.waiting > 0:
                known = self._heard.get(partition)
                heard[partition] = known if known is not None and known[0] == demand.at else (demand.at, view.asked_at)
        self._heard = heard
        return frozenset(tp for tp, (_, since) in heard.items() if view.asked_at - since <= self._stale)


def _steady(allowed: float) -> float:
    """The pace that stays below this many requests per second in every single minute.

    A minute may hold one request more than its rate says, so many replicas would together exceed the limit: each
    keeps to whole requests a minute.
    """
    a_minute = 60.0 * allowed
    return FILL * (int(a_minute + 1e-6) if a_minute >= 1.0 else a_minute) / 60.0
