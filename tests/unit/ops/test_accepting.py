"""A server that ends leaves no connection behind, however late that was taken."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import pytest
import uvloop

from bridge.ops.admin.server import AdminServer, PageResponse
from bridge.sandbox.emulator import Emulator
from bridge.sandbox.registry import EmbeddedRegistry
from tests.support.waiting import patience

Serve = Callable[[], AbstractAsyncContextManager[int]]
"""Starts one, and hands out its port."""


@asynccontextmanager
async def admin() -> AsyncIterator[int]:
    server = AdminServer({"/livez": lambda _accept: PageResponse(b"")})
    _, port = await server.start("127.0.0.1", 0)
    yield port
    await server.close()


@asynccontextmanager
async def emulator() -> AsyncIterator[int]:
    async with Emulator() as api:
        yield api.port


@asynccontextmanager
async def registry() -> AsyncIterator[int]:
    async with EmbeddedRegistry({}, {}) as running:
        yield running.port


async def end_while_somebody_connects(serve: Serve, turns: int) -> None:
    async with patience("the server ends"), serve() as port:
        client = socket.create_connection(("127.0.0.1", port))
        for _ in range(turns):
            await asyncio.sleep(0)
    with client:
        client.setblocking(False)
        async with patience("the client is told"):
            with suppress(ConnectionResetError):  # where it was in nobody's hands yet
                assert await asyncio.get_running_loop().sock_recv(client, 1) == b""


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("serve", [admin, emulator, registry])
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_a_connection_that_is_taken_while_a_server_ends_is_closed_and_holds_nobody_up(
    new_loop: Callable[[], asyncio.AbstractEventLoop], serve: Serve, turns: int
) -> None:
    """So many turns of the loop after somebody connected: between those a loop knows of it and tells nobody."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(end_while_somebody_connects(serve, turns))
