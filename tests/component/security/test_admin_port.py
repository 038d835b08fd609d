"""The admin port beside a bridge at work: strangers can read a few pages, and can neither change nor delay anything."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from http import HTTPStatus
from typing import Self

import pytest

from bridge.sandbox.emulator import Emulator
from tests.component.service.conftest import Start, StartProcess
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.replica import Replica
from tests.support.waiting import patience, until

FLOOD = 10_000
PIPELINED = 50
STATUS_LINE = b"HTTP/1.1 200 OK"


class Flood:
    """Clients that ask for a page as fast as it is answered, on threads of their own."""

    def __init__(self, address: tuple[str, int], path: str, clients: int) -> None:
        self._request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode() * PIPELINED
        self._address = address
        self._over = threading.Event()
        self._answered = [0] * clients
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]

    @property
    def answered(self) -> int:
        return sum(self._answered)

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(30)

    def _ask(self, number: int) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError), socket.create_connection(self._address, timeout=5) as connection:
                while not self._over.is_set():
                    connection.sendall(self._request)
                    self._read(connection, number)

    def _read(self, connection: socket.socket, number: int) -> None:
        missing, tail = PIPELINED, b""
        while missing > 0:
            received = connection.recv(1 << 20)
            if not received:
                raise ConnectionError
            heads = (tail + received).count(STATUS_LINE)
            tail = (tail + received)[1 - len(STATUS_LINE) :]  # the beginning of one that is cut in two
            missing -= heads
            self._answered[number] += heads


@contextlib.contextmanager
def silent(address: tuple[str, int], count: int) -> Iterator[list[socket.socket]]:
    """Clients that begin a request and never end it."""
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(socket.create_connection(address, timeout=5)) for _ in range(count)]
        for connection in connections:
            connection.sendall(b"GET /status HTTP/1.1\r\nHost: ")
        yield connections


def address_of(replica: Replica) -> tuple[str, int]:
    listening = replica.events("listening")[-1]
    return listening["host"], listening["port"]


@pytest.mark.slow(reason="asks ten thousand times", seconds=6)
@pytest.mark.parametrize("path", ["/status", "/livez"])
async def test_ten_thousand_requests_do_not_keep_events_from_being_delivered(
    broker: Broker, api: Emulator, replica: StartProcess, path: str
) -> None:
    running = await replica()
    delivered = 0
    with Flood(address_of(running), path, clients=4) as flood:
        # Event by event, each only after the one before: while it rains, every single one gets through.
        while delivered < 6 or flood.answered < FLOOD:
            broker.produce(events.orders(1))
            delivered += 1
            await until("the event is delivered", lambda: len(api.ledger.accepted) >= delivered)  # noqa: B023 - awaited here
            assert running.running
    assert await running.terminate() == 0
    assert ledger.repeated(api.ledger.accepted).total() == 0


async def test_clients_that_hold_their_connections_keep_neither_events_nor_probes_waiting(
    broker: Broker, api: Emulator, replica: StartProcess
) -> None:
    running = await replica()
    with silent(address_of(running), 200):
        broker.produce(events.orders(300))
        await until("everything is delivered", lambda: len(api.ledger.accepted) == 300)
        async with patience("the probe is answered", within=5):
            assert (await running.get("/livez")).status_code == HTTPStatus.OK
    assert await running.terminate() == 0


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get"])
async def test_nothing_can_be_changed_through_it(start: Start, method: str) -> None:
    service = await start()
    assert service.bridge.admin_address is not None
    for path in ("/", "/livez", "/readyz", "/metrics", "/status", "/shutdown"):
        reader, writer = await asyncio.open_connection(*service.bridge.admin_address)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}".encode())
        said = await reader.read()
        writer.close()
        assert said.startswith(b"HTTP/1.1 405 ")
    assert not service.running.done()
