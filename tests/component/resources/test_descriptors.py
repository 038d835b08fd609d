"""No file descriptor is left: nothing new can be opened, nothing is lost, and all goes on as soon as there are some."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import StartProcess
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.replica import Replica, done
from tests.support.waiting import until

pytestmark = [
    pytest.mark.slow(reason="starts interpreters that may open few files", seconds=4),
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process"),
]


def limit_descriptors(replica: Replica, soft: int | None) -> None:
    """No new one may have this number or a higher one, those that are open stay; None: as many as it may have."""
    _, hard = resource.prlimit(replica.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(replica.pid, resource.RLIMIT_NOFILE, (hard if soft is None else soft, hard))


def highest_descriptor(replica: Replica) -> int:
    return max(int(each.name) for each in Path(f"/proc/{replica.pid}/fd").iterdir())


async def connection_failures(replica: Replica) -> int:
    page = (await replica.get("/metrics")).text
    found = re.search(r'^track_bridge_retries_total\{reason="connection"\} (\d+)', page, re.MULTILINE)
    assert found is not None
    return int(found[1])


async def test_without_a_free_descriptor_events_wait_and_go_on_when_there_are_some(
    broker: Broker, api: Emulator, replica: StartProcess
) -> None:
    running = await replica()
    broker.produce(events.orders(100))
    await until("it works", lambda: len(api.ledger.accepted) == 100)

    assert (await running.get("/livez")).status_code == 200  # a connection that stays
    limit_descriptors(running, 5)  # lower than all that are open, so those that close do not help
    api.set_faults(Fault(kind=FaultKind.DROP_AFTER_READING))
    broker.produce(events.orders(100))
    await running.until("no connection can be made", lambda status: "Too many open files" in str(status["blocked"]))
    api.set_faults()
    assert (await running.get("/livez")).status_code == 200, "over the connection that was there before"
    arrived, failed = api.ledger.requests, await connection_failures(running)

    async def tried_again() -> bool:
        return await connection_failures(running) >= failed + 5

    await until("it is tried again", tried_again)
    assert api.ledger.requests == arrived

    limit_descriptors(running, None)
    await until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 200)
    await running.until("all is done", done(200))
    assert await running.terminate() == 0
    assert ledger.overtaken(api.ledger.accepted) == []
    assert broker.letters() == []
    assert broker.position() == 200


async def test_a_process_that_may_open_few_files_delivers_with_the_connections_it_can_have(
    broker: Broker, api: Emulator, replica: StartProcess
) -> None:
    running = await replica(delivery={"max_in_flight": 64})
    await running.status()  # a connection that stays
    limit_descriptors(running, highest_descriptor(running) + 9)
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.01))  # slow enough that 64 would be wanted
    broker.produce(events.orders(600, users=200))
    await until("everything is delivered", lambda: len(ledger.places(api.ledger.accepted)) == 600)
    await running.until("all is done", done(600))
    assert await running.terminate() == 0
    assert ledger.overtaken(api.ledger.accepted) == []
    assert broker.position() == 600
