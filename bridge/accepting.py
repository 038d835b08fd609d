"""How a server of asyncio stops taking connections without leaving one behind."""

from __future__ import annotations

import asyncio
from typing import Final

_TURNS: Final = 8
"""Of the loop, until a connection that it has just taken is known to the server's protocol."""


async def take_no_more(server: asyncio.Server) -> None:
    """Take no connection from now on, and wait until each that was taken is known: before `Server.close`.

    That forgets what was accepted and not told of yet (`_accept_connection` of asyncio's loops has it for some turns):
    nobody closes it, and from Python 3.12 on `Server.wait_closed` waits until its client leaves.
    """
    loop = asyncio.get_running_loop()
    for listening in server.sockets:
        loop.remove_reader(listening.fileno())
    for _ in range(_TURNS):
        await asyncio.sleep(0)
