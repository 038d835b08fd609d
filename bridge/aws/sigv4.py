"""Signature Version 4 of AWS: of a request's headers, and of a URL that is a login by itself.

Source: "Create a signed AWS API request", AWS IAM User Guide. Held byte for byte to botocore by the tests. S3 signs
differently and is not meant here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from urllib.parse import SplitResult, quote, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_NOTHING: Final = hashlib.sha256(b"").hexdigest()
_DEFAULT_PORTS: Final = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """What a signature is made with."""

    access_key: str
    """Names the credentials; goes over the wire in clear."""
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    """Of temporary credentials."""
    ends_at: float | None = None
    """Epoch seconds; None: nobody said that they end."""


@dataclass(frozen=True, slots=True)
class Signing:
    """For whom, and when."""

    region: str
    service: str
    """The signing name, such as ``kafka-cluster`` or ``glue``."""
    at: datetime
    """In UTC. AWS refuses a signature from more than some minutes off its own clock."""

    @property
    def stamp(self) -> str:
        """As in ``20261129T154200Z``."""
        return f"{self.at:%Y%m%dT%H%M%SZ}"

    @property
    def scope(self) -> str:
        """What the signing key is good for."""
        return f"{self.stamp[:8]}/{self.region}/{self.service}/aws4_request"


def signed_headers(
    keys: AwsKeys, method: str, url: str, headers: Mapping[str, str], body: bytes, signing: Signing
) -> dict[str, str]:
    """`headers` and those that sign them, the host and the body. Send exactly these: none may be changed on the way."""
    parts = urlsplit(url)
    signed = {**headers, "X-Amz-Date": signing.stamp}
    if keys.session_token is not None:
        signed["X-Amz-Security-Token"] = keys.session_token
    canonical = {name.lower(): " ".join(value.split()) for name, value in signed.items()}
    canonical.setdefault("host", _host(parts))
    request = _request(method, parts, parts.query.split("&"), canonical, hashlib.sha256(body).hexdigest())
    names = ";".join(sorted(canonical))
    signature = _signature(keys, request, signing)
    credential = f"Credential={keys.access_key}/{signing.scope}"
    signed["Authorization"] = f"{_ALGORITHM} {credential}, SignedHeaders={names}, Signature={signature}"
    return signed


def presigned_url(keys: AwsKeys, url: str, signing: Signing, lifetime: int) -> str:
    """The URL of a GET that whoever has it may make, `lifetime` seconds long from the signing's time."""
    parts = urlsplit(url)
    login = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{keys.access_key}/{signing.scope}",
        "X-Amz-Date": signing.stamp,
        "X-Amz-Expires": str(lifetime),
        "X-Amz-SignedHeaders": "host",
    }
    if keys.session_token is not None:
        login["X-Amz-Security-Token"] = keys.session_token
    pairs = [*filter(None, parts.query.split("&")), *(f"{name}={quote(text, '-_.~')}" for name, text in login.items())]
    request = _request("GET", parts, pairs, {"host": _host(parts)}, _NOTHING)
    query = "&".join([*pairs, f"X-Amz-Signature={_signature(keys, request, signing)}"])
    return parts._replace(query=query).geturl()


def _request(method: str, parts: SplitResult, pairs: Iterable[str], headers: Mapping[str, str], payload: str) -> str:
    """Written as both sides write it before they hash it."""
    names = sorted(headers)
    query = sorted(tuple(pair.partition("=")[::2]) for pair in pairs if pair)
    return "\n".join(
        (
            method.upper(),
            quote(parts.path or "/", "/~"),
            "&".join(f"{name}={value}" for name, value in query),
            *(f"{name}:{headers[name]}" for name in names),
            "",
            ";".join(names),
            payload,
        )
    )


def _host(parts: SplitResult) -> str:
    """As HTTP clients write it: without the scheme's own port."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    return host if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f"{host}:{parts.port}"


def _signature(keys: AwsKeys, request: str, signing: Signing) -> str:
    key = f"AWS4{keys.secret_key}".encode()
    for part in signing.scope.split("/"):
        key = _mac(key, part)
    text = "\n".join((_ALGORITHM, signing.stamp, signing.scope, hashlib.sha256(request.encode()).hexdigest()))
    return _mac(key, text).hex()


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")
