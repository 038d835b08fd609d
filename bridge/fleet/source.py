"""Where everybody who shows the fleet gets it from: fifty consoles cost the group what one does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView

KEPT_FOR: Final = 2.0
"""Seconds for which one view is given to everybody who asks."""
PARTITIONS_A_SECOND: Final = 500
"""Of a larger group a view is kept for longer: brokers are asked for the ends of all logs."""


class FleetSource:
    """All methods belong to one event loop."""

    def __init__(self, take: Callable[[], Awaitable[FleetView]], clock: Callable[[], float] = time.monotonic) -> None:
        """`take` makes one view, and says in it what it could not see; `clock` counts seconds."""
        self._take = take
        self._clock = clock
        self._view: FleetView | None = None
        self._due = 0.0
        self._under_way: asyncio.Task[FleetView] | None = None

    async def view(self) -> FleetView:
        """The fleet, `KEPT_FOR` old at most where it is not large or slow to answer.

        One look is under way at any time, and all who ask meanwhile share it.
        """
        if self._view is not None and self._clock() < self._due:
            return self._view
        if self._under_way is None:
            self._under_way = asyncio.ensure_future(self._look())
        # Who stops waiting, as a browser that goes away does, takes nothing from the others.
        return await asyncio.shield(self._under_way)

    async def _look(self) -> FleetView:
        began = self._clock()
        try:
            view = self._view = await self._take()
            now = self._clock()
            # Nor is a look that lasted, as of brokers that are away, followed by the next one at once.
            self._due = now + max(KEPT_FOR, now - began, len(view.partitions) / PARTITIONS_A_SECOND)
            return view
        finally:
            self._under_way = None

    async def close(self) -> None:
        """No look is under way any more."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)
