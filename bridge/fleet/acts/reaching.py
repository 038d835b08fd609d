"""How the replicas are asked to do something: each over the network, signed, or the one beside this over its socket."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from bridge.errors import InvalidError, Misuse
from bridge.fleet import instances
from bridge.fleet.acts.outcomes import Silent
from bridge.ops.control import control_client, signed_client
from bridge.ops.control.control_key import ControlKey

if TYPE_CHECKING:
    from bridge.config.sections import Config

_LATER: Final = 10.0
"""Seconds beyond its patience after which a replica that says nothing is given up."""


class OneReplica(Protocol):
    """One that may be asked."""

    @property
    def address(self) -> str:
        """How it is called."""

    def ask(self, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
        """Its answer; blocks. Raises `control_client`'s errors."""


@dataclass(frozen=True, slots=True)
class SignedReplica:
    """Over the network."""

    address: str
    key: bytes

    def __repr__(self) -> str:
        return f"SignedReplica({self.address!r})"

    def ask(self, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
        """See `OneReplica`."""
        return signed_client.ask(self.address, request, self.key, patience)


@dataclass(frozen=True, slots=True)
class ReplicaBeside:
    """The one on this machine, over its control socket, which may be at one of several places."""

    sockets: tuple[Path, ...]
    address: str = "this machine"

    def ask(self, request: Mapping[str, Any], patience: float) -> Mapping[str, Any]:
        """See `OneReplica`."""
        return control_client.ask(self.sockets, request, patience)


@dataclass(frozen=True, slots=True)
class Reached:
    """Whom an act can be given to."""

    replicas: tuple[OneReplica, ...]
    silent: tuple[Silent, ...] = ()
    """What stands for no replica that can be asked."""


Find = Callable[[], Awaitable[Reached]]


def over_network(config: Config, named: Sequence[str] = ()) -> Find:
    """All of `console.instances`, or of those `named` in their place.

    Addresses and the token of `console.token_file` are read anew with each act.
    Raises `Misuse` where there is no token: then nothing can be changed.
    """
    file = config.console.token_file
    if file is None:
        raise Misuse(
            "console.token_file is not set, so nothing can be changed over the network. Give the replicas and this "
            "command a file with the same token, or run the command beside each replica."
        )
    key = ControlKey(file, config.kafka.group_id)

    async def find() -> Reached:
        try:
            signed = await asyncio.to_thread(key.get)
        except InvalidError as error:
            raise Misuse(str(error)) from error
        found = await instances.addresses(named or instances.configured(config))
        silent = tuple(Silent(each.address, each.problem or "") for each in found.problems)
        return Reached(tuple(SignedReplica(address, signed) for address in found.addresses), silent)

    return find


async def ask(replica: OneReplica, request: Mapping[str, Any], patience: float) -> Mapping[str, Any] | Exception:
    """What it says, or what kept it from saying something, in time whatever it does."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Mapping[str, Any] | Exception] = loop.create_future()

    def say(found: Mapping[str, Any] | Exception) -> None:
        if not answer.done():
            answer.set_result(found)

    def question() -> None:
        try:
            found: Mapping[str, Any] | Exception = replica.ask(request, patience)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told of this replica
            found = error
        try:
            loop.call_soon_threadsafe(say, found)
        except RuntimeError:
            return  # The loop is gone: nobody waits any more.

    # A thread of its own, which no end of the program waits for.
    threading.Thread(target=question, name="fleet-act", daemon=True).start()
    try:
        async with asyncio.timeout(patience + _LATER):
            return await answer
    except TimeoutError:
        return control_client.NoAnswerError(f"{replica.address} did not end its answer: it may be done all the same.")
