"""One connection through the proxy: the client's socket and the one behind it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final, Protocol, cast

from tests.support.proxy.conditions import Conditions, Counts, Link
from tests.support.proxy.stream import Stream

_LEAVING: Final = 0.05
"""Seconds between bytes and the reset that follows them, which would discard what has not left."""


class Network(Protocol):
    """What a connection needs of the proxy."""

    counts: Counts

    @property
    def conditions(self) -> Conditions:
        """How it is now."""
        ...

    def gone(self, pair: Pair, /) -> None:
        """The connection is over, though one of its sides may still have something to send."""
        ...

    @property
    def sides(self) -> set[Side]:
        """Those that have a socket: nothing is left of the proxy once none has."""
        ...


class Side(asyncio.Protocol):
    """One socket. A client's own comes before there is a pair: it is given to `accepted`."""

    def __init__(self, network: Network, accepted: Callable[[Side], None] | None = None) -> None:
        self._network = network
        self._accepted = accepted
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when the socket is closed: a transport tells of its end on a later turn of the loop."""
        self.pair: Pair | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ready."""
        self.transport = cast("asyncio.Transport", transport)
        self._network.sides.add(self)
        if self._accepted is not None:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self.pair is not None:
            self.pair.received(self, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The transport is gone."""
        self._network.sides.discard(self)
        self.over.set_result(None)
        if self.pair is not None:
            self.pair.lost(self)

    def write(self, data: bytes) -> None:
        """Send, unless that is over."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def reset(self) -> None:
        """Close with RST."""
        raw = self.transport.get_extra_info("socket")
        if raw is not None and not self.transport.is_closing():
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


class Pair:
    """Carries bytes between the two sides, as the conditions let it."""

    def __init__(self, network: Network, client: Side) -> None:
        self._network = network
        self._client = client
        self._server: Side | None = None
        self._loop = asyncio.get_running_loop()
        self._answers = Stream(client.write)
        self._requests: Stream | None = None
        self._early: list[bytes] = []
        self._connecting: asyncio.Task[None] | None = None
        self._has_hole = False
        self.answered = 0
        """Bytes, since the conditions changed."""
        client.pair = self

    def connect(self, upstream: tuple[str, int]) -> asyncio.Task[None]:
        """Connect what is behind; bytes that come before wait."""
        self._connecting = self._loop.create_task(self._connect(upstream))
        return self._connecting

    async def _connect(self, upstream: tuple[str, int]) -> None:
        server = Side(self._network)
        server.pair = self
        try:
            await self._loop.create_connection(lambda: server, *upstream)
        except OSError:
            self.reset()
            return
        self._server, self._requests = server, Stream(server.write)
        early, self._early = self._early, []
        for data in early:
            self.received(self._client, data)

    def received(self, side: Side, data: bytes) -> None:
        """Bytes came from one of the sides."""
        conditions, counts = self._network.conditions, self._network.counts
        # A stream with a hole in it stays silent: nothing that came later could be understood.
        self._has_hole = self._has_hole or conditions.link is Link.BLACKHOLE
        if self._has_hole:
            counts.swallowed += len(data)
        elif side is not self._client:
            self._answer(data, conditions)
        elif self._requests is not None:
            counts.requests += len(data)
            self._requests.send(data, latency=conditions.latency, bytes_per_second=None)
        elif self._connecting is not None:
            self._early.append(data)
        else:
            counts.swallowed += len(data)

    def _answer(self, data: bytes, conditions: Conditions) -> None:
        left = None if conditions.reset_after is None else conditions.reset_after - self.answered
        passing = data if left is None else data[: max(0, left)]
        self.answered += len(passing)
        self._network.counts.answers += len(passing)
        for _ in range(1 + conditions.repeats_answers):
            self._answers.send(passing, latency=conditions.latency, bytes_per_second=conditions.bytes_per_second)
        self._network.counts.repeated += conditions.repeats_answers
        if conditions.closes_after_answer:
            self._network.counts.closed += 1
            self._answers.then(self._client.transport.close, after=conditions.latency)
        if left is not None and len(data) >= left:
            self._network.counts.reset += 1
            self._answers.then(self.reset, after=conditions.latency + _LEAVING)

    def lost(self, side: Side) -> None:
        """One side is closed: so is the other, after what is on its way, unless the network shows nothing of it."""
        if side is self._client:
            self._network.gone(self)
            self._answers.end()
            if self._connecting is not None and self._server is None:
                self._connecting.cancel()
            if self._server is not None and self._requests is not None:
                self._requests.then(self._server.transport.close, after=self._network.conditions.latency)
        elif not self._has_hole:
            self._answers.then(self._client.transport.close, after=self._network.conditions.latency)

    def reset(self) -> None:
        """Close both sides with RST."""
        self._network.gone(self)
        self._answers.end()
        if self._connecting is not None and self._server is None:
            self._connecting.cancel()
        for side in (self._client, self._server):
            if side is not None:
                side.reset()
