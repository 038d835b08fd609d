"""Asks a running bridge for its `/status` document."""

from __future__ import annotations

import http.client
import json
import re
import time
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import SplitResult, urlsplit, urlunsplit

from bridge.errors import Unreachable

MAX_DOCUMENT = 64 * 1024 * 1024
"""Bytes; some thousands of partitions take one or two megabytes."""
_AT_ONCE = 1 << 16


class StatusError(Unreachable):
    """No status could be had; the message is one sentence that names the address."""


def fetch(base_url: str, timeout: float) -> dict[str, Any]:
    """The document served at an address as `status_url` takes it; `timeout` in seconds, of the whole.

    Goes past every proxy: the address is one of this machine or cluster. Raises `StatusError`, and `ValueError` for an
    address that is none.
    """
    url = status_url(base_url)
    try:
        document = json.loads(_read(url, timeout))
    except (ValueError, http.client.HTTPException) as error:
        raise StatusError(f"{url} answered with something that is not a status document.") from error
    if not isinstance(document, dict) or "state" not in document:
        raise StatusError(f"{url} answered with something that is not a status document.")
    return document


def _content(answer: http.client.HTTPResponse, until: float) -> bytes:
    """All of it, by this monotonic time: a page that comes byte by byte is none. Raises `TimeoutError`."""
    parts: list[bytes] = []
    size = 0
    while size < MAX_DOCUMENT and (part := answer.read1(_AT_ONCE)):
        parts.append(part)
        size += len(part)
        if time.monotonic() > until:
            raise TimeoutError
    return b"".join(parts)


def metrics(base_url: str, timeout: float) -> str:
    """What `/metrics` beside that document says. Raises as `fetch` does."""
    url = f"{status_url(base_url).removesuffix('/status')}/metrics"
    try:
        return _read(url, timeout).decode()
    except (ValueError, http.client.HTTPException) as error:
        raise StatusError(f"{url} answered with something that is no page of metrics.") from error


def _read(url: str, timeout: float) -> bytes:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return _content(answer, time.monotonic() + timeout)
    except urllib.error.HTTPError as error:
        with error:
            raise StatusError(f"{url} answered {error.code}: it is not the address of a running bridge.") from error
    except OSError as error:
        raise StatusError(
            f"No bridge answers at {url} ({_cause(error)}). Is it running, and is this the address?"
        ) from error


def status_url(address: str) -> str:
    """The URL of the page: of ``http://host:port`` (with or without ``/status``), ``host:port``, ``:port`` or ``port``.

    Without a host, or with the one that stands for every address of a machine, this machine is asked. Raises
    `ValueError` for an address that is none.
    """
    url = address.strip()
    if _PORT.fullmatch(url):
        url = f"127.0.0.1:{url.removeprefix(':')}"
    url = (url if "://" in url else f"http://{url}").rstrip("/")
    try:
        parts = _parts(url)
    except ValueError:
        raise ValueError(
            f"{address or 'nothing'} is not an address. Such as these are: 127.0.0.1:9464, :9464, 9464, [::1]:9464,"
            " http://bridge-0:9464"
        ) from None
    if parts.hostname in _OF_THIS_MACHINE:
        at = "" if parts.port is None else f":{parts.port}"
        url = urlunsplit((parts.scheme, f"{_OF_THIS_MACHINE[parts.hostname]}{at}", parts.path, "", ""))
    return url if url.endswith("/status") else f"{url}/status"


def _parts(url: str) -> SplitResult:
    """Raises `ValueError` for what cannot be asked."""
    if not url.isprintable() or " " in url:
        raise ValueError(url)  # some of it would be cut out without a word
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" not in host:
        host.encode("idna")
    if parts.scheme not in {"http", "https"} or not host or parts.port == 0 or parts.query or parts.fragment:
        raise ValueError(url)
    return parts


_PORT = re.compile(r":?[0-9]{1,5}", re.ASCII)
_OF_THIS_MACHINE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - to ask there, not to listen
"""What a server may listen on and nobody can be asked at. IPv6 is never mapped: the admin server's sockets take one."""


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
