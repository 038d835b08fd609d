"""The pages of a process, which answer before there is a bridge to speak of."""

from __future__ import annotations

import time
from typing import Protocol

from bridge.config.keys.scalars import Listen
from bridge.ops.admin.pages import pages
from bridge.ops.admin.server import AdminServer
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

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self._server = AdminServer(pages(vitals=self._vitals, snapshot=self._snapshot, monotonic=time.monotonic))
        self.address: tuple[str, int] | None = None
        """Host and port, once it listens."""

    async def listen(self, events: Events) -> None:
        """Answer from now on; nothing where it does already. Raises `ops.admin.server.CannotListenError`."""
        if self.address is None:
            self.address = await self._server.start(self._listen.host, self._listen.port)
            events.listening(host=self.address[0], port=self.address[1])

    async def close(self) -> None:
        """Answer no more."""
        await self._server.close()

    def _vitals(self) -> Vitals:
        return self.shown.vitals()

    def _snapshot(self) -> Snapshot:
        return self.shown.snapshot()
