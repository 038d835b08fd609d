"""Brokers that restart, die, and stay away for longer than the group's session."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from bridge.sandbox.emulator import Fault, FaultKind
from tests.support.service.ground import CLASSIC, IS_FULL, SESSION, Ground, protocols
from tests.support.waiting import until

SLOW = Fault(kind=FaultKind.ORDINARY, delay=0.02)


@pytest.mark.parametrize("ending", ["stop", "kill"] if IS_FULL else ["kill"])
async def test_a_broker_that_restarts_under_load_costs_no_event(
    ground: Ground, times: int, chance: random.Random, ending: str
) -> None:
    restarts = max(1, times // 4)
    ground.create_topic(4)
    ground.api.set_faults(SLOW)
    await ground.produce(1000 * restarts)
    # With a limit the positions of the whole group are read all the time, also from a coordinator that just moved.
    replica = await ground.started(
        kafka={"properties": CLASSIC}, delivery={"max_in_flight": 8, "rate_limit": "60000/min"}
    )
    for _ in range(restarts):
        await ground.more(chance.randrange(100, 500))
        await asyncio.to_thread(ground.kafka.stop if ending == "stop" else ground.kafka.kill)
        await asyncio.to_thread(ground.kafka.start)
        await ground.more(50, fault=f"broker {ending} and start")
    await ground.everything(within=120)
    await ground.is_committed()
    assert await replica.terminate() == 0
    assert ground.outcome.order_violations == 0


@protocols("classic")
async def test_a_broker_away_for_longer_than_the_session_stops_sending_fails_no_liveness_and_loses_nothing(
    ground: Ground, protocol: dict[str, str]
) -> None:
    ground.create_topic(2)
    ground.api.set_faults(SLOW)
    await ground.produce(1200)
    replica = await ground.started(
        kafka={"properties": protocol}, delivery={"max_in_flight": 4, "rate_limit": "60000/min"}
    )
    await ground.more(150)
    # On a busy machine its short session may just have run out: it must be a member when the broker goes.
    await replica.until("it has its partitions", lambda now: len(now["partitions"]) == 2, within=60)
    await asyncio.to_thread(ground.kafka.kill)
    killed = time.monotonic()
    if protocol is CLASSIC:
        # Under the new protocol the client is not told how long the broker's session is.
        await replica.until("membership is not believed any more", _doubts, within=30)
    sent = ground.api.ledger.requests
    await until("the session is over", lambda: time.monotonic() > killed + 2 * SESSION)
    assert (await replica.get("/livez")).status_code == 200
    if protocol is CLASSIC:
        assert ground.api.ledger.requests == sent
    await replica.until("the silence is said", lambda now: not now["kafka"]["reachable"], within=20)
    status = await replica.status()
    assert (status["kafka"]["reachable"], len(status["kafka"]["last_partitions"])) == (False, 2)
    assert "Connection refused" in status["sentence"]
    await until("it is logged", lambda: bool(replica.events("kafka_lost")), within=20)
    [lost] = replica.events("kafka_lost")
    assert ground.kafka.bootstrap in lost["detail"]
    await asyncio.to_thread(ground.kafka.start)
    await ground.more(50, fault="broker away")
    await ground.everything(within=120)
    await ground.is_committed()
    assert len(replica.events("kafka_back")) == 1
    assert await replica.terminate() == 0
    assert ground.outcome.order_violations == 0


def _doubts(status: dict[str, object]) -> bool:
    return "membership" in str(status["blocked"]) or not status["partitions"]
