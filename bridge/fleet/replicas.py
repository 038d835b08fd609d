"""Asks the replicas what they say of themselves: all at once, and none of them for longer than is patient."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bridge.fleet.said import partitions_of
from bridge.fleet.view import ReplicaView
from bridge.ops.admin import status_client
from bridge.ops.admin.status_client import StatusError

PATIENCE: Final = 3.0
"""Seconds one replica may take."""
AT_ONCE: Final = 64
"""Replicas asked at the same time; further ones wait for these."""

Fetch = Callable[[str, float], Mapping[str, Any]]
"""As `status_client.fetch`."""


async def ask(
    addresses: Sequence[str], group_id: str, fetch: Fetch = status_client.fetch, patience: float = PATIENCE
) -> tuple[ReplicaView, ...]:
    """What each says, in their order; who says nothing in time is there with the reason, and so is who is of another
    group. A replica that has several of the addresses is there once.
    """
    places = asyncio.Semaphore(AT_ONCE)

    async def one(address: str) -> ReplicaView:
        async with places:
            return _counted(await _asked(address, fetch, patience), group_id)

    return _each_once(await asyncio.gather(*map(one, addresses)))


async def _asked(address: str, fetch: Fetch, patience: float) -> ReplicaView:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[ReplicaView] = loop.create_future()

    def say(found: ReplicaView) -> None:
        if not answer.done():
            answer.set_result(found)

    def question() -> None:
        try:
            found = ReplicaView(address, document=fetch(address, patience))
        except StatusError as error:
            found = ReplicaView(address, str(error))
        except ValueError as error:
            found = ReplicaView(address, f"{error}.")
        try:
            loop.call_soon_threadsafe(say, found)
        except RuntimeError:
            return  # The loop is gone: nobody waits any more.

    # A thread of its own, which no end of the program waits for: a server may answer one header a second for ever.
    threading.Thread(target=question, name="fleet-status", daemon=True).start()
    try:
        async with asyncio.timeout(2 * patience):
            return await answer
    except TimeoutError:
        why = "see its log, and whether either machine is busy"
        return ReplicaView(address, f"{address} gave no whole answer within {2 * patience:g} s: {why}.")


def _counted(replica: ReplicaView, group_id: str) -> ReplicaView:
    """Another group's work is not this one's: added up, both would be wrong."""
    if replica.document is None:
        return replica
    group = replica.document.get("group")
    if group != group_id:
        return ReplicaView(
            replica.address,
            f"The bridge at {replica.address} is of group {group}, not of {group_id}: it is not counted here. Take it "
            "out of console.instances, or use the configuration of that group.",
            other_group=str(group),
        )
    return replica


def _each_once(replicas: Sequence[ReplicaView]) -> tuple[ReplicaView, ...]:
    """A host has an address of each family; two processes never begin in the same millisecond with the same work."""
    known: set[tuple[object, ...]] = set()
    found = []
    for replica in replicas:
        if replica.document is not None:
            who = (replica.document.get("started_at"), *sorted(partitions_of(replica)))
            if who in known:
                continue
            known.add(who)
        found.append(replica)
    return tuple(found)
