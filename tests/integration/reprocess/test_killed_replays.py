"""A replay that is killed again and again beside a running bridge, on a real Kafka.

``BRIDGE_TEST_LETTERS=100000`` makes it as large as it was designed for; the promises are the same for fewer.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import signal
import statistics
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.model import LetterReason, Route
from bridge.sandbox.emulator import Emulator
from bridge.service.watches.rate_view import INTERVAL
from tests.support.kafka.client import Kafka
from tests.support.reprocess.letters import Written, letter, produce
from tests.support.service import settings
from tests.support.service.replica import Replica
from tests.support.service.settings import API_KEY
from tests.support.waiting import until

LETTERS = int(os.environ.get("BRIDGE_TEST_LETTERS", "20000"))
SELECTED = 1500
LIMIT = 200
"""Requests per second of the token."""
IN_FLIGHT = 16
KILLS = 5
OLDEST_VIEW = 1.5 * INTERVAL
"""Seconds; by an older view nothing is shared."""
PARTITIONS = 4
ROUTE = Route("order.completed", "0123456789ab", "Order Completed")
OTHERS = [reason for reason in LetterReason if reason is not LetterReason.UNAUTHORIZED]


@dataclass
class World:
    """Topics, an API and a configuration between them."""

    file: Path
    api: Emulator
    kafka: Kafka
    orders: str
    letters: str
    shares: list[float] = field(default_factory=list)
    stale: int = 0
    """Looks at which the live bridge's view was too old to share by."""

    def replayed(self) -> Counter[int]:
        """How often each letter's event arrived, by its offset in the topic it came from."""
        return Counter(
            int(str(event.metadata["event_id"]).rpartition("/")[2])
            for event in self.api.ledger.accepted
            if str(event.metadata["event_id"]).startswith("history/")
        )

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """One ``track-bridge dlq`` command."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "dlq", *arguments, "-c", str(self.file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str) -> tuple[int | None, dict[str, Any]]:
        """Its exit code and its document."""
        process = await self.start(*arguments, "--json")
        out, err = await process.communicate()
        assert b"Traceback" not in err, err.decode()
        assert out, err.decode()
        return process.returncode, json.loads(out.splitlines()[-1])


def written() -> Iterator[Written]:
    """Letters of all reasons, mixed; `SELECTED` of them are unauthorized. Their origin is a topic nobody reads."""
    every = LETTERS // SELECTED
    left = SELECTED
    for number in range(LETTERS):
        chosen = left > 0 and number % every == 0
        left -= chosen
        reason = LetterReason.UNAUTHORIZED if chosen else OTHERS[number % len(OTHERS)]
        yield letter(
            number,
            topic="history",
            partition=number % PARTITIONS,
            reason=reason,
            user=f"h-{number % 300}",
            route=ROUTE if reason is not LetterReason.UNDECODABLE else None,
            status=401 if chosen else 400,
            group=settings.GROUP,
        )


@pytest.fixture
async def world(kafka: Kafka, tmp_path: Path) -> AsyncIterator[World]:
    orders, letters = kafka.create_topic("orders", PARTITIONS), kafka.create_topic("letters", PARTITIONS)
    kafka.create_topic_named(f"{letters}.resolutions", PARTITIONS, cleanup_policy="compact")
    produce(kafka.bootstrap, letters, written())
    async with Emulator(keys=[API_KEY]) as api:
        sections = settings.layered(
            settings.base(kafka.bootstrap, api.endpoint, [orders]),
            {
                "kafka": {"group_id": settings.GROUP},
                "delivery": {"rate_limit": f"{LIMIT}/s", "max_in_flight": IN_FLIGHT},
                "dead_letter": {"topic": letters},
            },
        )
        yield World(settings.write(tmp_path / "bridge.yaml", sections), api, kafka, orders, letters)


@pytest.mark.timeout(600 + LETTERS // 50)
async def test_a_replay_killed_five_times_sends_every_selected_letter_and_touches_no_other(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    began, spent = time.monotonic(), processor()
    code, before = await world.run("stats")
    took, cost = time.monotonic() - began, processor() - spent
    assert (code, before["open"]) == (1, LETTERS)
    assert before["by"]["reason"]["unauthorized"]["count"] == SELECTED
    backlog = ((str(n), settings_value(n)) for n in range(LIMIT * 300))
    await asyncio.to_thread(world.kafka.produce, world.orders, backlog)
    async with Replica(world.file, tmp_path / "live.log") as live:
        await live.until("the bridge uses the whole limit", lambda s: s["rate"]["share"] and s["rate"]["share"] > 190)
        watching = asyncio.create_task(watch(world, live))
        for kill in range(KILLS):
            process = await world.start("replay", "--reason", "unauthorized", "--yes")
            target = (kill + 1) * SELECTED // (KILLS + 2)
            await until(f"{target} letters arrived", lambda t=target: len(world.replayed()) >= t, within=240)
            process.send_signal(signal.SIGKILL)
            await process.communicate()
        code, last = await world.run("replay", "--reason", "unauthorized", "--yes")
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    arrived = world.replayed()
    repeated = sum(count - 1 for count in arrived.values())
    assert code == 0, last
    assert set(arrived) == {n for n, each in enumerate(written()) if is_selected(each)}
    assert repeated <= KILLS * IN_FLIGHT, "more than what was in flight at each kill was sent again"
    _, after = await world.run("stats")
    assert after["ended"] == {"replayed": SELECTED, "discarded": 0}
    assert after["open"] == LETTERS - SELECTED
    assert "unauthorized" not in after["by"]["reason"]
    assert after["failed_again"] == 0
    per_second = Counter(int(event.at) for event in world.api.ledger.accepted)
    busiest = max(sum(per_second[second + each] for each in range(60)) for second in per_second)
    with capsys.disabled():
        print(  # noqa: T201 - measured, for whoever runs it; a number of this machine is no promise
            f"\n  {LETTERS:,} letters: stats in {took:.1f} s ({cost:.1f} s of processor time); {SELECTED:,} replayed, "
            f"{repeated} twice over {KILLS} kills; the live bridge had {min(world.shares) / LIMIT:.0%} to "
            f"{max(world.shares) / LIMIT:.0%} of the limit (median {statistics.median(world.shares) / LIMIT:.0%}); "
            f"its view was too old at {world.stale} of {len(world.shares) + world.stale} looks; busiest minute "
            f"{busiest:,} requests"
        )
    assert min(world.shares) >= 0.75 * LIMIT, (
        "a share is computed, not measured: what replays declare comes off, no more"
    )
    assert world.stale < len(world.shares)
    assert busiest <= 60 * LIMIT


def processor() -> float:
    """Seconds of the processes that ended: of a command in a busy machine's time, what is its own."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def watch(world: World, live: Replica) -> None:
    """The live bridge's share of the limit, as long as the replays go on.

    Looks at which its view of the group was too old are counted apart: a bridge that a busy machine keeps from asking
    leaves itself a trickle, whether there is a replay or not.
    """
    while True:
        rate = (await live.status())["rate"]
        if rate["view_age_s"] is not None and rate["view_age_s"] <= OLDEST_VIEW:
            world.shares.append(rate["share"])
        else:
            world.stale += 1
        await asyncio.sleep(0.5)


def settings_value(number: int) -> bytes:
    """A record of the live traffic."""
    return json.dumps({"type": "order.completed", "data": {"user": f"live-{number % 500}", "n": number}}).encode()


def is_selected(each: Written) -> bool:
    """Whether the letter is one of those that are replayed."""
    return ("bridge.dead-letter.reason", b"unauthorized") in each.headers
