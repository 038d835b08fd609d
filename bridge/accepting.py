"""How a listening server ends without leaving a connection behind."""

from __future__ import annotations

import asyncio
from typing import Final

_TURNS: Final = 8
"""Of the loop, until a connection that it has just taken is known to the server's protocol."""


async def stop_listening(server: asyncio.Server) -> None:
    """Take no connection from now on; each that was taken is known when this returns, and can be closed.

    `Server.close` alone forgets what was accepted and not told of yet (asyncio's `_accept_connection` has it for some
    turns, uvloop for one): nobody closes it, its client hears nothing, and asyncio's `wait_closed` waits from Python
    3.12 on until that leaves.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())  # all that stops asyncio from taking more; nothing to uvloop
    await _turns()
    server.close()
    await _turns()


async def _turns() -> None:
    for _ in range(_TURNS):
        await asyncio.sleep(0)
