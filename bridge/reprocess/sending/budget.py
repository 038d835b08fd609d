"""The part of the token's rate that a replay uses: declared first, used when every running bridge can know of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, Protocol

from bridge.formats.declarations import Declaration, Reservations, allowed, encode
from bridge.kafka.admin.committed import ViewRefusedError
from bridge.model import TopicPartition
from bridge.pipeline.budget.pacing import FILL

NOTICE: Final = 5.0
"""Seconds from the first acknowledged declaration to the first request: running bridges look every two seconds, and
one whose look failed is down to a trickle by then."""


class GroupMetadata(Protocol):
    """What the replays of the group have committed. `OSError`: no answer; `ViewRefusedError`: not allowed."""

    async def metadata(self) -> Mapping[TopicPartition, str]:
        """By partition of the dead-letter topic."""


class Budget:
    """Of one replay. Rates are requests per second; a `limit` of None is no limit."""

    def __init__(self, wanted: float, limit: float | None, group: GroupMetadata, *, automatic: bool) -> None:
        """`automatic`: one of those that running bridges make, which use `wanted` together."""
        self.limit = limit
        self.wanted = wanted
        self.automatic = automatic
        self._group = group
        self._name = secrets.token_hex(6)
        self._renewals = 0
        self._declared_at: float | None = None
        self._reservations = Reservations()
        self._others = 0.0
        self._sharing = 1
        """How many use `wanted` together."""

    def begin(self) -> None:
        """A new membership: what was declared by the last one is taken back."""
        self._declared_at = None

    def declare(self, ends: bool) -> str:  # noqa: FBT001 - the two things a declaration can say
        """The text for the next commit. Called on the thread of the claims."""
        self._renewals += 1
        rate = 0.0 if ends or self.limit is None else self.wanted
        return encode(Declaration(self._name, rate, self._renewals, self.automatic))

    def declared(self, now: float) -> None:
        """The brokers have it; ``now`` in monotonic seconds."""
        if self._declared_at is None:
            self._declared_at = now

    def others_send(self, now: float) -> bool:
        """Whether another replay is known to be at it, at this monotonic time. Without a limit none is known."""
        return self._reservations.reserved(now, besides=self._name) > 0.0

    async def look(self, now: float) -> None:
        """Read what other replays want."""
        if self.limit is None:
            return
        try:
            self._reservations.observe(await self._group.metadata(), now)
        except (OSError, ViewRefusedError):
            return  # What was believed is believed until it gets stale.
        if self.automatic:
            self._others = self._reservations.reserved_by_people(now)
            self._sharing = 1 + self._reservations.automatic(now, besides=self._name)
        else:
            self._others = self._reservations.reserved(now, besides=self._name)

    def rate(self, now: float) -> float | None:
        """What may be sent now; None: as fast as it goes."""
        return self.rate_within(self.limit, now)

    def rate_within(self, limit: float | None, now: float) -> float | None:
        """The same of requests that have this limit of their own: the same part of it as was declared of the other."""
        if limit is None:
            return None
        if self._declared_at is None or now - self._declared_at < NOTICE:
            return 0.0
        part = 1.0 if self.limit is None else limit / self.limit
        return FILL * allowed(part * self.wanted, part * self._others, limit) / self._sharing
