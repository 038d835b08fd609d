"""The pages of a process, which answer before there is a bridge to speak of."""

from __future__ import annotations

import time
from typing import Protocol

from bridge.config.keys.scalars import Listen
from bridge.ops.admin.pages import pages
from bridge.ops.admin.server import AdminServer, PageResponse
from bridge.ops.admin.streaming import Stream
from bridge.ops.control import signing
from bridge.ops.control.signed_requests import SignedRequests
from bridge.ops.log.events import Events
from bridge.ops.snapshot import Snapshot, Vitals


class Showing(Protocol):
    """What the pages are made of."""

    def vitals(self) -> Vitals:
        """See `ops.admin.pages.pages`."""

    def snapshot(self) -> Snapshot:
        """See `ops.admin.pages.pages`."""


class Front:
    """On the loop's thread. Set `shown` before it listens; another one may take its place at any time."""

    shown: Showing

    def __init__(self, listen: Listen, orders: SignedRequests | None = None) -> None:
        """`orders` is what takes an operator's over the network, where the configuration has a token."""
        self._listen = listen
        shown = pages(vitals=self._vitals, snapshot=self._snapshot, monotonic=time.monotonic)
        if orders is None:
            self._server = AdminServer(shown)
        else:
            about = {signing.PATH: lambda _accept: PageResponse(orders.about(), media_type="application/json")}
            self._server = AdminServer({**shown, **about}, posts={signing.PATH: orders.take})
        self.address: tuple[str, int] | None = None
        """Host and port, once it listens."""

    async def listen(self, events: Events) -> None:
        """Answer from now on; nothing where it does already. Raises `ops.admin.server.CannotListenError`."""
        if self.address is None:
            self.address = await self._server.start(self._listen.host, self._listen.port)
            events.listening(host=self.address[0], port=self.address[1])

    def stream(self, path: str, begin: Stream) -> None:
        """Answer at this path, too, with a page that does not end."""
        self._server.streams[path] = begin

    async def close(self) -> None:
        """Answer no more."""
        await self._server.close()

    def _vitals(self) -> Vitals:
        return self.shown.vitals()

    def _snapshot(self) -> Snapshot:
        return self.shown.snapshot()
