"""The one place that answers, for one kind of request: may the next one go now?"""

from __future__ import annotations

import random
from dataclasses import dataclass

from bridge.config.sections import RetryPolicy
from bridge.holds import Reason
from bridge.pipeline.budget.key_guard import KeyGuard
from bridge.pipeline.budget.membership import Membership
from bridge.pipeline.budget.pacing import Pacer
from bridge.pipeline.retry import backoff, longer
from bridge.pipeline.settings import DeliverySettings

RUN = 10
"""Failures in a row that make an outage when they are of two users or more. A destination that fails half of all
requests has so long a row about once in a thousand."""
TRANSPORT_RUN = 3
"""Connections that failed in a row: no answer at all says nothing about an event, so one user is enough."""


class Outage:
    """Everything fails: then one probe at a time, until one gets through.

    One user whose events fail for ever is no outage; it must not hold the others up.
    """

    __slots__ = ("_probes", "_probing", "_rng", "_settings", "_transport", "_users", "detail", "failures", "probe_at",
                 "since")  # fmt: skip

    def __init__(self, settings: RetryPolicy, rng: random.Random) -> None:
        self._settings = settings
        self._rng = rng
        self.failures = 0
        """In a row."""
        self._transport = 0
        self._users: set[object] = set()
        self._probes = 0
        self._probing = False
        self.since: float | None = None
        self.probe_at = 0.0
        self.detail = ""

    @property
    def on(self) -> bool:
        """Whether only probes are sent."""
        return self.since is not None

    def failed(self, user: object, detail: str, *, transport: bool, now: float) -> bool:
        """An attempt failed (never a 429); True when that begins an outage."""
        self.detail = detail
        if self.on:
            # Answers to what was in flight when it began are no probes and must not push the next one away.
            if self._probing:
                self._schedule(now)
            return False
        self.failures += 1
        self._transport = self._transport + 1 if transport else 0
        if len(self._users) < 2:
            self._users.add(user)
        if (self.failures < RUN or len(self._users) < 2) and self._transport < TRANSPORT_RUN:
            return False
        self.since = now
        self._schedule(now)
        return True

    def succeeded(self) -> bool:
        """An answer came that shows the destination at work; True when that ends an outage."""
        ended = self.on
        if self.failures:
            self.failures = self._transport = self._probes = 0
            self._users.clear()
            self.since = None
        return ended

    def probing(self) -> None:
        """A request starts during the outage; it is alone on the wire, so the next answer is its own."""
        self._probing = True

    def _schedule(self, now: float) -> None:
        self._probing = False
        self._probes += 1
        self.probe_at = now + backoff(self._probes, self._settings, self._rng)


@dataclass(frozen=True, slots=True)
class Block:
    """A "no", and when to ask again; None: when something happens."""

    reason: Reason
    until: float | None = None


_FULL = Block(Reason.IN_FLIGHT)
_UNPROVEN = Block(Reason.MEMBERSHIP)


class RateBudget:
    """The rate of one or several kinds of requests, and the pauses that the destination asked for when they were sent.

    Times are monotonic seconds.
    """

    __slots__ = ("limit", "pacer", "pause_detail", "pause_until", "paused_since", "throttles")

    def __init__(self, limit: float | None, now: float) -> None:
        """`limit` is that of all replicas, in requests per second; None: there is none."""
        self.limit = limit
        self.pacer = Pacer()
        if limit is not None:
            # A new process starts at zero, until somebody knows what its share is.
            self.pacer.set_rate(0.0, now)
        self.throttles = 0
        """Pauses in a row without an accepted request in between."""
        self.pause_until = 0.0
        self.paused_since: float | None = None
        self.pause_detail = ""


class Governor:
    """Combines every condition on sending; each is a small state machine of its own. Times are monotonic seconds.

    Whether the key is good and the partitions are ours concerns all kinds alike; a budget may be that of several kinds.
    The rest each kind has for itself.
    """

    __slots__ = ("_retry", "budget", "in_flight", "key", "max_in_flight", "membership", "outage", "pacer")

    def __init__(
        self,
        settings: DeliverySettings,
        key: KeyGuard,
        membership: Membership,
        rng: random.Random,
        now: float,
        budget: RateBudget | None = None,
    ) -> None:
        """`budget`: None makes one of its own, with the rate of events."""
        self.max_in_flight = settings.max_in_flight
        self.in_flight = 0
        self.key = key
        key.senders.append(self)
        self.membership = membership
        self.outage = Outage(settings.retry, rng)
        self.budget = RateBudget(settings.rate_limit, now) if budget is None else budget
        self.pacer = self.budget.pacer
        self._retry = settings.retry

    @property
    def pause_until(self) -> float:
        """Until then the destination asked to wait, in monotonic seconds."""
        return self.budget.pause_until

    def block(self, now: float) -> Block | None:  # noqa: PLR0911 - one line for each condition, in their order
        """None: go. The order is that of what an operator should hear first."""
        if now >= self.membership.member_until:
            return _UNPROVEN
        key, outage = self.key, self.outage
        if key.held_since is not None and now < key.probe_at:
            return Block(Reason.UNAUTHORIZED, key.probe_at)
        paused = self.budget.pause_until
        if now < paused:
            return Block(Reason.RETRY_AFTER, paused)
        if outage.since is not None and now < outage.probe_at:
            return Block(Reason.OUTAGE, outage.probe_at)
        alone = key.is_out if key.one_at_a_time else self.in_flight and outage.since is not None
        if self.in_flight >= self.max_in_flight or alone:
            return _FULL
        if now < self.pacer.free_at:
            return Block(Reason.RATE_LIMITED, self.pacer.free_at)
        return None

    @property
    def watched(self) -> bool:
        """Whether each request that starts may change what `block` says of the next one."""
        return (
            self.pacer.limited
            or self.key.held_since is not None
            or self.key.one_at_a_time
            or self.outage.since is not None
        )

    def is_paced(self, now: float) -> bool:
        """Whether nothing but the rate keeps the next request back."""
        return (
            now < self.pacer.free_at
            and now >= self.budget.pause_until
            and not (self.key.held or self.outage.on)
            and self.membership.is_member(now)
        )

    def started(self, now: float) -> None:
        """A request goes."""
        self.in_flight += 1
        if self.key.held_since is not None:
            self.key.probing(now)
        if self.outage.since is not None:
            self.outage.probing()
        if self.pacer.limited:
            self.pacer.take(now)

    def proved(self, now: float) -> list[tuple[Reason, float]]:
        """An answer came that only a good key, a right address and a working destination give.

        Returns what ends with it, and after how many seconds.
        """
        self.budget.throttles = 0
        ended = []
        since = self.key.held_since
        if self.key.proven() and since is not None:
            ended.append((Reason.UNAUTHORIZED, now - since))
        since = self.outage.since
        if self.outage.succeeded() and since is not None:
            ended.append((Reason.OUTAGE, now - since))
        return ended

    def throttled(self, after: float | None, now: float) -> float:
        """Seconds all requests have to wait: what the destination asked for, or longer with each pause in a row."""
        budget = self.budget
        if now >= budget.pause_until:
            budget.throttles += 1
        own = min(self._retry.initial_backoff * 2.0 ** min(max(budget.throttles, 1) - 1, 10), self._retry.max_backoff)
        return longer(after, own, self._retry)

    def pause(self, seconds: float, detail: str, now: float) -> bool:
        """The destination asked all of us to wait; True when that begins a pause."""
        budget = self.budget
        begins = now >= budget.pause_until
        budget.pause_until = max(budget.pause_until, now + seconds)
        budget.pause_detail = detail
        if begins:
            budget.paused_since = now
        return begins
