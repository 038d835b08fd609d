"""Replicas that come, go and die under load: nothing lost, nothing overtaken, and duplicates counted."""

from __future__ import annotations

import asyncio
from typing import Any

from bridge.sandbox.emulator import Fault, FaultKind
from tests.integration.conftest import KafkaFactory
from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events, ledger
from tests.support.service.replica import assigned
from tests.support.service.settings import SESSION

IN_FLIGHT = 16
PACE = {"max_in_flight": IN_FLIGHT}
UNCOMMITTED = 0.2 + 0.1
"""Seconds: the commit interval, and a machine that is busy with other things."""
SLOW = Fault(kind=FaultKind.ORDINARY, delay=0.02)
"""Keeps a replica below 800 events a second: there must be load left for everything that happens to it."""


def keyed_orders(numbers: range, users: int) -> list[tuple[str, bytes]]:
    """Records of so many users; one in ten of a user stands on another partition than the rest."""
    return [
        (f"u-{n % users}" if n // users % 10 else f"elsewhere-{n % users}", events.order(f"u-{n % users}", n))
        for n in numbers
    ]


async def test_two_replicas_deliver_everything_in_order_while_one_is_killed_and_another_comes_and_goes(
    kafka: Kafka, stage: Stage, measured: Measured
) -> None:
    first_part, count = 14_000, 20_000
    scene = await stage(kafka, delivery=PACE)
    scene.api.set_faults(SLOW)
    await scene.produce(keyed_orders(range(first_part), users=500))

    first, second = await asyncio.gather(scene.replica(), scene.replica())
    await second.until("it has its share", lambda status: assigned(status) == 6)
    await scene.until_accepted(4_000)
    await first.kill()
    at_death = len(scene.api.ledger.accepted)
    assert at_death < first_part - 2_000, "the load was over before the death"
    await first.start()
    await first.until("it is back", lambda status: assigned(status) == 6)
    await second.until("they share again", lambda status: assigned(status) == 6)
    await scene.produce(keyed_orders(range(first_part, count), users=500))
    third = await scene.replica()
    await third.until("it has its share and works", lambda status: _works(status, 4))
    assert await third.terminate() == 0
    await scene.until_delivered(count)
    await scene.until_committed(count)
    assert await first.terminate() == 0
    assert await second.terminate() == 0

    accepted = scene.api.ledger.accepted
    assert len(scene.places()) == count
    assert ledger.overtaken(accepted) == []
    repeated = ledger.repeated(accepted)
    bound = IN_FLIGHT + ledger.in_the_last(UNCOMMITTED, accepted[:at_death])
    measured(f"20,000 events, kill -9, one more replica and one less: {repeated.total()} duplicates, bound {bound}")
    assert repeated.total() <= bound
    assert kafka.read(scene.letters) == []


async def test_the_same_holds_under_the_new_group_protocol(
    own_kafka: KafkaFactory, stage: Stage, measured: Measured
) -> None:
    first_part, count = 4_000, 6_000
    session = {"group.consumer.session.timeout.ms": "4000", "group.consumer.heartbeat.interval.ms": "500"}
    protocol = {"properties": {**dict.fromkeys(SESSION), "group.protocol": "consumer"}}
    scene = await stage(own_kafka(properties=session), partitions=6, delivery=PACE, kafka=protocol)
    scene.api.set_faults(SLOW)
    await scene.produce(keyed_orders(range(first_part), users=200))

    first, second = await asyncio.gather(scene.replica(), scene.replica())
    await second.until("it has its share", lambda status: assigned(status) == 3)
    assert (await second.status())["kafka"]["group_protocol"] == "consumer"
    await scene.until_accepted(1_500)
    await first.kill()
    at_death = len(scene.api.ledger.accepted)
    assert at_death < first_part - 500, "the load was over before the death"
    await second.until("it has everything", lambda status: assigned(status) == 6)
    await first.start()
    await scene.produce(keyed_orders(range(first_part, count), users=200))
    await first.until("it has its share and works", lambda status: _works(status, 3))
    assert await second.terminate() == 0
    await scene.until_delivered(count)
    await scene.until_committed(count)
    assert await first.terminate() == 0

    assert ledger.overtaken(scene.api.ledger.accepted) == []
    repeated = ledger.repeated(scene.api.ledger.accepted)
    bound = IN_FLIGHT + ledger.in_the_last(UNCOMMITTED, scene.api.ledger.accepted[:at_death])
    measured(
        f"6,000 events, group.protocol=consumer, kill -9 and a leave: {repeated.total()} duplicates, bound {bound}"
    )
    assert repeated.total() <= bound


def _works(status: dict[str, Any], partitions: int) -> bool:
    return assigned(status) == partitions and status["accounting"]["delivered"] > 0


async def test_partitions_of_a_replica_that_was_killed_are_named_until_another_one_has_them(
    kafka: Kafka, stage: Stage
) -> None:
    session = {"properties": {"session.timeout.ms": "30000", "heartbeat.interval.ms": "1000"}}
    scene = await stage(kafka, partitions=4, kafka=session)
    first, second = await asyncio.gather(scene.replica(), scene.replica())
    await first.until("they share", lambda status: len(status["partitions"]) == 2)
    await second.until("they share", lambda status: len(status["partitions"]) == 2)
    await scene.produce([(f"u-{n}", events.order(f"u-{n}", n)) for n in range(80)])
    await scene.until_delivered(80)
    others = sorted(row["partition"] for row in (await second.status())["partitions"])
    await second.kill()
    await scene.produce([(f"u-{n}", events.order(f"u-{n}", n)) for n in range(80, 160)])

    await first.until(
        "they are named",
        lambda status: status["topics"][0]["stalled"] == others and bool(status["topics"][0]["lag"]),
        within=60,
    )
    await first.until("and where they are", lambda status: bool(status["topics"][0]["stalled_at"]))
    stalled = (await first.status())["topics"][0]
    assert stalled["unowned"] == []
    assert len(stalled["stalled_at"]) == 1
    assert 'track_bridge_group_stalled_partitions{topic="' in (await first.get("/metrics")).text
    await scene.until_delivered(160)
    await first.until("all is well", lambda status: status["topics"][0]["stalled"] == [], within=60)
    assert (await first.status())["topics"][0]["lag"] == 0
    assert await first.terminate() == 0
