"""Several replicas of one group, each with its part of every budget."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from bridge.formats import offset_map
from bridge.model import RequestKind, TopicPartition
from bridge.pipeline.budget.pacing import BudgetView
from bridge.pipeline.settings import DeliverySettings
from bridge.service.watches.rate_view import INTERVAL, Shares, shares_of
from tests.unit.pipeline.world import World

LIMIT = 10.0


def most_in_a_minute(times: list[float]) -> int:
    return max((bisect_left(times, start + 60.0) - i for i, start in enumerate(times)), default=0)


class Group:
    """Replicas that share one token and know of each other only what stands in the committed positions."""

    def __init__(self, replicas: int, partitions: int, seed: int = 0, **settings: Any) -> None:
        """`settings` of the section `delivery`, over the usual ones."""
        self.rng = random.Random(seed)  # noqa: S311 - repeatable on purpose
        settings_ = DeliverySettings.model_construct(**({"rate_limit": LIMIT, "max_buffered": 300} | settings))
        self.worlds = [World(settings_, seed=seed)]
        for n in range(1, replicas):
            self.worlds.append(World(settings_, seed=seed + n, beside=self.worlds[0]))
        self.time = self.worlds[0].time
        self.partitions = [TopicPartition("orders", n) for n in range(partitions)]
        self.owner: dict[TopicPartition, World] = {}
        for n, partition in enumerate(self.partitions):
            self.owner[partition] = self.worlds[n % replicas]
            self.owner[partition].assign(partition)
        for world in self.worlds:
            self.time.after(self.rng.uniform(0.0, INTERVAL), self._looking(world, shares_of(world.dispatcher, 0.0)))

    def _looking(self, world: World, shares: Shares) -> Callable[[], None]:
        def look() -> None:
            demand = {}
            for partition, position in world.positions.committed.items():
                found = offset_map.decode(position.metadata)
                assert found is not None
                demand[partition] = found.demand
            for share in shares.values():
                share.observe(BudgetView(self.time.now, len(self.partitions), demand))
            apply()
            self.time.after(INTERVAL + self.rng.uniform(0.0, 0.3), look)
            self.time.after(1.5 * INTERVAL + 0.01, apply)

        def apply() -> None:
            for budget, share in shares.items():
                budget.pacer.set_rate(share.rate(self.time.now, world.dispatcher.mine()), self.time.now)
            world.dispatcher.pump()

        return look

    def produce(self, partition: TopicPartition, count: int, kind: str = "") -> None:
        """`kind` as `PlainMapper` reads it: ``:identify``."""
        self.worlds[0].write(partition, *[f"user {self.rng.randrange(1000)}{kind}" for _ in range(count)])

    def run(self, seconds: float) -> None:
        end = self.time.now + seconds
        while self.time.now < end:
            for partition, world in self.owner.items():
                world.deliver(partition)
            self.time.run(min(1.0, end - self.time.now))

    def lose(self, world: World) -> list[TopicPartition]:
        """Its session is over before it knows; returns what was its."""
        orphans = [partition for partition, owner in self.owner.items() if owner is world]
        for partition in orphans:
            world.lose(partition)
            del self.owner[partition]
        return orphans

    def give(self, partition: TopicPartition, to: World) -> None:
        self.owner[partition] = to
        to.assign(partition)

    def move(self, partition: TopicPartition, to: World) -> None:
        if self.owner[partition] is not to:
            self.owner[partition].revoke(partition)
            self.time.run(0.2)
            self.owner[partition] = to
            to.assign(partition)

    @property
    def times(self) -> list[float]:
        return sorted(at for world in self.worlds for at, _, _ in world.sink.sent)

    def times_of(self, *kinds: RequestKind) -> list[float]:
        return sorted(at for world in self.worlds for kind in kinds for at in world.sink.times[kind])
