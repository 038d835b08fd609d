"""The documented request (https://docs.userpilot.com), as bytes.

Everything but the key, the length and the body is the same for every request of a kind, so it is put together once.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge import __version__
from bridge.model import RequestKind

API_VERSION = "2020-09-22"
USER_AGENT = f"track-bridge/{__version__}"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go."""

    scheme: str
    host: str
    """Without brackets, also for IPv6."""
    port: int

    @classmethod
    def parse(cls, base: str) -> Endpoint:
        """From a base URL that the configuration has checked and normalised: scheme, host and maybe a port."""
        url = urlsplit(base)
        if url.scheme not in _DEFAULT_PORTS or not url.hostname or url.path not in ("", "/"):
            raise ValueError(f"{base!r} is not a base URL of the form https://host")
        return cls(url.scheme, url.hostname, url.port or _DEFAULT_PORTS[url.scheme])

    @property
    def tls(self) -> bool:
        """Whether requests are encrypted."""
        return self.scheme == "https"

    @property
    def authority(self) -> str:
        """As the Host header and URLs spell it: the scheme's own port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    def url(self, path: str) -> str:
        """The whole URL of a request."""
        return f"{self.scheme}://{self.authority}{path}"

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def head(kind: RequestKind, endpoint: Endpoint, authorization: bytes) -> bytes:
    """The request up to the value of Content-Length; `authorization` is a whole header line without its line end."""
    return (
        f"POST {kind.path} HTTP/1.1\r\n"
        f"Host: {endpoint.authority}\r\n"
        f"User-Agent: {USER_AGENT}\r\n"
        f"X-API-Version: {API_VERSION}\r\n"
        "Content-Type: application/json\r\n"
    ).encode("ascii") + b"%b\r\nContent-Length: " % authorization


def headers(kind: RequestKind, endpoint: Endpoint, authorization: bytes) -> list[tuple[bytes, bytes]]:
    """The same headers one by one, for a client that frames the request itself (and adds Content-Length)."""
    lines = head(kind, endpoint, authorization).split(b"\r\n")[1:-1]
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
