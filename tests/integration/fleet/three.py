"""Three replicas of one group on a real Kafka, and the one view that everything which shows the group is made of."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from bridge.config import load
from bridge.config.sections import Config
from bridge.fleet.opening import open_fleet
from bridge.fleet.source import FleetSource
from bridge.fleet.view import FleetConcern, FleetView
from tests.support.kafka.client import Kafka
from tests.support.service import events
from tests.support.service.replica import Replica
from tests.support.service.scene import Scene
from tests.support.service.settings import API_KEY, layered
from tests.support.waiting import until

REPLICAS = 3
QUICK = {
    "kafka": {"refresh": "1s"},
    "delivery": {"rate_limit": "6000/min", "retry": {"initial_backoff": "500ms", "max_backoff": "4s"}},
}
"""What is missing is noticed soon, and the budget is one that replicas share."""
SOON = 90.0
"""Seconds until the view shows it; a transaction hangs after a minute."""


class Three:
    """Entered, three replicas share the topic's partitions and have delivered a few orders."""

    def __init__(self, kafka: Kafka, folder: Path, *, properties: Any = None, **sections: Any) -> None:
        self.key_file = folder / "key"
        self.key_file.write_text(API_KEY, encoding="utf-8")
        if properties is not None:
            sections = layered({"kafka": {"properties": properties}}, sections)
        keyed = {"track": {"api_key": None, "api_key_file": str(self.key_file)}}
        self.scene = Scene(kafka, folder, partitions=6, **layered({**QUICK, **keyed}, sections))
        self.kafka = kafka
        self.api = self.scene.api
        self.topic = self.scene.topic
        self.folder = folder
        kafka.create_topic_named(f"{self.scene.letters}.resolutions", 1, cleanup_policy="compact")
        self.replicas: list[Replica] = []
        self.produced = 0
        self.caused_at = 0.0
        self._stack = AsyncExitStack()
        self._source: FleetSource

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.scene)
        try:
            await self.start(REPLICAS)
            await self.look_anew()
            await self.orders(60)
            await self.scene.until_delivered(60)
            await self.until("nothing is told", lambda view: not view.concerns)
            for (
                each
            ) in self.running:  # what it samples it notices a moment later, and would date the cause to before it
                await each.until("nothing keeps it", lambda status: not status["blocked"])
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    # --- replicas -----------------------------------------------------------------------------------

    async def start(self, count: int, **sections: Any) -> None:
        """So many more, each with partitions."""
        for _ in range(count):
            self.replicas.append(await self.scene.replica(**sections))
        for each in self.running:
            await each.until("it has a part", lambda status: bool(status["partitions"]))

    @property
    def running(self) -> list[Replica]:
        return [each for each in self.replicas if each.running]

    @property
    def addresses(self) -> list[str]:
        """Of all that were started: who died is asked, too."""
        return [each.address for each in self.replicas]

    @property
    def file(self) -> Path:
        """The configuration of the replica that was started last."""
        return max(self.folder.glob("*.yaml"), key=lambda path: path.stat().st_mtime_ns)

    @property
    def config(self) -> Config:
        loaded = load.read(self.file, {})
        assert loaded.config is not None, loaded.problems
        return loaded.config

    # --- records ------------------------------------------------------------------------------------

    async def orders(self, count: int, *, users: int = 30) -> None:
        """So many more, spread over all partitions."""
        numbers = range(self.produced, self.produced + count)
        await self.records((f"u-{n % users}", events.order(f"u-{n % users}", n)) for n in numbers)

    async def records(self, records: Iterable[tuple[str | None, bytes | None]], *, partition: int = -1) -> None:
        """Any, counted."""
        listed = list(records)
        await self.scene.produce(listed, partition=partition)
        self.produced += len(listed)

    # --- what is shown ------------------------------------------------------------------------------

    async def look_anew(self) -> None:
        """At the replicas there are now, with the configuration of the one that was started last."""
        self._source = await self._stack.enter_async_context(
            open_fleet(self.config, logging.getLogger("tests.fleet"), self.addresses)
        )

    def caused(self) -> None:
        """From now on it is not as it ought to be."""
        self.caused_at = time.time()

    async def view(self) -> FleetView:
        return await self._source.view()

    async def until(self, what: str, holds: Callable[[FleetView], bool], *, within: float = SOON) -> FleetView:
        """The first view of which that holds; what is still told is shown where none comes."""
        seen: list[FleetView] = []

        async def it_does() -> bool:
            seen[:] = [await self.view()]
            if not holds(seen[0]):
                await asyncio.sleep(0.2)  # a view is made every two seconds
                return False
            return True

        await until(
            what, it_does, within=within, explain=lambda: "\n".join(map(repr, seen[0].concerns if seen else ()))
        )
        return seen[0]


def told(view: FleetView, reason: str) -> FleetConcern | None:
    """What is told of this reason."""
    return next((each for each in view.concerns if each.reason == reason), None)
