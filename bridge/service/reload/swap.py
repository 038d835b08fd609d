"""Puts another mapping in the place of the one that works: on the poll thread and in the pipeline, at one point of each
partition's records.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bridge.kafka.consumer.source import Source
from bridge.ops.log.events import Events
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.service.orders.control import Control
from bridge.service.redrive import Redriver
from bridge.service.reload.candidate import FoundConfiguration
from bridge.service.watches.notices import Notices
from bridge.service.watches.working import WorkingConfiguration, number_of

PATIENCE: Final = 30.0
"""Seconds after which it is told that the poll thread has not taken the mapping over."""


@dataclass(frozen=True, slots=True, eq=False)
class MappingSwap:
    """All that works by a mapping."""

    working: WorkingConfiguration
    source: Source
    dispatcher: Dispatcher
    redrive: Redriver | None
    notices: Notices
    control: Control
    events: Events

    async def apply(self, found: FoundConfiguration) -> Sequence[str]:
        """Work by it. Returns the topics that were held for dead letters of the old mapping, and have another try."""
        if not found.maps_otherwise:
            self.working.take_over(found.config, None)
            return ()
        await self._swap(found)
        return await self.control.try_again()

    async def _swap(self, found: FoundConfiguration) -> None:
        """Behind all that the poll thread has read, and filtered by the old one; before all that it reads then."""
        swapped: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def swap() -> None:
            if swapped.done():
                return  # it was done without the poll thread, or the process stops
            self._map_by(found)
            swapped.set_result(None)

        self.source.map_by(number_of(found.config), found.mapping.early_filter, swap)
        if not self.source.started:
            swap()
        await self._wait_for(swapped, number_of(found.config))

    async def _wait_for(self, swapped: asyncio.Future[None], mapping: int) -> None:
        """It may take as long as no client can be had, such as without a login; it is never given up half-way."""
        try:
            if not (await asyncio.wait((swapped,), timeout=PATIENCE))[0]:
                self.events.configuration_waits(mapping=mapping, before=self.working.number)
            await swapped
        finally:
            swapped.cancel()  # where the process stops

    def _map_by(self, found: FoundConfiguration) -> None:
        """In one turn of the loop."""
        self.working.take_over(found.config, found.mapping)
        self.dispatcher.tally.gather()
        self.dispatcher.map_by(found.mapping)
        self.notices.mapping_changed()
        if self.redrive is not None:
            self.redrive.map_by(found.mapping)
