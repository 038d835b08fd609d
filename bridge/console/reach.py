"""Where the console may listen, by which names it may be called, and who has to log in. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from bridge.commands import command
from bridge.config.keys.scalars import Listen

_HOST: Final = re.compile(r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", re.ASCII)
LONGEST: Final = 300
"""Characters of a name that somebody called the console by."""


@dataclass(frozen=True, slots=True)
class ConsoleReach:
    """How browsers get to it."""

    listen: Listen
    has_token: bool = False
    behind_proxy: bool = False
    """A proxy stands before it, whose X-Forwarded-Host, -Proto and -For are believed."""
    names: frozenset[str] = frozenset()
    """Host names beside addresses and localhost, in small letters."""

    @property
    def is_local(self) -> bool:
        """Whether only programs of this machine get to it, and no proxy brings others."""
        return is_loopback(self.listen.host) and not self.behind_proxy

    @property
    def needs_login(self) -> bool:
        """Whether even looking needs the token: where others than this machine's users could look."""
        return self.has_token and not self.is_local

    def problem(self) -> str | None:
        """Why it must not listen like this, as a sentence; None: it may."""
        if is_loopback(self.listen.host) or self.has_token or self.behind_proxy:
            return None
        return (
            f"console.listen: {self.listen} can be reached from other machines, and nobody would be asked who they are:"
            " set console.token_file, or put a proxy that logs people in before it and start"
            f" {command('console', '--behind-proxy')}, or listen on 127.0.0.1."
        )

    def knows(self, host: str) -> bool:
        """Whether a ``Host`` names this console.

        A page of somebody else can have a name of its own lead to this address (DNS rebinding) and would then be
        served in a browser as if it were that page's; an address cannot be made to lead elsewhere.
        """
        name = host_of(host)
        if name is None:
            return False
        return name == "localhost" or name in self.names or name == self.listen.host.lower() or _is_address(name)


def host_of(host: str) -> str | None:
    """The name without the port, in small letters and without brackets; None: it is no host."""
    found = _HOST.fullmatch(host.lower()) if len(host) <= LONGEST else None
    return None if found is None else found["host"].strip("[]").removesuffix(".")


def is_loopback(host: str) -> bool:
    """Whether only this machine gets to an address that is listened on."""
    return host.lower() == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
