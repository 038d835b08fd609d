"""A log that cannot be written neither ends the bridge nor holds up an event; what is missing from it is counted."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator
from tests.component.resources.unheard import Unheard, free_port
from tests.component.service.conftest import Configure
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.replica import Replica, done
from tests.support.waiting import until

pytestmark = pytest.mark.slow(reason="starts interpreters whose log cannot be written", seconds=2)

StartUnheard = Callable[[int], Awaitable[Unheard]]


@pytest.fixture
async def unheard(configure: Configure, tmp_path: Path) -> AsyncIterator[StartUnheard]:
    async with AsyncExitStack() as stack:

        async def started(stdout: int) -> Unheard:
            port = free_port()
            # At this level it says much: of each letter, and all that the Kafka client says.
            file = configure(
                observability={"listen": f"127.0.0.1:{port}", "log_level": "debug"}, dead_letter={"hold_after": 0}
            )
            return await stack.enter_async_context(Unheard(file, tmp_path / "errors.log", port, stdout))

        yield started


async def lines_lost(replica: Replica) -> int:
    found = re.search(
        r"^track_bridge_log_write_failures_total (\d+)", (await replica.get("/metrics")).text, re.MULTILINE
    )
    assert found is not None
    return int(found[1])


async def works_on(replica: Replica, broker: Broker, api: Emulator) -> None:
    """Events and letters get through, and the end is orderly."""
    broker.produce([*events.orders(200), *[b"no json"] * 40])
    await until("everything is delivered", lambda: len(api.ledger.accepted) == 200)
    await replica.until("all is done", done(240))
    assert (await replica.get("/readyz")).status_code == 200


async def test_a_full_disk_under_the_log_stops_nothing(broker: Broker, api: Emulator, unheard: StartUnheard) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        replica = await unheard(full)
    finally:
        os.close(full)
    await works_on(replica, broker, api)
    assert await lines_lost(replica) > 10

    assert await replica.terminate() == 0
    assert replica.log_text() == ""
    assert len(broker.letters()) == 40
    assert broker.position() == 240


async def test_a_log_pipe_whose_reader_went_away_stops_nothing(
    broker: Broker, api: Emulator, unheard: StartUnheard
) -> None:
    reader, writer = os.pipe()
    replica = await unheard(writer)
    os.close(writer)
    assert b"listening" in os.read(reader, 65536)
    os.close(reader)  # from now on each line is a SIGPIPE
    await works_on(replica, broker, api)
    assert await lines_lost(replica) > 5

    assert await replica.terminate() == 0
    assert replica.log_text() == ""
    assert broker.position() == 240


async def test_a_log_pipe_whose_reader_stalls_delays_neither_an_event_nor_the_end(
    broker: Broker, api: Emulator, unheard: StartUnheard
) -> None:
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)  # it is full: the next line waits for a reader that never comes
    try:
        replica = await unheard(writer)
        os.close(writer)
        await works_on(replica, broker, api)
        assert await replica.terminate() == 0
    finally:
        os.close(reader)
    assert broker.position() == 240
