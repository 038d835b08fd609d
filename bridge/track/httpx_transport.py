"""httpx transports of one connection each, and what to make of their errors."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

import httpcore
import httpx

from bridge.track.dial import ProxyError, SocketAddress
from bridge.track.direct import IDLE_LIMIT
from bridge.track.request import Endpoint

_CLOSE_GRACE = 2.0


def one_connection(tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> httpx.AsyncHTTPTransport:
    """A transport that never opens a second connection and reads nothing from the environment."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_LIMIT)
    return httpx.AsyncHTTPTransport(verify=tls, limits=limits, proxy=proxy, trust_env=False)


def proxy_of(url: str | None, tls: ssl.SSLContext) -> httpx.Proxy | None:
    """The proxy with its user and password taken out of the URL. Raises `ProxyError`."""
    if url is None:
        return None
    try:
        parsed = httpx.URL(url)
        if parsed.scheme in ("http", "https") and parsed.host:
            return httpx.Proxy(parsed, ssl_context=tls if parsed.scheme == "https" else None)
    except (ValueError, httpx.InvalidURL):
        pass
    # The library's own message would repeat the URL, and with it the password.
    raise ProxyError("the proxy set in the environment must be an address such as http://proxy.example:3128")


def address_of(endpoint: Endpoint, at: SocketAddress, path: str) -> tuple[str, dict[str, Any]]:
    """The URL of a request to one address of the endpoint, with the extensions it takes; None leaves it to a proxy.

    The address stands in the URL, the name in the Host header and in the certificate.
    """
    if at is None:
        return endpoint.url(path), {}
    host, port = at[:2]
    url = f"{endpoint.scheme}://{f'[{host}]' if ':' in host else host}:{port}{path}"
    return url, {"sni_hostname": endpoint.host}


async def discard(transport: httpx.AsyncHTTPTransport, stream: httpcore.AsyncNetworkStream | None = None) -> None:
    """Close a transport whose connection may be in any state, and the stream it was making a connection of."""
    with suppress(httpx.TransportError, OSError):
        async with asyncio.timeout(_CLOSE_GRACE):
            await transport.aclose()
            if stream is not None:
                await stream.aclose()


async def has_leftover(transport: httpx.AsyncHTTPTransport, response: httpx.Response) -> bool:
    """Whether anything follows this whole answer that nobody asked for, or it cannot be told.

    httpcore would take it for the answer to the next request, which would count as accepted without being so. It may
    stand in the parser, for which there is no public way to ask, or in TLS and socket buffers. Should the private way
    vanish, each connection is used once, which is slow and safe.
    """
    try:
        connection: Any = transport._pool.connections[0]  # noqa: SLF001 - see above
        while not hasattr(connection, "_h11_state"):
            connection = connection._connection  # noqa: SLF001 - a proxy's connection wraps the one behind it
        parsed_too_far, _ = connection._h11_state.trailing_data  # noqa: SLF001 - see above
    except (AttributeError, IndexError):
        return True
    return bool(parsed_too_far) or await _is_readable(response.extensions["network_stream"])


async def _is_readable(stream: httpcore.AsyncNetworkStream) -> bool:
    """Whether bytes, or the peer's end of the connection, can be read at once."""
    try:
        await stream.read(1, timeout=0)
    except httpcore.ReadTimeout:
        return False
    except httpcore.NetworkError:
        return True
    return True


def root_cause(error: BaseException | None) -> BaseException:
    """The network's own error behind those that httpx, httpcore and anyio put around it."""
    found: BaseException = error or ConnectionError("the connection ended")
    if isinstance(found, TimeoutError):
        return found  # what it interrupted is no cause
    inner = found.__cause__ or found.__context__
    while inner is not None:
        if isinstance(inner, OSError) and not isinstance(inner, (ssl.SSLWantReadError, ssl.SSLWantWriteError)):
            found = inner
        inner = inner.__cause__ or inner.__context__
    return found
