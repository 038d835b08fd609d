"""Opening a TCP connection, and saying in one sentence why it failed."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bridge.track.error_body import bounded
from bridge.track.request import Endpoint
from bridge.track.tls import out_of_time

Address = tuple[int, int, int, str, Any]
"""As `socket.getaddrinfo` gives them."""
Open = Callable[[str, int], Awaitable[None]]
"""Opens a connection at an address in digits and a port."""


class Dialer:
    """Connects to one of a host's addresses, beginning with the one that worked last.

    A host with an unreachable IPv6 (or a dead address among several) would otherwise cost every new connection its
    whole deadline: uvloop tries the addresses one after the other and has no bound for each.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._good: Any = None

    async def resolve(self) -> Sequence[Address]:
        """The host's addresses, the preferred one first. Raises OSError (`socket.gaierror`)."""
        host, port = self._endpoint.host, self._endpoint.port
        try:
            # An address needs no resolver, hence no thread.
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        except socket.gaierror:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return sorted(found, key=lambda address: address[4] != self._good)

    async def connect(self, timeout: float, open_at: Open) -> None:  # noqa: ASYNC109 - divided among the addresses
        """Open a connection at the first address that takes one. Raises OSError; TimeoutError when none answered.

        The loop makes the socket itself: one it is given and that is reset at once is closed by uvloop and by its
        owner, and the second close can hit a descriptor that is another's by then.
        """
        addresses = await self.resolve()
        failure: OSError = OSError("the name has no address")
        for address in addresses:
            try:
                async with asyncio.timeout(timeout / len(addresses)):
                    await open_at(str(address[4][0]), int(address[4][1]))
            except ssl.SSLError:
                raise  # every address of a name shows the same certificate
            except OSError as error:
                failure = error
                continue
            self._good = address[4]
            return
        self._good = None
        raise failure


def failure_sentence(error: BaseException, endpoint: Endpoint) -> str:
    """Why no connection came about: host, cause, and for certificates what to do."""
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
