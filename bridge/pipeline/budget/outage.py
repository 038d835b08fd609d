"""An outage of the destination: everything fails. Then one probe at a time, until one gets through."""

from __future__ import annotations

import random

from bridge.config.sections import RetryPolicy
from bridge.pipeline.retry import backoff

RUN = 10
"""Failures in a row that make an outage when they are of two users or more. A destination that fails half of all
requests has so long a row about once in a thousand."""
TRANSPORT_RUN = 3
"""Connections that failed in a row: no answer at all says nothing about an event, so one user is enough."""


class Outage:
    """One user whose events fail for ever is no outage; it must not hold the others up."""

    __slots__ = (
        "_probes",
        "_probing",
        "_rng",
        "_settings",
        "_transport",
        "_users",
        "detail",
        "failures",
        "probe_at",
        "since",
    )

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
