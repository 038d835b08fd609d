"""Replicas that are told to stop, and replicas that are stopped without being told."""

from __future__ import annotations

import asyncio
import os
import random
import time

import pytest

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events, ledger
from tests.support.service.replica import assigned
from tests.support.service.settings import SESSION
from tests.support.waiting import until

STOPS = int(os.environ.get("BRIDGE_TEST_STOPS", "3"))
"""Stops while another replica joins; the promise was measured with twenty."""
PROTOCOLS = {name: {"group_protocol": name, "properties": dict.fromkeys(SESSION)} for name in ("classic", "consumer")}
"""Sections of the configuration, with the sessions that most will have."""


def orders(count: int, users: int = 200) -> list[tuple[str, bytes]]:
    return [(f"u-{n % users}", events.order(f"u-{n % users}", n)) for n in range(count)]


async def test_an_orderly_stop_under_load_repeats_nothing(kafka: Kafka, stage: Stage, measured: Measured) -> None:
    scene = await stage(kafka, partitions=6)
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.05))
    await scene.produce(orders(6_000))
    first = await scene.replica()
    seconds = []
    for accepted in (1_000, 2_500):
        await scene.until_accepted(accepted)
        began = time.monotonic()
        assert await first.terminate() == 0
        seconds.append(time.monotonic() - began)
        assert first.events("stopped")[-1]["released"] > 0, "the load was over before the stop"
        await first.start()
    await scene.until_delivered(6_000)
    await scene.until_committed(6_000)
    assert await first.terminate() == 0

    assert len(scene.api.ledger.accepted) == 6_000
    assert ledger.overtaken(scene.api.ledger.accepted) == []
    measured(f"SIGTERM under load, answers after 50 ms: 0 duplicates, {max(seconds):.2f} s from the signal to the exit")


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_a_stop_repeats_nothing_while_other_replicas_join(
    kafka: Kafka, stage: Stage, measured: Measured, protocol: str
) -> None:
    """Three replicas, one of which is always on its way in while another one stops."""
    # An answer that is not waited for is another reason to repeat a request: here a stop must be the only one.
    scene = await stage(
        kafka, partitions=6, kafka=PROTOCOLS[protocol] | {"drain_timeout": "28s"}, track={"timeout": "25s"}
    )
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.03))
    replicas = list(await asyncio.gather(*(scene.replica() for _ in range(3))))
    for replica in replicas:
        await replica.until("it has its share", lambda status: assigned(status) == 2)
    produced, chance, seconds = 0, random.Random(1), []  # noqa: S311 - no secret, and repeatable
    for stop in range(STOPS):
        await scene.produce(orders(1_500))
        produced += 1_500
        await scene.until_accepted(produced - 1_400)
        leaver, joiner = replicas[stop % 3], replicas[(stop + 1) % 3]
        assert await joiner.terminate() == 0
        joining = asyncio.create_task(joiner.start())
        # From before its request to join until after its partitions came.
        await asyncio.sleep(chance.uniform(0.3, 2.5))
        began = time.monotonic()
        assert await leaver.terminate() == 0
        seconds.append(time.monotonic() - began)
        await joining
        await leaver.start()
    await scene.until_delivered(produced)
    await scene.until_committed(produced)
    for replica in replicas:
        assert await replica.terminate() == 0
    accepted = scene.api.ledger.accepted
    measured(
        f"{STOPS} stops of a replica while another one joins, {protocol}: "
        f"{ledger.repeated(accepted).total()} duplicates, {max(seconds):.2f} s from the signal to the exit"
    )
    assert ledger.repeated(accepted).total() == 0
    assert ledger.overtaken(accepted) == []


async def test_a_stop_waits_for_slow_answers_within_its_budget(kafka: Kafka, stage: Stage, measured: Measured) -> None:
    scene = await stage(kafka, partitions=6)
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=2.0))
    await scene.produce(orders(300, users=300))
    first = await scene.replica()
    await until("all connections are busy", lambda: scene.api.ledger.max_in_flight == 64)
    began = time.monotonic()
    assert await first.terminate() == 0
    took = time.monotonic() - began
    accepted = len(scene.api.ledger.accepted)
    assert accepted >= 64
    assert first.events("stopped")[-1]["delivered"] == accepted
    assert [event["forced"] for event in first.events("revoked")] == [False]

    scene.api.set_faults()
    await first.start()
    await scene.until_delivered(300)
    await scene.until_committed(300)
    assert len(scene.api.ledger.accepted) == 300
    measured(f"SIGTERM while 64 requests wait 2 s for their answers: 0 duplicates, {took:.2f} s from signal to exit")


async def test_a_replica_that_was_frozen_beyond_its_session_sends_nothing_more_and_rewinds_nobody(
    kafka: Kafka, stage: Stage, measured: Measured
) -> None:
    count = 6_000
    scene = await stage(kafka, partitions=6, delivery={"max_in_flight": 16})
    # Slow until everything is there: on a busy machine the work was done before both had their share.
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=1.0))
    zombie, other = await asyncio.gather(scene.replica(), scene.replica())
    await zombie.until("it has its share", lambda status: assigned(status) == 3)
    await other.until("it has its share", lambda status: assigned(status) == 3)
    await scene.produce(orders(count))
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    await scene.until_accepted(1_000)
    assert (await zombie.status())["accounting"]["in_flight"] > 100, "there is nothing a zombie could send"

    zombie.freeze()
    frozen_at = len(scene.api.ledger.accepted)
    took_over = await other.until("it has everything", lambda status: assigned(status) == 6)
    await scene.until_delivered(count)
    await scene.until_committed(count)
    requests = scene.api.ledger.requests
    zombie.thaw()
    await zombie.until("it knows what happened", lambda _: len(zombie.events("lost")) == 1)
    await zombie.until("it is back", lambda status: assigned(status) == 3)
    assert (await zombie.get("/livez")).status_code == 200
    await scene.produce(orders(60))
    await scene.until_delivered(count + 60)
    assert scene.api.ledger.requests - requests == 60
    # Each commits once more when it leaves, and would tell of older positions if it had kept any.
    assert await zombie.terminate() == 0
    assert await other.terminate() == 0
    assert sum((await scene.positions()).values()) == count + 60

    repeated = ledger.repeated(scene.api.ledger.accepted).total()
    bound = 16 + ledger.in_the_last(0.3, scene.api.ledger.accepted[:frozen_at])
    measured(
        f"SIGSTOP for {took_over:.1f} s with a session of 6 s: {repeated} duplicates, bound {bound}; "
        "0 requests of the zombie after SIGCONT"
    )
    assert repeated <= bound
    assert ledger.overtaken(scene.api.ledger.accepted) == []
