"""Two replicas that both send dead letters again by themselves, on whatever broker there is."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from bridge.formats import commit_mark, declarations
from bridge.formats.declarations import Reservations
from bridge.kafka.partitions import from_client
from bridge.model import LetterReason, Route, TopicPartition
from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.service.side_traffic import SHARE
from tests.support.prepared.client import completed
from tests.support.reprocess.letters import letter, produce
from tests.support.service import settings
from tests.support.service.events import order
from tests.support.service.replica import Replica
from tests.support.waiting import until

LIMIT: Final = 60
"""Requests per second of the token."""
IN_FLIGHT: Final = 8
EARLIER: Final = 90
"""Letters of an earlier spell of refused keys, beside those that this one makes."""
LIVE: Final = 4000
"""Records of live traffic: more than are sent meanwhile, so that the live bridges always use all they may."""
PARTITIONS: Final = 4
_ROUTE: Final = Route("order.completed", "0123456789ab", "Order Completed")
_PATIENCE: Final = 120.0


class Watched(NamedTuple):
    """Look by look, in requests per second."""

    shares: list[float]
    """What the live bridges may send."""
    reserved: list[float]
    """What the redrives take off the limit."""

    @property
    def takes_one_share(self) -> bool:
        """Whether redrives were seen, and never more than one of them would take."""
        return 0.0 < max(self.reserved) <= SHARE * LIMIT and statistics.median(self.shares) >= 0.75 * LIMIT


@dataclass
class Scene:
    """A broker with letters and live traffic in it, an API that refuses the key, and two replicas."""

    file: Path
    api: Emulator
    replicas: Sequence[Replica]
    bootstrap: str
    letters: str

    def arrived(self, topic: str) -> Counter[str]:
        """How often each event of records of this topic was accepted."""
        names = (str(event.metadata["event_id"]) for event in self.api.ledger.accepted)
        return Counter(name for name in names if name.startswith(f"{topic}/"))

    async def shares(self) -> float:
        """Requests per second that the live bridges may send together."""
        return sum([(await each.status())["rate"]["share"] or 0.0 for each in self.replicas if each.running])

    def redriven(self) -> int:
        """Letters that the replicas' redrives say to have sent."""
        return sum(each["replayed"] for replica in self.replicas for each in replica.events("redrive_ended"))

    async def dlq(self, *arguments: str) -> dict[str, Any]:
        """What ``track-bridge dlq`` prints as JSON."""
        ended = await completed("dlq", *arguments, "--json", "-c", str(self.file))
        assert ended.out, ended.err.decode()
        found: dict[str, Any] = json.loads(ended.out)
        return found


def configuration(folder: Path, bootstrap: str, api: Emulator, orders: str, letters: str) -> Path:
    """The replicas' own."""
    upper = {
        "kafka": {"properties": settings.SESSION},
        "delivery": {"rate_limit": f"{LIMIT}/s", "max_in_flight": IN_FLIGHT},
        "dead_letter": {"topic": letters, "redrive": {"reasons": ["unauthorized"], "after": "recovery"}},
    }
    base = settings.base(bootstrap, api.endpoint, [orders])
    return settings.write(folder / "bridge.yaml", settings.layered(base, upper))


async def begin(
    stack: AsyncExitStack,
    folder: Path,
    bootstrap: str,
    api: Emulator,
    fill: Callable[[Iterable[bytes]], None],
    *,
    orders: str,
    letters: str,
) -> Scene:
    """Both replicas run, both have given up events for the key's sake, and each has its part of the whole limit."""
    produce(bootstrap, letters, _earlier())
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body="{}"))
    file = configuration(folder, bootstrap, api, orders, letters)
    replicas = [await stack.enter_async_context(Replica(file, folder / f"{name}.log")) for name in ("a", "b")]
    scene = Scene(file, api, replicas, bootstrap, letters)
    for each in replicas:
        await each.until("it has its partitions", lambda s: len(s["partitions"]) == PARTITIONS // 2, within=_PATIENCE)
    await asyncio.to_thread(fill, (order(f"live-{number % 200}", number) for number in range(LIVE)))
    for each in replicas:
        await until("it gave letters up", lambda each=each: bool(each.events("dead_letter")), within=_PATIENCE)

    async def whole() -> bool:
        return await scene.shares() > 0.95 * LIMIT

    await until("the live bridges have the whole limit", whole, within=_PATIENCE)
    return scene


async def recover(scene: Scene) -> None:
    """The key works again: both begin to send letters."""
    scene.api.set_faults()
    for each in scene.replicas:
        await until("it sends letters", lambda each=each: bool(each.events("redrive_started")), within=_PATIENCE)


async def watched(scene: Scene, until_done: Callable[[], bool]) -> Watched:
    """Wait for it, and look what is taken off the live traffic meanwhile."""
    seen = Watched([], [])
    reservations = Reservations()

    async def look() -> bool:
        seen.shares.append(await scene.shares())
        reservations.observe(await asyncio.to_thread(_declared, scene), time.monotonic())
        seen.reserved.append(reservations.reserved(time.monotonic()))
        return until_done()

    await until("the redrives are through", look, within=_PATIENCE, explain=scene.replicas[0].log_text)
    return seen


def _declared(scene: Scene) -> dict[TopicPartition, str]:
    """What the redrives have committed, as every running bridge reads it."""
    group = declarations.group_of(settings.GROUP)
    consumer = Consumer({"bootstrap.servers": scene.bootstrap, "group.id": group, "log_level": 0})
    try:
        asked = [ClientPartition(scene.letters, number) for number in range(PARTITIONS)]
        found = consumer.committed(asked, timeout=30)
        return {from_client(each): commit_mark.unmarked(each.metadata) for each in found if each.offset >= 0}
    finally:
        consumer.close()


def all_arrived(scene: Scene) -> bool:
    """Whether every letter of the earlier spell was sent."""
    return len(scene.arrived("history")) == EARLIER


def quiet(replica: Replica) -> bool:
    """Whether every redrive it began has ended."""
    return len(replica.events("redrive_ended")) == len(replica.events("redrive_started"))


async def settled(scene: Scene) -> dict[str, Any]:
    """The ledger once no letter is open; one that came late is sent by a redrive of its own."""
    found: dict[str, Any] = {}

    async def look() -> bool:
        found.update(await scene.dlq("stats"))
        return not found["open"] and all(quiet(each) for each in scene.replicas if each.running)

    await until("no letter is open and no redrive goes on", look, within=_PATIENCE, explain=lambda: str(found))
    return found


def _earlier() -> list[Any]:
    return [
        letter(
            number,
            topic="history",
            partition=number % PARTITIONS,
            reason=LetterReason.UNAUTHORIZED,
            user=f"h-{number % 30}",
            route=_ROUTE,
            status=401,
            group=settings.GROUP,
        )
        for number in range(EARLIER)
    ]
