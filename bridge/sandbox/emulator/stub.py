"""The cheapest possible Track API: one 202 for whatever comes. Measurements of a sender need it."""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

from bridge.sandbox.emulator.replies import ACCEPTED


class StubConnection(asyncio.Protocol):
    """Delimits requests and looks at nothing in them."""

    __slots__ = ("_answer", "_delay", "_parser", "_transport")

    def __init__(self, delay: float = 0.0) -> None:
        """`delay`: seconds before each answer."""
        self._transport: asyncio.Transport
        self._parser = httptools.HttpRequestParser(self)
        self._delay = delay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The transport is ready."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()

    def on_message_complete(self) -> None:
        """The last byte of a message."""
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, ACCEPTED)
        else:
            self._transport.write(ACCEPTED)
