"""Who may hold a connection of the console, and for how long: strangers with half a request must not keep others out.

As at a replica's admin server: a request has a time to be whole, all connections have a bound and so has each
address, and what goes for a newcomer is the connection that has waited longest without a request under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from uvicorn import Config as ServerConfig
    from uvicorn.server import ServerState

_SWEEP: Final = 0.5


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one client, or all of them, may take. Seconds and counts."""

    connections: int = 500
    per_address: int = 128
    """Behind a proxy all come from one address: `without_addresses`."""
    head_timeout: float = 10.0
    """From the beginning of a connection, or from its last answer, to the end of a request's head."""
    request_timeout: float = 30.0
    """The same, to the end of its body; and for an answer to be read."""

    def without_addresses(self) -> ConnectionLimits:
        """Of a console that only its proxy calls."""
        return ConnectionLimits(self.connections, self.connections, self.head_timeout, self.request_timeout)


class ConnectionBook:
    """All connections that are open. Of one event loop."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[ConsoleConnection, None] = {}
        """The one that has waited longest first."""
        self._makes_room = False
        self._sweeper: asyncio.TimerHandle | None = None

    def protocol(self) -> type[asyncio.Protocol]:
        """What uvicorn makes of each connection."""
        return cast("type[asyncio.Protocol]", partial(ConsoleConnection, self))

    def opened(self, connection: ConsoleConnection) -> None:
        """A client connected."""
        self._open[connection] = None
        loop = connection.loop
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP, self._sweep, loop)
        if not self._makes_room and (len(self._open) > self.limits.connections or self._excess(connection.address) > 0):
            self._makes_room = True
            # Two turns later: whoever came in the same burst with a whole request is heard before it can be closed for
            # a newcomer that has said nothing.
            loop.call_soon(loop.call_soon, self._make_room)

    def answered(self, connection: ConsoleConnection) -> None:
        """It waits for its next request from now on."""
        if connection in self._open:
            del self._open[connection]
            self._open[connection] = None

    def closed(self, connection: ConsoleConnection) -> None:
        """It is gone."""
        self._open.pop(connection, None)

    def _excess(self, address: str) -> int:
        return sum(each.address == address for each in self._open) - self.limits.per_address

    def _make_room(self) -> None:
        self._makes_room = False
        for address in {each.address for each in self._open}:
            self._drop((each for each in self._open if each.address == address), self._excess(address))
        self._drop(self._open, len(self._open) - self.limits.connections)

    def _drop(self, among: Iterable[ConsoleConnection], number: int) -> None:
        """Those that wait, the longest first; where all have a request under way, those that came last."""
        if number <= 0:
            return
        found = list(among)
        waiting = [each for each in found if not each.is_busy]
        busy = [each for each in reversed(found) if each.is_busy]
        for connection in (waiting + busy)[:number]:
            connection.drop()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all connections."""
        now = loop.time()
        for connection in [each for each in self._open if each.deadline() <= now]:
            connection.drop()
        self._sweeper = loop.call_later(_SWEEP, self._sweep, loop) if self._open else None


class ConsoleConnection(H11Protocol):
    """One client."""

    def __init__(
        self,
        book: ConnectionBook,
        config: ServerConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._book = book
        self._since = self.loop.time()
        """When it was opened, or its last answer ended."""
        self._unread_since = float("inf")
        self.address = ""

    @property
    def is_busy(self) -> bool:
        """Whether a whole request is being answered."""
        cycle = cast("Any", self.cycle)  # None before the first request, whatever its annotation says
        is_whole = self.conn.their_state in (h11.DONE, h11.MUST_CLOSE)
        return cycle is not None and is_whole and not cycle.response_complete

    def deadline(self) -> float:
        """Loop time at which it is closed if nothing changes."""
        limits = self._book.limits
        if self.is_busy:
            return self._unread_since + limits.request_timeout
        has_head = self.conn.their_state is h11.SEND_BODY
        return self._since + (limits.request_timeout if has_head else limits.head_timeout)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client connected."""
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        self._book.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._book.closed(self)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The client does not read its answer."""
        self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It reads on."""
        self._unread_since = float("inf")
        super().resume_writing()

    def on_response_complete(self) -> None:
        """An answer ended."""
        self._since = self.loop.time()
        self._book.answered(self)
        super().on_response_complete()

    def drop(self) -> None:
        """Close at once, whatever is still unsent."""
        self._book.closed(self)
        self.transport.abort()
