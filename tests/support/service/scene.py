"""One group of replicas between a real Kafka and the emulated API: topics, processes, and what became of the events."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

from bridge.sandbox.emulator import Emulator
from tests.support.kafka.client import Kafka
from tests.support.service import ledger, settings
from tests.support.service.replica import Replica
from tests.support.service.settings import API_KEY, SESSION
from tests.support.waiting import until

Keyed = tuple[str | None, bytes | None]


class Scene:
    """Names of its own in a Kafka that others use too. Entered, it has an API; left, its replicas are gone."""

    def __init__(self, kafka: Kafka, folder: Path, /, *, partitions: int = 12, **sections: Any) -> None:
        """`sections` of the configuration, over the base."""
        self.kafka = kafka
        self.api = Emulator(keys=[API_KEY])
        self.group = kafka.name("bridge")
        self.topic = kafka.create_topic("orders", partitions)
        self.letters = kafka.create_topic("letters", partitions)
        self.partitions = partitions
        self._folder = folder
        self._sections = sections
        self._stack = AsyncExitStack()
        self._names = (f"{self.group}-{letter}" for letter in itertools.chain("ABCDEFGH"))

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.api)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._stack.aclose()

    def configure(self, **sections: Any) -> Path:
        """The configuration file of one more replica."""
        base = settings.base(self.kafka.bootstrap, self.api.endpoint, [self.topic])
        names = {
            "kafka": {"group_id": self.group, "properties": SESSION},
            "dead_letter": {"topic": self.letters},
        }
        layers = settings.layered(settings.layered(settings.layered(base, names), self._sections), sections)
        return settings.write(self._folder / f"{next(self._names)}.yaml", layers)

    async def replica(self, **sections: Any) -> Replica:
        """Start one; it ends with the scene at the latest."""
        file = self.configure(**sections)
        return await self._stack.enter_async_context(Replica(file, file.with_suffix(".log")))

    # --- Kafka --------------------------------------------------------------------------------------

    async def produce(self, records: Iterable[Keyed], *, partition: int = -1) -> None:
        """Write (key, value) pairs and return when the brokers have them all."""
        await asyncio.to_thread(self.kafka.produce, self.topic, records, partition=partition)

    async def positions(self) -> Mapping[int, int]:
        """By partition, the group's position on the topic."""
        found = await asyncio.to_thread(self.kafka.committed, self.group)
        return {partition: offset for (topic, partition), (offset, _) in found.items() if topic == self.topic}

    async def until_committed(self, records: int) -> None:
        """Wait until the positions add up to so many records: with nothing removed, they stand at the ends."""

        async def all_of_them() -> bool:
            return sum((await self.positions()).values()) == records

        await until(f"{records} records are committed", all_of_them, explain=self._logs)

    # --- the API ------------------------------------------------------------------------------------

    @property
    def delivered(self) -> int:
        """Events that were accepted, each counted once."""
        return len(self.places())

    def places(self) -> set[ledger.Place]:
        """Of all events that were accepted."""
        return ledger.places(self.api.ledger.accepted)

    async def until_accepted(self, events: int, *, within: float = 60.0) -> float:
        """Wait until so many requests were accepted, repetitions included."""
        return await until(
            f"{events} events are accepted",
            lambda: len(self.api.ledger.accepted) >= events,
            within=within,
            explain=self._logs,
        )

    async def until_delivered(self, events: int, *, within: float = 60.0) -> float:
        """Wait until so many different events were accepted."""
        await self.until_accepted(events, within=within)
        return await until(
            f"{events} different events are accepted",
            lambda: self.delivered >= events,
            within=within,
            explain=self._logs,
        )

    def _logs(self) -> str:
        return "\n".join(f"--- {log.name}\n{log.read_text()[-4000:]}" for log in sorted(self._folder.glob("*.log")))
