"""Opening a TCP connection to one of a name's addresses, and saying in one sentence why it failed."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from bridge.errors import Misuse
from bridge.track.answer import bounded
from bridge.track.request import Endpoint
from bridge.track.tls import out_of_time

Address = tuple[int, int, int, str, Any]
"""As `socket.getaddrinfo` gives them."""
SocketAddress = Any
"""The last part of an `Address`: the host in digits, the port, and for IPv6 two numbers more."""
Open = Callable[[SocketAddress], Awaitable[None]]
"""Opens a connection at an address, TLS included."""
Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
"""The addresses of a host and port. Raises OSError (`socket.gaierror`)."""

BAD_FOR: Final = 60.0
"""Seconds for which an address that failed comes after all others."""


class ProxyError(Misuse):
    """The environment's proxy cannot be used; the message is one sentence without the proxy's password."""


class Addresses:
    """In which order a name's addresses are tried: the one that worked last first, those that failed of late last.

    They are only put last. Where all of them fail each is tried again and again, the one that failed longest ago first.
    """

    def __init__(self) -> None:
        self._known: list[SocketAddress] = []
        self._good: SocketAddress = None
        self._bad: dict[SocketAddress, float] = {}

    def order(self, found: Iterable[SocketAddress], now: float) -> list[SocketAddress]:
        """What the name resolves to now, in the order to try. Others are forgotten: the name has moved."""
        self._known = list(dict.fromkeys(found))
        self._bad = {at: until for at, until in self._bad.items() if until > now and at in self._known}
        return sorted(self._known, key=lambda at: (self._bad.get(at, 0.0), at != self._good))

    def worked(self, at: SocketAddress) -> None:
        """A connection came about there. It is no proof for an address whose answers were bad a moment ago."""
        if at not in self._bad:
            self._good = at

    def failed(self, at: SocketAddress, now: float) -> None:
        """No connection came about there, or what it answers is for another address to do better."""
        self._bad[at] = now + BAD_FOR
        if self._good == at:
            self._good = None

    def has_another(self, than: SocketAddress, now: float) -> bool:
        """Whether there is an address that has not failed of late."""
        return any(at != than and self._bad.get(at, 0.0) <= now for at in self._known)


async def resolve(host: str, port: int) -> Sequence[Address]:
    """Ask the system's resolver. Raises OSError (`socket.gaierror`)."""
    try:
        # An address needs no resolver, hence no thread.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except socket.gaierror:
        return await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)


class Dialer:
    """Connects to one of a host's addresses; the name is resolved each time.

    A host with an unreachable IPv6 (or a dead address among several) would otherwise cost every new connection its
    whole deadline: uvloop tries the addresses one after the other and has no bound for each.
    """

    def __init__(self, endpoint: Endpoint, resolve: Resolve = resolve) -> None:
        self._endpoint = endpoint
        self._resolve = resolve
        self.addresses = Addresses()

    async def resolve(self) -> Sequence[SocketAddress]:
        """The host's addresses in the order to try. Raises OSError (`socket.gaierror`)."""
        found = await self._resolve(self._endpoint.host, self._endpoint.port)
        return self.addresses.order((address[4] for address in found), time.monotonic())

    async def connect(self, timeout: float, open_at: Open) -> None:  # noqa: ASYNC109 - divided among the addresses
        """Open a connection at the first address where one comes about, TLS included.

        Raises OSError where there is none, TLS's own error before any other: who answers says more than who is silent.

        The loop makes the socket itself: one it is given and that is reset at once is closed by uvloop and by its
        owner, and the second close can hit a descriptor that is another's by then.
        """
        addresses = await self.resolve()
        failure: OSError = OSError("the name has no address")
        for at in addresses:
            try:
                async with asyncio.timeout(timeout / len(addresses)):
                    await open_at(at)
            except OSError as error:
                self.addresses.failed(at, time.monotonic())
                if isinstance(error, ssl.SSLError) or not isinstance(failure, ssl.SSLError):
                    failure = error
                continue
            self.addresses.worked(at)
            return
        if len(addresses) > 1:
            failure.add_note("tried " + ", ".join(str(at[0]) for at in addresses))
        raise failure


def failure_sentence(error: BaseException, endpoint: Endpoint) -> str:
    """Why no connection came about: host, cause, for certificates what to do, and of several addresses which."""
    notes = "; ".join(getattr(error, "__notes__", ()))
    return f"{_sentence(error, endpoint)} ({bounded(notes, 200)})" if notes else _sentence(error, endpoint)


def _sentence(error: BaseException, endpoint: Endpoint) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate_sentence(error, endpoint)
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {endpoint}: {bounded(error.reason or str(error), 200)}"
    if isinstance(error, socket.gaierror):
        return (
            f"the host {endpoint.host} of track.endpoint does not resolve: {bounded(error.strerror or str(error), 200)}"
        )
    if isinstance(error, TimeoutError):
        return f"no connection to {endpoint} in time"
    if isinstance(error, OSError) and error.errno and error.errno in errno.errorcode:
        # Not its strerror: asyncio replaces that by "Connect call failed" and the address.
        return f"no connection to {endpoint}: {os.strerror(error.errno)}"
    return f"no connection to {endpoint}: {bounded(str(error) or type(error).__name__, 200)}"


def _certificate_sentence(error: ssl.SSLCertVerificationError, endpoint: Endpoint) -> str:
    if over := out_of_time(error):
        return f"the certificate of {endpoint.host} {over}"
    why = bounded(getattr(error, "verify_message", "") or str(error), 200)
    return (
        f"the certificate of {endpoint.host} was refused: {why}; "
        "if a private certificate authority or an inspecting proxy signs it, put that authority into track.ca_file"
    )
