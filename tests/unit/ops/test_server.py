"""The admin server on the standard library's loop; the component tier has the rest, on uvloop."""

from __future__ import annotations

import asyncio

from bridge.ops.admin.server import AdminServer, PageResponse
from tests.support.waiting import patience

BIG = 4_000_000
"""More than the buffers of a connection take while nobody reads."""


async def test_a_connection_that_ends_after_a_page_larger_than_its_buffers_ends_cleanly() -> None:
    server = AdminServer({"/big": lambda _accept: PageResponse(b"x" * BIG)})
    _, port = await server.start("127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
    writer.write(b"GET /big HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nConnection: close\r\n\r\n")

    async with patience("the answer is read to its end, and the server closes"):
        said = await reader.read()
        await server.close()
    writer.close()

    assert said.count(b"x") >= BIG
    assert said.endswith(b"\r\n\r\n/big\n")
