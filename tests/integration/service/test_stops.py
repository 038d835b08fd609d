"""Replicas that are told to stop, and replicas that are stopped without being told."""

from __future__ import annotations

import asyncio
import time

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.service.conftest import Measured, Stage
from tests.kafka.client import Kafka
from tests.service import events, ledger
from tests.service.replica import assigned
from tests.service.waiting import until


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
    scene.api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    await scene.produce(orders(count))
    zombie, other = await asyncio.gather(scene.replica(), scene.replica())
    await zombie.until("it has its share", lambda status: assigned(status) == 3)
    await other.until("it has its share", lambda status: assigned(status) == 3)
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
