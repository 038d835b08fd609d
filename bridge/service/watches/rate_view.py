"""Keeps this replica's share of the token's rate: reads the group's positions and what is written in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from bridge.formats import offset_map
from bridge.formats.declarations import Reservations
from bridge.formats.offset_map import Demand
from bridge.kafka.admin.committed import ViewRefusedError
from bridge.limiter import once
from bridge.model import TopicPartition
from bridge.ops.log.events import Events
from bridge.pipeline.budget.governor import RateBudget
from bridge.pipeline.budget.pacing import BudgetView, RateShare
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.service.watches.tasks import end

INTERVAL = 2.0
"""Seconds between two views."""


class GroupFacts(Protocol):
    """What is asked of the cluster. `OSError`: no answer; `ViewRefusedError`: it says no."""

    async def metadata(self) -> Mapping[TopicPartition, str]:
        """The commit metadata of every partition the group has a position on, in its subscribed topics."""

    async def partitions(self) -> int:
        """How many partitions the subscribed topics have, all together."""


Shares = Mapping[RateBudget, RateShare]
"""This replica's part of each budget that has a limit; what has none needs nobody's part of it."""


def shares_of(dispatcher: Dispatcher, commit_interval: float) -> Shares:
    """`commit_interval` in seconds."""
    return {
        budget: RateShare(budget.limit, INTERVAL, commit_interval, of_users=budget is not dispatcher.events_budget)
        for budget in dispatcher.sending.budgets
        if budget.limit is not None
    }


class RateView:
    """Feeds each `RateShare` and its pacer. One task, on the loop."""

    def __init__(
        self, dispatcher: Dispatcher, shares: Shares, facts: GroupFacts, events: Events, replays: GroupFacts
    ) -> None:
        self._dispatcher = dispatcher
        self._shares = shares
        self._facts = facts
        self._replays = replays
        self._reservations = Reservations()
        self._events = events
        self._refusals = once()
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self.apply()
        self._task = asyncio.create_task(self._run(), name="rate-view")

    def look_again(self) -> None:
        """Partitions came or went: what they mean for the share applies at once, the next view comes soon."""
        self.apply()
        self._wanted.set()

    def apply(self) -> None:
        """Bring the shares of this moment to their pacers: they also change when a view gets old."""
        now, mine = time.monotonic(), self._dispatcher.mine()
        for budget, share in self._shares.items():
            budget.pacer.set_rate(share.rate(now, mine), now)
        self._dispatcher.pump()

    async def stop(self) -> None:
        """Look no more."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            self._wanted.clear()
            # Also without partitions: who gets some may then use their share at once.
            await self._look()
            try:
                async with asyncio.timeout(INTERVAL):
                    await self._wanted.wait()
            except TimeoutError:
                continue
            # A rebalance brings several changes; the positions of its new partitions need a moment to be committed.
            await asyncio.sleep(INTERVAL / 10)

    async def _look(self) -> None:
        asked_at = time.monotonic()
        # At the same time: a view is as old as its slowest answer, and one that is too old leaves a trickle.
        view, reserved = await asyncio.gather(self._view(asked_at), self._reserved(asked_at))
        if view is not None:
            of_limit = self._dispatcher.events_budget.limit
            for share in self._shares.values():
                # Of a limit that requests of users have for themselves, replays use the same part: see `Budget`.
                part = 1.0 if of_limit is None else share.limit / of_limit
                share.observe(replace(view, reserved=part * reserved))
            self.apply()

    async def _view(self, asked_at: float) -> BudgetView | None:
        """None where no answer came: the last view gets old."""
        metadata: Mapping[TopicPartition, str] | None = None
        try:
            partitions = await self._facts.partitions()
            try:
                metadata = await self._facts.metadata()
            except ViewRefusedError as refusal:
                if self._refusals.admit("positions"):
                    self._events.rate_view_refused(detail=str(refusal))
        except (OSError, ViewRefusedError):
            return None
        return view_of(asked_at, partitions, metadata)

    async def _reserved(self, now: float) -> float:
        """What replays declared for themselves. A look that fails leaves what was believed, until that is stale."""
        try:
            self._reservations.observe(await self._replays.metadata(), now)
        except ViewRefusedError as refusal:
            if self._refusals.admit("replays"):
                self._events.rate_view_refused(detail=f"replays of dead letters are not seen: {refusal}")
        except OSError:
            pass
        return self._reservations.reserved(now)


def view_of(asked_at: float, partitions: int, metadata: Mapping[TopicPartition, str] | None) -> BudgetView:
    """What was heard, as one value; ``metadata`` is None where it may not be read.

    A partition that was added has a position, committed by its owner, before it counts again. Who counted without it
    would take itself for the only owner, and the whole limit for its share.
    """
    if metadata is None:
        return BudgetView(asked_at, partitions, None)
    return BudgetView(asked_at, max(partitions, len(metadata)), _demands(metadata))


def _demands(metadata: Mapping[TopicPartition, str]) -> dict[TopicPartition, Demand]:
    demands = {}
    for partition, text in metadata.items():
        found = offset_map.decode(text)
        if found is not None:
            demands[partition] = found.demand
    return demands
