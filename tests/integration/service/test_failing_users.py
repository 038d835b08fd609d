"""Users whose events fail, on a real Kafka: what waits behind them, and their partition's pauses."""

from __future__ import annotations

from bridge.sandbox.emulator import Event, Fault, FaultKind
from tests.integration.service.conftest import Measured, Stage
from tests.support.kafka.client import Kafka
from tests.support.service import events, ledger

EVENTS = 12_000


def is_bad(event: Event | None) -> bool:
    return event is not None and event.user_id == "bad"


def half_of_them(count: int) -> list[tuple[str, bytes]]:
    """Every second event is the failing user's; keyed by the user, as they should be."""
    names = ["bad" if n % 2 else f"u-{n % 61}" for n in range(count)]
    return [(name, events.order(name, n)) for n, name in enumerate(names)]


async def test_a_user_with_half_of_the_events_gets_500_and_all_others_are_served(kafka: Kafka, stage: Stage) -> None:
    scene = await stage(kafka, partitions=3, delivery={"retry": {"initial_backoff": "1s", "max_backoff": "60s"}})
    scene.api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=is_bad))
    await scene.produce(half_of_them(EVENTS))
    replica = await scene.replica()
    await scene.until_delivered(EVENTS // 2)
    status = await replica.status()
    assert status["retries"]["users"] == 1
    assert {event["last_answer"]["status"] for event in status["retries"]["events"]} == {500}

    scene.api.set_faults()
    await scene.until_committed(EVENTS)
    assert ledger.overtaken(scene.api.ledger.accepted) == []
    assert await replica.terminate() == 0
    assert kafka.read(scene.letters) == []


async def test_a_partition_that_pauses_for_a_failing_user_is_read_on_until_all_is_sent_or_given_up(
    kafka: Kafka, stage: Stage, measured: Measured
) -> None:
    scene = await stage(kafka, partitions=1, delivery={"max_buffered": 20}, dead_letter={"hold_after": 0})
    scene.api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=is_bad))
    await scene.produce(half_of_them(4000))
    replica = await scene.replica()
    await replica.until(
        "its partition pauses", lambda status: {row["why"] for row in status["partitions"]} == {"failing_users"}
    )
    await scene.until_delivered(2000)
    await replica.until("its events are given up", lambda status: status["accounting"]["dead_lettered"] > 100)
    scene.api.set_faults()
    await scene.until_committed(4000)
    assert await replica.terminate() == 0
    letters = kafka.read(scene.letters)
    measured(
        f"a user with half of 4,000 events fails, buffer of 20: {len(letters)} dead letters, the others all served"
    )
    assert len(letters) + len(scene.api.ledger.accepted) == 4000
    assert ledger.overtaken(scene.api.ledger.accepted) == []
