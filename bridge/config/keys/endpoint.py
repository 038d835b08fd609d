"""The Track API's address: every spelling in use ends at one base URL, everything else is refused, nothing is repaired.

No message repeats the text: where two variables were swapped it is the API key.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Any
from urllib.parse import SplitResult, urlsplit

_PATHS = {"", "/", "/v1", "/v1/"}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)", re.ASCII)
_EXAMPLE = "https://analytex.userpilot.io"


def normalise(value: Any) -> str:
    """``scheme://host[:port]`` without a path, lower case; a bare host means https.

    Raises `ValueError` with the half sentence that follows ``track.endpoint: ``. Plain http passes here: whether it
    is allowed depends on `is_loopback` and on ``track.allow_http``.
    """
    if not isinstance(value, str) or not value.strip():
        raise ValueError(
            f"is empty; set the host of your Userpilot environment, such as {_EXAMPLE}: there is no default"
        )
    url = _split(value.strip())
    if url.scheme not in _DEFAULT_PORTS:
        raise ValueError(f"must be an https address such as {_EXAMPLE}, not one of another scheme")
    if "@" in url.netloc:
        raise ValueError(
            "must not carry a user name or password; the key belongs in track.api_key_file or track.api_key"
        )
    if url.path not in _PATHS:
        raise ValueError(f"must end at the host, such as {_EXAMPLE}; the bridge adds /v1/track itself")
    host, port = _host(url), _port(url)
    return f"{url.scheme}://{host}" if port in {None, _DEFAULT_PORTS[url.scheme]} else f"{url.scheme}://{host}:{port}"


def is_loopback(base_url: str) -> bool:
    """Whether a normalised address can only be this machine."""
    host = urlsplit(base_url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in text):
        raise ValueError("must not have white space or control characters inside")
    if "?" in text or "#" in text:
        raise ValueError(f"must not have a query or a fragment; write the host alone, such as {_EXAMPLE}")
    if "\\" in text:
        raise ValueError(f"must not have a backslash; write an address such as {_EXAMPLE}")
    if re.match(r"https?:(?!//)", text, re.IGNORECASE):
        raise ValueError(f"must have two slashes after the colon, as in {_EXAMPLE}")
    try:
        return urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        raise ValueError(f"is not an address; write one such as {_EXAMPLE}") from None


def _host(url: SplitResult) -> str:
    host = url.hostname or ""
    if not host:
        raise ValueError(f"names no host; write an address such as {_EXAMPLE}")
    if ":" in host or "[" in url.netloc:
        try:
            return f"[{ipaddress.IPv6Address(host)}]"
        except ValueError:
            raise ValueError("has brackets without an IPv6 address inside") from None
    try:
        plain = host.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise ValueError(f"names a host that cannot exist; write an address such as {_EXAMPLE}") from None
    if len(plain) > 253 or not all(_LABEL.fullmatch(label) for label in plain.split(".")):
        raise ValueError(f"names a host that cannot exist; write an address such as {_EXAMPLE}")
    if _looks_numeric(plain):
        try:
            return str(ipaddress.IPv4Address(plain))
        except ValueError:
            raise ValueError("looks like an IPv4 address but is none") from None
    return plain


def _looks_numeric(host: str) -> bool:
    """A last label of digits (or hex) is read as a number by resolvers: 127.1 and 0x7f000001 are addresses to them."""
    last = host.rsplit(".", 1)[-1]
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last, re.ASCII) is not None


def _port(url: SplitResult) -> int | None:
    try:
        port = url.port
    except ValueError:
        raise ValueError("has a port that is not a number from 1 to 65535") from None
    if port == 0 or url.netloc.endswith(":"):
        raise ValueError("has a port that is not a number from 1 to 65535")
    return port
