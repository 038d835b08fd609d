"""Asks a running bridge for its `/status` document."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

MAX_DOCUMENT = 64 * 1024 * 1024
"""Bytes; some thousands of partitions take one or two megabytes."""


class StatusError(Exception):
    """No status could be had; the message is one sentence that names the address."""


def fetch(base_url: str, timeout: float) -> dict[str, Any]:
    """The document served below `base_url` (``http://host:port``, with or without ``/status``); `timeout` in seconds.

    Goes past every proxy: the address is one of this machine or cluster. Raises `StatusError`, and `ValueError` for an
    address that is none.
    """
    url = _status_url(base_url)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            content = answer.read(MAX_DOCUMENT)
        document = json.loads(content)
    except urllib.error.HTTPError as error:
        with error:
            raise StatusError(f"{url} answered {error.code}: it is not the address of a running bridge.") from error
    except OSError as error:
        raise StatusError(
            f"No bridge answers at {url} ({_cause(error)}). Is it running, and is this the address?"
        ) from error
    except (ValueError, http.client.HTTPException) as error:
        raise StatusError(f"{url} answered with something that is not a status document.") from error
    if not isinstance(document, dict) or "state" not in document:
        raise StatusError(f"{url} answered with something that is not a status document.")
    return document


def _status_url(base_url: str) -> str:
    url = (base_url if "://" in base_url else f"http://{base_url}").rstrip("/")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"{base_url} is not an address such as http://127.0.0.1:9464")
    return url if url.endswith("/status") else f"{url}/status"


def _cause(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
