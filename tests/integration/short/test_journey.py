"""A real Kafka in short form: one broker, and the way of an event past everything that may happen to it.

What `make test` runs of this tier; each step has its own tests, with other protocols, loads and faults, beside it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from tests.support.kafka.client import Kafka
from tests.support.service import events, ledger
from tests.support.service.replica import assigned
from tests.support.service.scene import Scene
from tests.support.waiting import until

USERS = 20
SESSION = {"session.timeout.ms": "3000", "heartbeat.interval.ms": "500"}
LACKING = json.dumps({"type": "order.completed", "data": {"buyer": "u-nobody", "n": 1}}).encode()
"""An order of nobody: a dead letter, until the mapping reads its buyer."""


def orders(first: int, count: int) -> list[tuple[str, bytes]]:
    return [(f"u-{n % USERS}", events.order(f"u-{n % USERS}", n)) for n in range(first, first + count)]


@pytest.mark.short
async def test_events_arrive_once_past_a_rebalance_and_at_least_once_past_kill_9_and_letters_are_sent_again(
    kafka: Kafka, tmp_path: Path
) -> None:
    async with Scene(kafka, tmp_path, partitions=4, kafka={"properties": SESSION}) as scene:
        kafka.create_topic_named(f"{scene.letters}.resolutions", 4, cleanup_policy="compact")
        first = await scene.replica()
        await scene.produce(orders(0, 200))
        await scene.until_delivered(200)
        await scene.until_committed(200)

        second = await scene.replica()
        await second.until("it has its share", lambda status: assigned(status) == 2)
        await scene.produce(orders(200, 200))
        await scene.until_delivered(400)
        await scene.until_committed(400)
        assert len(scene.api.ledger.accepted) == 400, "a rebalance repeats nothing"

        await scene.produce([("u-1", LACKING)])
        letters = scene.letters
        await until("the letter is written", lambda: len(kafka.read(letters)) == 1)
        await scene.until_committed(401)

        await second.kill()
        await scene.produce(orders(400, 200))
        await scene.until_delivered(600)
        await first.until("it has everything", lambda status: assigned(status) == 4)
        await scene.until_committed(601)
        assert ledger.overtaken(scene.api.ledger.accepted) == []
        assert await first.terminate() == 0

        known = scene.configure(mapping={"user_id": "data.buyer"})
        code, said = await _typed("dlq", "replay", "--yes", "-c", str(known))
        assert code == 0, said
        assert scene.api.ledger.accepted[-1].user_id == "u-nobody"
        assert scene.delivered == 601


async def _typed(*arguments: str) -> tuple[int | None, str]:
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bridge", *arguments, stdout=pipe, stderr=both)
    said, _ = await process.communicate()
    return process.returncode, said.decode()
