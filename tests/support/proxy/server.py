"""The listening side of the proxy."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from bridge.accepting import stop_listening
from tests.support.proxy.conditions import Conditions, Counts, Link
from tests.support.proxy.pair import Pair, Side


class Proxy:
    """One listening port in front of one address."""

    def __init__(self, upstream: tuple[str, int] | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """`upstream` may be set later: a server that must know the proxy's port is started after it."""
        self.upstream = upstream
        self.host = host
        self.port = port
        """Where it listens; known once it is entered."""
        self.counts = Counts()
        self._conditions = Conditions()
        self._pairs: set[Pair] = set()
        self.sides: set[Side] = set()
        self._connecting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: Side(self, self._accepted), self.host, self.port, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            await stop_listening(self._server)
            self.cut()
            await asyncio.gather(*self._connecting, return_exceptions=True)
            # Also those of connections that are gone, and whose last bytes the conditions still keep.
            left = list(self.sides)
            for side in left:
                side.reset()
            await self._server.wait_closed()
            await asyncio.gather(*(side.over for side in left))

    @property
    def address(self) -> str:
        """``host:port``"""
        return f"{self.host}:{self.port}"

    @property
    def conditions(self) -> Conditions:
        """How it is now."""
        return self._conditions

    @conditions.setter
    def conditions(self, conditions: Conditions) -> None:
        self._conditions = conditions
        for pair in self._pairs:
            pair.answered = 0

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._pairs)

    def cut(self) -> None:
        """Reset every open connection, on both sides."""
        for pair in list(self._pairs):
            pair.reset()

    # --- what connections report ----------------------------------------------------------------------

    def _accepted(self, side: Side) -> None:
        """A client is there."""
        if self._conditions.link is Link.REFUSED:
            self.counts.refused += 1
            side.reset()
            return
        self.counts.opened += 1
        pair = Pair(self, side)
        self._pairs.add(pair)
        if self._conditions.link is Link.OPEN and self.upstream is not None:
            connecting = pair.connect(self.upstream)
            self._connecting.add(connecting)
            connecting.add_done_callback(self._connecting.discard)

    def gone(self, pair: Pair) -> None:
        """Both sides are closed, or about to be."""
        self._pairs.discard(pair)
