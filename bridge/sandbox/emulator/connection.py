"""The emulated API's side of one connection: reads requests, plays answers and faults."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, cast

import httptools

from bridge.sandbox.emulator.contract import head, reply
from bridge.sandbox.emulator.faults import Fault, FaultKind

_BODY_KEPT = 1_000_000
_FILE_KEPT = 64_000_000
_UNREAD = 1_000_000
"""Bytes that may wait for a client before it is left out."""
_OFFER = frozenset({"connection", "upgrade", "http2-settings"})
"""Headers of a request that offers another protocol."""
_FILES = b"/v1/imports"
"""Where files are posted."""


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """One request as it came. Header names are lower case; of a header given twice the last counts."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    too_large: bool


class Api(Protocol):
    """What a connection needs of the emulator."""

    def opened(self, connection: ServerConnection, /) -> None:
        """A connection is there."""

    def closed(self, connection: ServerConnection, /) -> None:
        """A connection is gone."""

    def first_bytes(self, connection: ServerConnection, /) -> bool:
        """Whether to read more."""

    def request(self, connection: ServerConnection, request: ReceivedRequest, /) -> None:
        """A whole request came."""

    def ended(self, connection: ServerConnection, /) -> None:
        """The request is answered, or never will be."""

    def pipelined(self) -> None:
        """A request came before the previous one was answered."""

    def unheard(self) -> None:
        """A request came after a surplus answer."""


class ServerConnection(asyncio.Protocol):
    """One client. A request that comes before the last one's answer closes the connection: nothing here pipelines."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._timer: asyncio.TimerHandle | None = None
        self._reading = False
        self.busy = False
        """A request is read and not answered."""
        self.counted = False
        """The request is one of the Track API's own, not of the emulator's administration."""
        self.user_id: str | None = None
        """Of the request that is not answered yet."""
        self._deaf = False
        """The next request counts as answered, on this side: a surplus answer was sent."""
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._length = 0

    # --- what the emulator tells -----------------------------------------------------------------------

    def answer(self, data: bytes, *, close: bool = False) -> None:
        """The request's whole answer."""
        self._over()
        self._transport.write(data)
        if close:
            self._transport.close()

    def push(self, data: bytes) -> bool:
        """More of an answer that has no end; False where the client does not read what came before."""
        if self._transport.is_closing() or self._transport.get_write_buffer_size() > _UNREAD:
            return False
        self._transport.write(data)
        return True

    @property
    def peer(self) -> str:
        """The client's address, empty where it is gone."""
        found = self._transport.get_extra_info("peername")
        return str(found[0]) if found else ""

    def reset(self) -> None:
        """Close with RST: the client loses what it has not read."""
        self._over()
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()

    def play(self, fault: Fault, ordinary: bytes, error: bytes, request_id: str) -> None:
        """Misbehave after the fault's delay; `ordinary` is the answer without a fault, `error` a body for it."""
        self._later(fault.delay, lambda: self._act(fault, ordinary, error, request_id))

    def _act(self, fault: Fault, ordinary: bytes, error: bytes, request_id: str) -> None:
        body = fault.body.encode() if isinstance(fault.body, str) else error if fault.body is None else fault.body
        match fault.kind:
            case FaultKind.ORDINARY | FaultKind.CLOSE:
                self.answer(ordinary, close=fault.kind is FaultKind.CLOSE)
            case FaultKind.STATUS:
                whole = reply(fault.status, body, fault.headers, request_id, close=fault.close)
                self.answer(whole, close=fault.close)
            case FaultKind.SURPLUS:
                self.answer(ordinary)
                surplus = reply(fault.status, body, fault.headers, request_id)
                self._deaf = True
                self._later(fault.interval, lambda: self._transport.write(surplus))
            case FaultKind.RAW:
                self.answer(body, close=fault.close)
            case FaultKind.RESET_AFTER_HEADERS:
                self._transport.write(head(fault.status, 1000, fault.headers, request_id))
                # The head must have left before the reset, which would discard it otherwise.
                self._later(0.05, self.reset)
            case FaultKind.TRUNCATE:
                cut = head(fault.status, len(body) + 1000, fault.headers, request_id) + body
                self.answer(cut, close=True)
            case FaultKind.DRIP:
                self._drip(reply(fault.status, body, fault.headers, request_id), fault.interval)
            case FaultKind.HANG:
                pass
            case FaultKind.DROP_AFTER_READING | FaultKind.DROP_BEFORE_READING:
                self.reset()

    def _drip(self, rest: bytes, interval: float) -> None:
        self._transport.write(rest[:1])
        if len(rest) > 1:
            self._later(interval, lambda: self._drip(rest[1:], interval))
        else:
            self._over()

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds <= 0:
            act()
        else:
            self._timer = asyncio.get_running_loop().call_later(seconds, act)

    def _over(self) -> None:
        if self.busy:
            self.busy = False
            self._api.ended(self)

    def end(self) -> None:
        """The emulator stops."""
        self._transport.abort()

    # --- asyncio.Protocol --------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ready."""
        self._transport = cast("asyncio.Transport", transport)
        self._api.opened(self)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if not self._reading:
            self._reading = True
            if not self._api.first_bytes(self):
                return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            self._decline(data[offered.args[0] :])
        except httptools.HttpParserError:
            self._transport.abort()

    def _decline(self, rest: bytes) -> None:
        """Read a request that offers another protocol as if it did not, as servers do that know only this one.

        Java's client offers HTTP/2 with its first request. The parser ends behind the head of such a one, and `rest`,
        which begins with its body, would be of the other protocol.
        """
        kept = {name: value for name, value in self._headers.items() if name not in _OFFER}
        lines = [f"{self._parser.get_method().decode('ascii')} {self._url.decode('latin-1')} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in kept.items()]
        self._parser = httptools.HttpRequestParser(self)
        self.data_received("\r\n".join((*lines, "", "")).encode("latin-1") + rest)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """The transport is gone."""
        if self._timer is not None:
            self._timer.cancel()
        self._over()
        self._api.closed(self)

    # --- httptools -----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """The first byte of a message."""
        self._url = b""
        self._headers = {}
        self._body = []
        self._length = 0

    def on_url(self, url: bytes) -> None:
        """Part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, chunk: bytes) -> None:
        """Part of the body."""
        self._length += len(chunk)
        if self._length <= self._kept:
            self._body.append(chunk)

    @property
    def _kept(self) -> int:
        return _FILE_KEPT if self._url == _FILES else _BODY_KEPT

    def on_message_complete(self) -> None:
        """The last byte of a message."""
        if self._parser.should_upgrade():
            return  # only its head is read: see `_decline`
        self._reading = False
        if self._deaf:
            self._api.unheard()
            return
        if self.busy:
            self._api.pipelined()
            self._transport.abort()
            return
        path, _, query = self._url.decode("latin-1").partition("?")
        method = self._parser.get_method().decode("ascii")
        request = ReceivedRequest(method, path, query, self._headers, b"".join(self._body), self._length > self._kept)
        self._body = []
        self.busy = True
        self._api.request(self, request)
