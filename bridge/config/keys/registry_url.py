"""The address of a schema registry, or of an endpoint for tokens: with its path, and without anything secret."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from bridge.errors import InvalidError

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ALIKE: Final = "write one such as http://registry:8081 or https://registry.example.com"
_LOGIN: Final = "schema_registry.basic_auth"
_GLUE: Final = re.compile(r"(?:^|\.)glue(?:-fips)?\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws\.com(?:\.cn)?|api\.aws)$")


def normalise(text: str, *, alike: str = _ALIKE, login: str = _LOGIN) -> tuple[str, str | None]:
    """``scheme://host[:port][/path]`` without a slash at the end, and the region of ``?region=``.

    Raises `InvalidError` with the end of a sentence: `alike` says what is wanted, `login` where a password belongs. It
    does not repeat the text: it may hold a password.
    """
    try:
        url = urlsplit(text.strip())
        port = url.port
    except ValueError:
        raise InvalidError(f"is not an address; {alike}") from None
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or not url.netloc.isascii() or " " in url.netloc:
        raise InvalidError(f"is not an address with http:// or https:// and a host; {alike}")
    if "@" in url.netloc:
        raise InvalidError(f"must not carry a user or a password: these belong in {login}")
    query = dict(parse_qsl(url.query))
    if url.fragment or set(query) - {"region"}:
        raise InvalidError("must end with its path: remove the query or the fragment, which nobody is asked with")
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    shown = "" if port in {None, _DEFAULT_PORTS[url.scheme]} else f":{port}"
    return f"{url.scheme}://{host}{shown}{quote(url.path.rstrip('/'), safe='/:%.~-_')}", query.get("region")


def token_endpoint(text: str) -> str:
    """As `normalise`, of an endpoint that gives tokens."""
    return normalise(
        text,
        alike="write one such as https://id.example.com/oauth/token",
        login="schema_registry.oauth.client_id and its client_secret_file",
    )[0]


def region_of(base: str, region: str | None) -> str:
    """The region that an address of AWS Glue names, or ``?region=``. Raises `InvalidError` as `normalise`."""
    found = _GLUE.search(urlsplit(base).hostname or "")
    if region is None and found is None:
        raise InvalidError(
            "names no region of AWS; write https://glue.REGION.amazonaws.com, or put ?region=REGION behind the address"
        )
    return region or (found[1] if found else "")
