"""The registry's addresses: how they may be written, how they are shown, and in which order they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from bridge.config.keys import registry_url

PUT_LAST_FOR: Final = 30.0
"""Seconds for which an address that failed is asked after all others."""


@dataclass(frozen=True, slots=True)
class RegistryAddress:
    """One address. Nothing in it is secret."""

    base: str
    """``scheme://host[:port][/path]`` without a slash at the end."""
    region: str | None = None
    """Of ``?region=``, which an address of AWS may have that does not name it."""

    @classmethod
    def parse(cls, text: str) -> RegistryAddress:
        """Raises `InvalidError`, see `registry_url.normalise`."""
        return cls(*registry_url.normalise(text))

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
