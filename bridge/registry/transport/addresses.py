"""The registry's addresses: how they may be written, how they are shown, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from bridge.errors import InvalidError

PUT_LAST_FOR: Final = 30.0
"""Seconds for which an address that failed is asked after all others."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """One address. Nothing in it is secret."""

    base: str
    """``scheme://host[:port][/path]`` without a slash at the end."""
    region: str | None = None
    """Of ``?region=``, which an address of AWS may have that does not name it."""

    @classmethod
    def parse(cls, text: str) -> RegistryAddress:
        """Raises `InvalidError` with the end of a sentence. It does not repeat the text: it may hold a password."""
        try:
            url = urlsplit(text.strip())
            port = url.port
        except ValueError:
            raise InvalidError("is not an address; write one such as https://registry.example.com") from None
        if url.scheme not in _DEFAULT_PORTS or not url.hostname or not url.netloc.isascii():
            raise InvalidError("is not an address with http:// or https:// and a host")
        if "@" in url.netloc:
            raise InvalidError("must not carry a user or a password: these belong in schema_registry.basic_auth")
        query = dict(parse_qsl(url.query))
        if url.fragment or set(query) - {"region"}:
            raise InvalidError("must end with its path: a query or a fragment is not part of a registry's address")
        host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
        shown = "" if port in {None, _DEFAULT_PORTS[url.scheme]} else f":{port}"
        path = quote(url.path.rstrip("/"), safe="/:%.~-_")
        return cls(f"{url.scheme}://{host}{shown}{path}", query.get("region"))

    @property
    def host(self) -> str:
        """The host alone."""
        return urlsplit(self.base).hostname or ""

    def __str__(self) -> str:
        return self.base


class InTurn:
    """In which order several addresses of one registry are asked: those that failed of late come last."""

    def __init__(self, addresses: Sequence[RegistryAddress]) -> None:
        self.all = tuple(addresses)
        self._failed: dict[RegistryAddress, float] = {}

    def order(self, now: float) -> list[RegistryAddress]:
        """All of them. Among those that failed, the one that did so longest ago comes first."""
        self._failed = {address: at for address, at in self._failed.items() if now < at + PUT_LAST_FOR}
        return sorted(self.all, key=lambda address: self._failed.get(address, 0.0))

    def failed(self, address: RegistryAddress, now: float) -> None:
        """It gave no answer that is of use."""
        self._failed[address] = now

    def worked(self, address: RegistryAddress) -> None:
        """It answered."""
        self._failed.pop(address, None)
