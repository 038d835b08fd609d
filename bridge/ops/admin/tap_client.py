"""Reads what a running bridge shows at ``/tap``, line by line."""

from __future__ import annotations

import http.client
import json
from collections.abc import Generator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from bridge.errors import Misuse, Unreachable
from bridge.ops.admin.status_client import status_url

PATH: Final = "/tap"
_LONGEST: Final = 1 << 20
"""Bytes of one line."""
_PAGES: Final = "/status"


class TapError(Unreachable):
    """Nothing can be watched; the message is one sentence that names the address."""


def samples(address: str, query: Mapping[str, str], timeout: float) -> Generator[dict[str, Any], None, None]:
    """Each sample as it comes, the first of them saying what is watched; ends when the bridge does.

    `address` as `status_client.status_url` takes it; `timeout` in seconds, for the first answer. Raises `TapError`,
    `Misuse` where the bridge refuses what is asked, and `ValueError` for an address that is none.
    """
    url = status_url(address).removesuffix(_PAGES) + PATH
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", f"{parts.path}?{urlencode(query)}" if query else parts.path)
        socket = connection.sock  # the connection forgets it where the answer says that it is its last
        answer = connection.getresponse()
        if answer.status != http.HTTPStatus.OK:
            _refused(url, answer)
        socket.settimeout(None)  # nothing may come for hours
        yield from _lines(url, answer)
    except (OSError, http.client.HTTPException) as error:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise TapError(f"No bridge answers at {url} ({why}). Is it running, and is this the address?") from error
    finally:
        connection.close()


def _refused(url: str, answer: http.client.HTTPResponse) -> None:
    said = answer.read(_LONGEST).decode("utf-8", "replace").strip()
    if answer.status == http.HTTPStatus.NOT_FOUND:
        raise TapError(
            f"{url} answered 404: the bridge there shows no samples. Set observability.tap: true in its configuration,"
            " and restart it."
        )
    if answer.status == http.HTTPStatus.BAD_REQUEST:
        raise Misuse(said)
    raise TapError(f"{url} answered {answer.status}: {said}")


def _lines(url: str, answer: http.client.HTTPResponse) -> Generator[dict[str, Any], None, None]:
    while line := answer.readline(_LONGEST):
        try:
            sample = json.loads(line)
        except ValueError as error:
            raise TapError(f"{url} answered with something that is no sample.") from error
        if not isinstance(sample, dict) or "sample" not in sample:
            raise TapError(f"{url} answered with something that is no sample.")
        yield sample
