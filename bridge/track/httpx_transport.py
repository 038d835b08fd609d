"""httpx transports of one connection each, and what to make of their errors."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress

import httpx

from bridge.track.direct import IDLE_LIMIT

_CLOSE_GRACE = 2.0


def one_connection(tls: ssl.SSLContext, proxy: httpx.Proxy | None) -> httpx.AsyncHTTPTransport:
    """A transport that never opens a second connection and reads nothing from the environment."""
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=IDLE_LIMIT)
    return httpx.AsyncHTTPTransport(verify=tls, limits=limits, proxy=proxy, trust_env=False)


def proxy_of(url: str | None, tls: ssl.SSLContext) -> httpx.Proxy | None:
    """The proxy with its user and password taken out of the URL. Raises `ValueError` for one httpx cannot use."""
    if url is None:
        return None
    try:
        return httpx.Proxy(url, ssl_context=tls if url.lower().startswith("https:") else None)
    except (ValueError, httpx.InvalidURL):
        # The library's message repeats the URL, and with it the password.
        raise ValueError("the proxy set in the environment must be an http, https or socks5 address") from None


async def discard(transport: httpx.AsyncHTTPTransport) -> None:
    """Close a transport whose connection may be in any state."""
    with suppress(httpx.TransportError, OSError):
        async with asyncio.timeout(_CLOSE_GRACE):
            await transport.aclose()


def root_cause(error: BaseException | None) -> BaseException:
    """The network's own error behind those that httpx, httpcore and anyio put around it."""
    found: BaseException = error or ConnectionError("the connection ended")
    inner = found.__cause__ or found.__context__
    while inner is not None:
        if isinstance(inner, OSError):
            found = inner
        inner = inner.__cause__ or inner.__context__
    return found
