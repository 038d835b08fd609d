"""Where the replicas' pages are: what the configuration and the command line name, made addresses that can be asked."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from bridge.config import listening
from bridge.config.keys.instance import DNS
from bridge.fleet.view import ReplicaView

if TYPE_CHECKING:
    from bridge.config.sections import Config

PATIENCE: Final = 3.0
"""Seconds that a name server may take."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host addresses of a name. Raises `OSError`."""


@dataclass(frozen=True, slots=True)
class Instances:
    """Whom to ask."""

    addresses: tuple[str, ...]
    """URLs, each once, in the order in which they are named."""
    problems: tuple[ReplicaView, ...] = ()
    """Names that stand for no address, each with the reason."""


def configured(config: Config) -> tuple[str, ...]:
    """`console.instances`, or where they are left out the address of `observability.listen`.

    Raises `listening.ListenUnknownError` where that is none that can be asked.
    """
    return config.console.instances or (f"http://{listening.reached_at(config.observability.listen)}",)


async def resolve(host: str, port: int) -> Sequence[str]:
    """By the system's resolver, each address once. Raises `OSError`."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(PATIENCE):  # whose `TimeoutError` is an `OSError`
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


async def addresses(instances: Sequence[str], resolver: Resolve = resolve) -> Instances:
    """All of them, names in place of which their addresses stand resolved at the same time."""
    answers = await asyncio.gather(*(_addresses(each, resolver) for each in instances))
    return Instances(
        tuple(dict.fromkeys(address for found, _ in answers for address in found)),
        tuple(problem for _, problem in answers if problem is not None),
    )


async def _addresses(instance: str, resolver: Resolve) -> tuple[Sequence[str], ReplicaView | None]:
    url = urlsplit(instance)
    if url.scheme != DNS or url.hostname is None or url.port is None:
        return (instance,), None
    try:
        hosts = await resolver(url.hostname, url.port)
    except OSError as error:
        cause = "no answer in time" if isinstance(error, TimeoutError) else error.strerror or str(error)
        return (), ReplicaView(
            instance,
            f"The name {url.hostname} has no address ({cause}): no replica behind it can be asked. Check "
            "console.instances, and that the Service publishes its pods (publishNotReadyAddresses).",
        )
    return [f"http://{f'[{host}]' if ':' in host else host}:{url.port}" for host in sorted(hosts)], None
