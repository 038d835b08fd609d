"""The address of a schema registry, or of an endpoint for tokens: with its path, and without anything secret."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from bridge.errors import InvalidError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_GLUE: Final = re.compile(r"(?:^|\.)glue(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$")


def normalise(text: str) -> tuple[str, str | None]:
    """``scheme://host[:port][/path]`` without a slash at the end, and the region of ``?region=``.

    Raises `InvalidError` with the end of a sentence. It does not repeat the text: it may hold a password.
    """
    try:
        url = urlsplit(text.strip())
        port = url.port
    except ValueError:
        raise InvalidError("is not an address; write one such as https://registry.example.com") from None
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or not url.netloc.isascii() or " " in url.netloc:
        raise InvalidError("is not an address with http:// or https:// and a host")
    if "@" in url.netloc:
        raise InvalidError("must not carry a user or a password: these belong in schema_registry.basic_auth")
    query = dict(parse_qsl(url.query))
    if url.fragment or set(query) - {"region"}:
        raise InvalidError("must end with its path: a query or a fragment is not part of a registry's address")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    shown = "" if port in {None, _DEFAULT_PORTS[url.scheme]} else f":{port}"
    return f"{url.scheme}://{host}{shown}{quote(url.path.rstrip('/'), safe='/:%.~-_')}", query.get("region")


def region_of(base: str, region: str | None) -> str:
    """The region that an address of AWS Glue names, or ``?region=``. Raises `InvalidError` as `normalise`."""
    found = _GLUE.search(urlsplit(base).hostname or "")
    if region is None and found is None:
        raise InvalidError(
            "names no region of AWS; write https://glue.REGION.amazonaws.com, or put ?region=REGION behind the address"
        )
    return region or (found[1] if found else "")
