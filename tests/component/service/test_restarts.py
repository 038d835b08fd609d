"""How a bridge stops, dies and comes back: what is sent again, and where it goes on."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from bridge.formats import offset_map
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start, StartProcess
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.settings import RESTARTABLE
from tests.support.waiting import until


@pytest.mark.slow(reason="stops under load and starts again", seconds=5)
async def test_an_orderly_stop_under_load_repeats_nothing(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    broker.produce(events.orders(3000))
    for _ in range(2):
        already = len(api.ledger.accepted)
        service = await start(kafka=RESTARTABLE)
        await service.until("it is at work", partial(_more_than, api, already + 500))
        outcome = await service.stop()
        assert outcome.code == 0
        now = service.now().tally
        assert now.buffered == now.gap == 0
        assert now.released > 0, "the load was over before the stop"

    service = await start(kafka=RESTARTABLE)
    await service.until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 3000)
    await service.stop()

    assert len(api.ledger.accepted) == 3000
    assert ledger.overtaken(api.ledger.accepted) == []
    assert broker.position() == 3000


async def test_a_stop_waits_for_slow_answers_and_commits_them(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=1.0))
    broker.produce(events.orders(200, users=200))
    service = await start(kafka=RESTARTABLE)
    await service.until("all connections are busy", lambda: service.now().in_flight_requests == 64)

    await service.stop()

    accepted = len(api.ledger.accepted)
    assert accepted >= 64
    assert service.now().tally.delivered == accepted
    assert service.now().forced_drains == 0
    [stopped] = service.lines.events("stopped")
    assert stopped["delivered"] == accepted

    api.set_faults()
    service = await start(kafka=RESTARTABLE)
    await service.until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 200)
    await service.stop()
    assert len(api.ledger.accepted) == 200


async def test_a_stop_ends_at_its_budget_although_no_answer_comes(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.HANG))
    broker.produce(events.orders(50))
    service = await start(kafka=RESTARTABLE | {"drain_timeout": "1s"}, track={"timeout": "900ms"})
    await service.until("requests hang", lambda: api.ledger.max_in_flight >= 10)

    outcome = await service.stop()

    assert outcome.code == 0
    assert service.now().tally.delivered == 0
    assert service.now().tally.released == service.now().tally.consumed
    api.set_faults()
    service = await start(kafka=RESTARTABLE)
    await service.until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 50)
    await service.stop()
    assert len(api.ledger.accepted) == 50
    assert broker.position() == 50


@pytest.mark.slow(reason="starts a process again whose session has to end", seconds=7)
async def test_after_a_crash_only_what_was_in_flight_or_not_yet_committed_is_sent_again(
    broker: Broker, api: Emulator, replica: StartProcess
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    broker.produce(events.orders(1800, users=500))
    interval, in_flight = 1.0, 8
    process = await replica(
        kafka=RESTARTABLE | {"commit_interval": f"{interval}s"}, delivery={"max_in_flight": in_flight}
    )
    await until("it is at work", lambda: len(api.ledger.accepted) > 700)

    await process.kill()
    before = list(api.ledger.accepted)
    assert len(before) < 1600, "the load was over before the crash"
    await process.start()
    await until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 1800)
    assert await process.terminate() == 0

    # A quarter of a second for a machine that is busy with other things.
    uncommitted = sum(event.at > before[-1].at - interval - 0.25 for event in before)
    repeated = ledger.repeated(api.ledger.accepted)
    assert repeated.total() <= in_flight + uncommitted
    assert max(repeated.values(), default=0) <= 1
    assert ledger.overtaken(api.ledger.accepted) == []


@pytest.mark.slow(reason="starts a process again whose session has to end", seconds=5)
async def test_what_the_offset_map_calls_done_is_not_sent_again(
    broker: Broker, api: Emulator, replica: StartProcess
) -> None:
    stuck = Fault(kind=FaultKind.HANG, when=lambda event: event is not None and event.metadata["n"] in (0, 1, 2, 3))
    api.set_faults(stuck)
    broker.produce(events.orders(1000, users=1000), partition=1)
    process = await replica(kafka=RESTARTABLE, track={"timeout": "7s"})
    await until("all others are delivered", lambda: len(api.ledger.accepted) == 996)
    await until("the map says so", lambda: _done_by_map(broker.committed()[1]) == 996)
    assert broker.committed()[1][0] == 0

    await process.kill()
    api.set_faults()
    await process.start()
    await process.until("it is done", lambda status: status["accounting"]["consumed"] == 1000)
    await until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 1000)
    accounting = (await process.status())["accounting"]
    assert await process.terminate() == 0

    assert accounting["already_done"] == 996
    assert len(api.ledger.accepted) == 1000
    assert broker.committed()[1][0] == 1000


def _more_than(api: Emulator, events: int) -> bool:
    return len(api.ledger.accepted) > events


def _done_by_map(committed: tuple[int, str]) -> int:
    found = offset_map.decode(committed[1])
    return 0 if found is None else sum(len(done) for done in found.done)


def _row(status: dict[str, Any], partition: int) -> dict[str, Any]:
    [row] = [row for row in status["partitions"] if row["partition"] == partition]
    return dict(row)


@pytest.mark.parametrize("start_from", ["earliest", "latest"])
async def test_a_partition_that_was_idle_keeps_its_position(
    broker: Broker, api: Emulator, start: Start, start_from: str
) -> None:
    service = await start(kafka=RESTARTABLE | {"start_from": start_from})
    await service.until("it has a position", lambda: len([o for o, _ in broker.committed().values() if o == 0]) == 4)
    await service.stop()

    broker.produce(events.orders(40))
    # What the group has never read would be refused, and `latest` would skip these records.
    service = await start(kafka=RESTARTABLE | {"start_from": "error"})
    await service.until_done(40)
    await service.stop()

    assert len(api.ledger.accepted) == 40
    assert service.lines.events("held") == []


async def test_without_a_position_nothing_is_guessed(broker: Broker, api: Emulator, start: Start) -> None:
    broker.produce(events.orders(40))
    service = await start(kafka={"start_from": "error"})

    await service.until("it is held", lambda: len(service.now().partitions) == 4)
    status = await service.status()
    assert status["state"] == "held"
    assert {row["why"] for row in status["partitions"]} == {"no_start"}
    assert all("kafka.start_from" in row["detail"] for row in status["partitions"])
    assert {event["reason"] for event in service.lines.events("held")} == {"no_start"}
    await service.stop()
    assert api.ledger.requests == 0
    assert [offset for offset, _ in broker.committed().values() if offset >= 0] == []


async def test_records_that_were_removed_unsent_hold_their_partition(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(20), partition=0)
    broker.produce(events.orders(20), partition=1)
    service = await start(kafka=RESTARTABLE)
    await service.until_done(40)
    await service.stop()
    broker.produce(events.orders(20), partition=0)
    broker.produce(events.orders(20), partition=1)
    broker.embedded.delete_records("orders", 0, 30)

    service = await start(kafka=RESTARTABLE)
    await service.until("the other is done", lambda: len(api.ledger.accepted) == 60)
    status = await service.status()
    assert _row(status, 0)["why"] == "out_of_range"
    assert "10 events are gone unsent" in _row(status, 0)["detail"]
    assert status["possible_loss"]["out_of_range"] == 1
    assert status["state"] == "held"
    await service.stop()
    assert broker.committed()[0][0] == 20
