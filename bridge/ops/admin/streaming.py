"""Pages that do not end: what they are asked, what they write to, and who may ask them."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Protocol
from urllib.parse import urlsplit

_FORWARDED: Final = ("forwarded", "x-real-ip", "via", "x-request-id")
_FORWARDED_ALL: Final = ("x-forwarded-", "x-envoy-")
"""What a proxy adds, by their names or how these begin: then the client is somebody else than who connected."""
_FOREIGN: Final = ("origin", "sec-fetch-site")
"""What a browser adds to a request that a page made."""
_ASKS: Final = (ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"))
"""Where whoever is on the machine connects from. A service mesh beside the container has others: Istio 127.0.0.6."""
_LOCAL_NAMES: Final = ("localhost",)


@dataclass(frozen=True, slots=True)
class StreamRequest:
    """Who asks for what."""

    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By names in small letters."""
    peer: str
    """Address of the client; empty: not known."""
    own: str
    """Address of ours that the client connected to; empty: not known."""


@dataclass(frozen=True, slots=True)
class StreamRefusal:
    """Why it is not answered."""

    status: HTTPStatus
    sentence: str


def not_understood(sentence: str) -> StreamRefusal:
    """What is asked for makes no sense."""
    return StreamRefusal(HTTPStatus.BAD_REQUEST, sentence)


def too_many(sentence: str) -> StreamRefusal:
    """As many as may watch do so."""
    return StreamRefusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence)


class Outlet(Protocol):
    """Where a page that does not end writes to."""

    def write(self, data: bytes) -> bool:
        """False: the client does not read as fast as that, and has not got it."""


class BegunOutlet:
    """An outlet from before the head of the answer is sent on."""

    def __init__(self, write: Callable[[bytes], bool]) -> None:
        self._write = write
        self._before: list[bytes] | None = []

    def begin(self) -> None:
        """The head is sent: what was written before follows."""
        before, self._before = self._before or [], None
        for data in before:
            self._write(data)

    def write(self, data: bytes) -> bool:
        """See `Outlet`."""
        if self._before is not None:
            self._before.append(data)
            return True
        return self._write(data)


Stream = Callable[[StreamRequest, Outlet], StreamRefusal | Callable[[], None]]
"""Begins one, on the loop's thread; what it returns is called once when the client is gone. What it writes before it
returns is sent behind the head of the answer.
"""


def refused_elsewhere(request: StreamRequest, page: str) -> StreamRefusal | None:
    """The refusal of whoever is not on this machine, or cannot be told to be; None: it is.

    A connection from the loopback address may be a proxy's, such as a service mesh has beside the container, or a
    browser's that a strange page uses: both say so in their headers, or name another host.
    """
    if _address(request.peer) not in _ASKS:
        why = f"it is asked for from {request.peer or 'an address that is not known'}"
    elif not _is_loopback(request.own):
        why = f"it is asked for at {request.own or 'an address that is not known'}"
    elif not _is_local_host(request.headers.get("host", "")):
        why = "the Host of the request is not this machine's own"
    elif any(name in _FORWARDED or name.startswith(_FORWARDED_ALL) for name in request.headers):
        why = "a proxy asks for it"
    elif any(name in request.headers for name in _FOREIGN):
        why = "a browser asks for it"
    else:
        return None
    return StreamRefusal(
        HTTPStatus.FORBIDDEN,
        f"{page} is answered on the loopback address of its machine only, and {why}. Ask beside the bridge, or through"
        " kubectl exec or kubectl port-forward.",
    )


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if isinstance(found, IPv6Address) else found


def _is_loopback(text: str) -> bool:
    found = _address(text)
    return found is not None and found.is_loopback


def _is_local_host(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name in _LOCAL_NAMES or _is_loopback(name)
