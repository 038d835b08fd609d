"""What every request must be and every answer carries, whatever page it is of."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse

from bridge.commands import command
from bridge.console.reach import ConsoleReach, host_of
from bridge.text.printable import cut, printable

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Final = (
    ("content-security-policy", POLICY),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    # Other sites are told nothing. With no-referrer a browser would hide from this one, too, which page a form is of.
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
)
NO_STORE: Final = "no-store"
PROBES: Final = ("/livez", "/readyz")
"""Asked by the kubelet at the pod's address, or by a load balancer under any name; they say nothing of the group."""
METHODS: Final = ("GET", "HEAD", "POST")
MOST_BODY: Final = 2_000_000
"""Bytes of a form."""
UPLOADS: Final = ("/send/preview",)
"""Paths of forms that may hold a file."""
MOST_UPLOAD: Final = 16_000_000
"""Bytes of such a form."""
_ASKED: Final = "bridge.asked"
_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class RequestOrigin:
    """How this request came."""

    origin: str
    """Scheme and host as the browser has them."""
    is_secure: bool
    client: str
    """Address of whoever asks, as far as it is known."""


def asked(connection: HTTPConnection) -> RequestOrigin:
    """Of a request that the guard let in."""
    found: RequestOrigin = connection.scope[_ASKED]
    return found


class Guard:
    """Stands before the whole application."""

    def __init__(self, app: ASGIApp, reach: ConsoleReach) -> None:
        self._app = app
        self._reach = reach

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _complete(MutableHeaders(scope=message))
            await send(message)

        headers = Headers(scope=scope)
        found = self._asked(scope, headers)
        refusal = self._refusal(scope, headers, found)
        if refusal is not None:
            await refusal(scope, receive, with_headers)
            return
        scope[_ASKED] = found
        await self._app(scope, receive, with_headers)

    def _asked(self, scope: Scope, headers: Headers) -> RequestOrigin:
        host, scheme = headers.get("host", ""), scope.get("scheme", "http")
        client = scope["client"][0] if scope.get("client") else ""
        if self._reach.behind_proxy:
            host = _first(headers, "x-forwarded-host") or host
            scheme = "https" if _first(headers, "x-forwarded-proto").lower() == "https" else scheme
            # What a client puts there itself stands before what the proxy adds.
            client = _address(headers.get("x-forwarded-for", "").rpartition(",")[2].strip()) or client
        return RequestOrigin(f"{scheme}://{host.lower()}", scheme == "https", client)

    def _refusal(self, scope: Scope, headers: Headers, found: RequestOrigin) -> PlainTextResponse | None:
        method = scope["method"]
        if method not in METHODS:
            return _refused(405, "Only GET, HEAD and POST.", allow=", ".join(METHODS))
        if scope["path"] in PROBES:
            return None
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._reach.knows(hosts[0]):
            return _refused(421, self._unknown_host(hosts))
        if self._reach.behind_proxy and not self._is_forwarded_right(headers):
            return _refused(421, self._unknown_host([_first(headers, "x-forwarded-host")]))
        if method == "POST":
            return _cross_site(headers, found, scope["path"])
        return _embedded(headers)

    def _is_forwarded_right(self, headers: Headers) -> bool:
        """With names given, the proxy's word must be one of them."""
        forwarded = _first(headers, "x-forwarded-host")
        return not forwarded or (self._reach.knows(forwarded) if self._reach.names else host_of(forwarded) is not None)

    def _unknown_host(self, hosts: Iterable[str]) -> str:
        called = cut(printable(", ".join(hosts)), _SHOWN) or "nothing"
        known = host_of(called)
        to_do = command("console", "--host", "NAME" if known is None else known)
        return (
            f"This console does not answer to the name {called}. Ask it at its address or as localhost; if this is"
            f" its name, start it with `{to_do}`."
        )


def _cross_site(headers: Headers, found: RequestOrigin, path: str) -> PlainTextResponse | None:
    """A form must come from a page of this console: the browser says where it comes from."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if (site is not None and site != "same-origin") or (origin is not None and origin.lower() != found.origin):
        return _refused(403, "This form came from a page of another site. Open the console itself and try there.")
    if site is None and origin is None:
        return _refused(403, "The browser does not say which page this form came from, so it is not taken.")
    return _unreadable(headers, path)


def too_large() -> str:
    """Of a file that is more than is taken in."""
    to_do = command("send", "--file", "FILE")
    return f"A file may have {MOST_UPLOAD / 1e6:g} MB here. Split it, or send it with `{to_do}`."


def _unreadable(headers: Headers, path: str) -> PlainTextResponse | None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    is_upload = kind == "multipart/form-data" and path in UPLOADS
    if kind != "application/x-www-form-urlencoded" and not is_upload:
        return _refused(415, "A form must be application/x-www-form-urlencoded.")
    length = headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        return _refused(411, "A form must say how long it is.")
    if int(length[:20]) > (MOST_UPLOAD if is_upload else MOST_BODY):
        return _refused(413, too_large() if is_upload else f"A form may have {MOST_BODY} bytes.")
    return None


def _embedded(headers: Headers) -> PlainTextResponse | None:
    """A page of another site may lead here, and do nothing else: what it fetches or embeds makes the console work."""
    if headers.get("sec-fetch-site") in {None, "same-origin", "none"}:
        return None
    if headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document":
        return None
    return _refused(403, "A page of another site asked for this. Open the console itself.")


def _complete(headers: MutableHeaders) -> None:
    for name, value in HEADERS:
        headers[name] = value
    if "cache-control" not in headers:
        headers["cache-control"] = NO_STORE
    if "server" in headers:
        del headers["server"]


def _refused(status: int, sentence: str, **headers: str) -> PlainTextResponse:
    return PlainTextResponse(f"{sentence}\n", status, headers={**headers, "connection": "close"})


def _first(headers: Headers, name: str) -> str:
    return headers.get(name, "").partition(",")[0].strip()


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
