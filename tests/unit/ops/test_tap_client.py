"""`track-bridge tap` waits for samples as long as the bridge runs."""

from __future__ import annotations

import asyncio

import pytest

from bridge.ops.admin import tap_client
from bridge.ops.admin.server import AdminServer
from bridge.ops.admin.streaming import Outlet, StreamRequest

TIMEOUT = 1.0
"""Seconds for the first answer."""


@pytest.mark.slow
async def test_a_watch_outlasts_any_silence_after_the_first_answer() -> None:
    outlets: list[Outlet] = []

    def stream(_request: StreamRequest, outlet: Outlet) -> object:
        outlet.write(b'{"sample": "tap"}\n')
        outlets.append(outlet)
        return lambda: None

    server = AdminServer({})
    server.streams[tap_client.PATH] = stream  # type: ignore[assignment]
    host, port = await server.start("127.0.0.1", 0)
    found = tap_client.samples(f"{host}:{port}", {}, TIMEOUT)
    try:
        assert (await asyncio.to_thread(next, found))["sample"] == "tap"
        waiting = asyncio.create_task(asyncio.to_thread(next, found))
        await asyncio.wait((waiting,), timeout=1.5 * TIMEOUT)
        assert not waiting.done(), "nothing came, and that is no failure"
        outlets[0].write(b'{"sample": "record"}\n')
        assert (await waiting)["sample"] == "record"
    finally:
        await server.close()
        found.close()
