"""Requests out: which of what is ready may start now, kind by kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable

from bridge.model import IDENTIFY, KINDS, TRACK, RequestKind
from bridge.pipeline.budget.governor import Block, Governor, RateBudget
from bridge.pipeline.budget.key_guard import KeyGuard
from bridge.pipeline.budget.membership import Membership
from bridge.pipeline.dispatch.assignments import OpenRecords
from bridge.pipeline.dispatch.identifies import Identifies
from bridge.pipeline.ports import Credentials, Sink
from bridge.pipeline.queues.ready_queue import ReadyQueue
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import EventState, Work

# What is asked for every event: a member of an enum takes ten times as long to look up as a global.
_IN_FLIGHT = EventState.IN_FLIGHT


class StartingRequests:
    """The governors of all kinds, and the places on the wire that they share."""

    __slots__ = (
        "_asks_of_users", "_kinds", "_queues", "_rng", "_sink", "_tally", "_wake_at", "events_budget",
        "governors", "identifies", "key", "membership", "users_budget",
    )  # fmt: skip

    def __init__(
        self,
        settings: DeliverySettings,
        kept: OpenRecords,
        sink: Sink[Work],
        credentials: Credentials,
        rng: random.Random,
        now: float,
        *,
        wake_at: Callable[[float | None], None],
    ) -> None:
        """`wake_at` asks for a look at what is due at this monotonic time."""
        self._sink = sink
        self._rng = rng
        self._tally, self._queues = kept.tally, kept.queues
        self._wake_at = wake_at
        self.key = KeyGuard(settings.hold_after_unauthorized, settings.recheck)
        self.membership = Membership(settings.session_timeout, now)
        self.events_budget = RateBudget(settings.rate_limit, now)
        self.users_budget = (
            self.events_budget if settings.shared_rate_limit else RateBudget(settings.users_rate_limit, now)
        )
        """Of identify and company requests."""
        self.governors = {
            kind: Governor(settings, self.key, self.membership, rng, now, self._budget_of(kind)) for kind in KINDS
        }
        self.identifies = Identifies(
            settings, kept.queues, kept.failing, kept.tally, credentials, lambda: self.governors[IDENTIFY].outage.on
        )
        self._kinds = list(kept.queues.ready.items())
        """The one that started last is last, as far as they met."""
        self._asks_of_users = kept.queues.ready[TRACK] if self.identifies.is_needed else None

    def _budget_of(self, kind: RequestKind) -> RateBudget:
        return self.events_budget if kind is TRACK else self.users_budget

    @property
    def budgets(self) -> Iterable[RateBudget]:
        """Each once."""
        return dict.fromkeys(governor.budget for governor in self.governors.values())

    def start_all(self, now: float) -> list[Block]:
        """Start what may; returns why the rest may not, where that is not for want of a place."""
        blocks, turns = [], self._in_turn()
        for each in turns:
            kind, ready = each
            before = self._tally.requests
            block = self._start_ready(self.governors[kind], ready, now)
            if kind is not TRACK:
                self._tally.started[kind.name] += self._tally.requests - before
            if block is not None:
                blocks.append(block)
            if len(turns) > 1 and self._tally.requests != before:
                self._kinds.remove(each)
                self._kinds.append(each)
        return blocks

    def _in_turn(self) -> list[tuple[RequestKind, ReadyQueue]]:
        """What is ready, by kind. The one of which none has started for the longest is first: they share the places on
        the wire, and perhaps a rate, and however often this is asked between two that are free, each gets its part.

        Behind events come the identifies that they may have brought about.
        """
        waiting = [each for each in self._kinds if each[1].order or each[1].again]
        if self._asks_of_users is not None and waiting:
            waiting.append((IDENTIFY, self._queues.ready[IDENTIFY]))
        return waiting

    def _start_ready(self, governor: Governor, ready: ReadyQueue, now: float) -> Block | None:
        """Start what is ready of one kind; the reason why something is left, if it is the governor's."""
        order, again = ready.order, ready.again
        asks = ready is self._asks_of_users
        most = governor.max_in_flight
        for other in self.key.senders:
            if other is not governor:
                most -= other.in_flight
        while (order or again) and governor.in_flight < most:
            block = governor.block(now)
            if block is not None:
                return block
            # Where only `max_in_flight` bounds sending, one "go" is good for all places that are free.
            watched = governor.watched
            for _ in range(1 if watched else most - governor.in_flight):
                work = ready.pop() if governor.outage.since is None else ready.probe(self._rng)
                if work is None:
                    return None  # What failed before has as many places as it may have.
                if asks and not self.identifies.admits(work, now):
                    ready.again_out.discard(work)
                    self._wake_at(self._queues.delayed.due())
                    continue
                if watched:
                    governor.started(now)
                else:
                    governor.in_flight += 1
                self._start(work, now)
        return None

    def _start(self, work: Work, now: float) -> None:
        work.state = _IN_FLIGHT
        work.attempts += 1
        work.last_at = now
        if work.first_at is None:
            work.first_at = now
        work.partition.on_wire[work] = None
        self._tally.requests += 1
        if work.life is not None:
            work.life.attempt_began(work.request, work.output, work.attempts)
        self._sink.send(work)

    def paced_until(self, now: float) -> float | None:
        """When the next request goes that waits for nothing but the rate of its budget; None: there is none."""
        paced = (
            governor.pacer.free_at
            for kind, governor in self.governors.items()
            if self._queues.ready[kind] and governor.is_paced(now)
        )
        return min(paced, default=None)
