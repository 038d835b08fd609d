"""One question to one address, and its whole answer, within bounds of time and size. Nothing is followed or guessed.

A connection lives as long as the questions of one look-up: in steady state there are none, and one that was kept for
minutes would be dead when it is needed. On httpcore itself: httpx costs three times its memory and start.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

import httpcore

from bridge import __version__
from bridge.registry.outcomes import ANSWER_LIMIT, HttpReply, LookupResult, RegistryFailure
from bridge.registry.transport.addresses import RegistryAddress
from bridge.text.printable import cut, printable

_CLOSE_GRACE: Final = 2.0
_OUT_OF_TIME: Final = {9: "is not valid yet", 10: "has expired"}
"""OpenSSL's X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""

_BROKEN: Final = (
    OSError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
)


class Line:
    """A way to one address, for the questions of one look-up."""

    def __init__(
        self, address: RegistryAddress, *, tls: ssl.SSLContext, proxy: httpcore.Proxy | None, timeout: float
    ) -> None:
        """`timeout` (seconds) covers each question, from connecting to the answer's end."""
        self.address = address
        self._timeout = timeout
        self._via = f" through the proxy {proxy.url.host.decode()}:{proxy.url.port}" if proxy else ""
        self._pool = httpcore.AsyncConnectionPool(tls, proxy, max_connections=1, max_keepalive_connections=1)

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None) -> HttpReply:
        """Raises `RegistryFailure` where no whole answer comes."""
        fields = {"User-Agent": f"track-bridge/{__version__}", "Accept-Encoding": "identity", **headers}
        try:
            async with asyncio.timeout(self._timeout):
                return await self._exchange(method, url, list(fields.items()), body)
        except _BROKEN as error:
            raise self._failure(error) from None

    async def _exchange(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None) -> HttpReply:
        # It follows no redirect, decompresses nothing, and adds Host and Content-Length only.
        async with self._pool.stream(method, url, headers=headers, content=body) as response:
            content = bytearray()
            async for chunk in response.aiter_stream():
                content += chunk
                if len(content) > ANSWER_LIMIT:
                    break
        found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        plain, cut_off = _plain(bytes(content), found.get("content-encoding", "").strip().lower())
        return HttpReply(response.status, found, plain, cut_off)

    async def aclose(self) -> None:
        """Whatever state its connection is in."""
        with suppress(*_BROKEN):
            async with asyncio.timeout(_CLOSE_GRACE):
                await self._pool.aclose()

    def _failure(self, error: Exception) -> RegistryFailure:
        cause = _root_cause(error)
        where = f"{self.address}{self._via}"
        if isinstance(cause, ssl.SSLError):
            return RegistryFailure(LookupResult.TLS, _tls_sentence(cause, self.address, where))
        if isinstance(cause, TimeoutError):
            return RegistryFailure(LookupResult.TIMEOUT, f"{where} gave no whole answer in {self._timeout:g} s")
        return RegistryFailure(LookupResult.CONNECTION, _connection_sentence(cause, self.address, where))


def _plain(body: bytes, encoding: str) -> tuple[bytes, bool]:
    """The body without a compression that nobody asked for, and whether it was cut."""
    if encoding not in {"gzip", "x-gzip", "deflate"}:
        return body[:ANSWER_LIMIT], len(body) > ANSWER_LIMIT
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        content = inflater.decompress(body, ANSWER_LIMIT)
    except zlib.error:
        return body[:ANSWER_LIMIT], len(body) > ANSWER_LIMIT
    return content, not inflater.eof


def _root_cause(error: BaseException) -> BaseException:
    """The network's own error behind those that httpcore and anyio put around it."""
    found = error
    inner: BaseException | None = error
    while inner is not None and not isinstance(inner, TimeoutError):
        if isinstance(inner, OSError) and not isinstance(inner, (ssl.SSLWantReadError, ssl.SSLWantWriteError)):
            found = inner
        inner = inner.__cause__ or inner.__context__
    return error if isinstance(error, TimeoutError) else found


def _tls_sentence(error: ssl.SSLError, address: RegistryAddress, where: str) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        if over := _OUT_OF_TIME.get(error.verify_code):
            return f"the certificate of {address.host} {over}: renew it there, and compare the clocks of both machines"
        why = cut(printable(getattr(error, "verify_message", "") or str(error)), 200)
        return (
            f"the certificate of {address.host} was refused: {why}; if a private certificate authority signs it, put"
            " that authority into schema_registry.tls.ca_file"
        )
    why = cut(printable(error.reason or str(error)), 200)
    return (
        f"no TLS with {where}: {why}; if it asks for a certificate, set schema_registry.tls.certificate_file and"
        " schema_registry.tls.key_file"
    )


def _connection_sentence(error: BaseException, address: RegistryAddress, where: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"the host {address.host} does not resolve: {cut(printable(error.strerror or str(error)), 200)}"
    if isinstance(error, OSError) and error.errno and error.errno in errno.errorcode:
        return f"no connection to {where}: {os.strerror(error.errno)}"
    said = cut(printable(str(error)), 200) or type(error).__name__
    return f"no whole answer from {where}: {said}"


Dial = Callable[[RegistryAddress], Line]
"""Makes the way to an address; it may read certificates. Raises `RegistryFailure` where these cannot be used."""
