"""What each kind of request is at: what keeps it, and for how long its rate has; and what waits for an identify."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.holds import Reason
from bridge.model import TRACK, RequestKind
from bridge.ops.snapshot import AwaitingUsers, ClosedGate, KindView
from bridge.pipeline.budget.governor import Governor
from bridge.pipeline.dispatch.awaiting import Awaiting
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.service.time import ClockReading


def outage_of(governor: Governor, at: ClockReading, kind: str | None = None) -> Iterator[ClosedGate]:
    """Nothing gets through; `kind` where it is told of a kind alone."""
    outage = governor.outage
    if outage.since is not None:
        probe_at = at.ahead(outage.probe_at)
        yield ClosedGate(Reason.OUTAGE, at.past(outage.since), outage.detail, probe_at, probe_at, kind=kind)


def pause_of(governor: Governor, at: ClockReading, kind: str | None = None) -> Iterator[ClosedGate]:
    """The API asked to wait."""
    budget, now = governor.budget, at.monotonic
    if now < budget.pause_until:
        since = now if budget.paused_since is None else budget.paused_since
        until = at.ahead(budget.pause_until)
        yield ClosedGate(Reason.RETRY_AFTER, at.past(since), budget.pause_detail, until, kind=kind)


class KindSampler:
    """Samples for how long which kind has waited for its rate."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._limited = dict.fromkeys(dispatcher.governors, 0.0)
        self._since: dict[RequestKind, float] = {}

    def tick(self, now: float, elapsed: float) -> None:
        """Several times a second; `elapsed` seconds after the last time."""
        dispatcher = self._dispatcher
        for kind, governor in dispatcher.governors.items():
            if dispatcher.stopping or not dispatcher.queues.ready[kind] or not governor.is_paced(now):
                self._since.pop(kind, None)
            elif kind in self._since:
                self._limited[kind] += elapsed
            else:
                self._since[kind] = now

    @property
    def limited_since(self) -> float | None:
        """Monotonic time since when the rate keeps what the budget of events is for."""
        events = self._dispatcher.events_budget
        of_events = (kind for kind in self._since if self._dispatcher.governors[kind].budget is events)
        return min((self._since[kind] for kind in of_events), default=None)

    def views(self, at: ClockReading) -> list[KindView]:
        """Of each kind there is."""
        return [
            KindView(
                kind.name,
                governor.in_flight,
                tuple(self._gates(kind, governor, at)),
                self._limited[kind],
                governor.budget.limit,
                governor.pacer.rate,
            )
            for kind, governor in self._dispatcher.governors.items()
        ]

    def _gates(self, kind: RequestKind, governor: Governor, at: ClockReading) -> Iterator[ClosedGate]:
        yield from outage_of(governor, at, kind.name)
        yield from pause_of(governor, at, kind.name)
        since = self._since.get(kind)
        if since is not None:
            free_at = governor.pacer.free_at
            until = None if free_at == float("inf") else at.ahead(free_at)
            yield ClosedGate(Reason.RATE_LIMITED, at.past(since), until=until, kind=kind.name)


def users_that_wait(found: Awaiting) -> AwaitingUsers:
    """Numbers, and nobody's name."""
    return AwaitingUsers(found.events, len(found.users), found.settling)


def waits_for(kind: RequestKind, user: str, *, waits: bool, found: Awaiting) -> str | None:
    """The kind of request that an event is, or waits for; None: it is a track event that waits for none."""
    if kind is not TRACK:
        return kind.name
    return "identify" if waits and user in found.users else None
