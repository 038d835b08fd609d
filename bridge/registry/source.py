"""One registry with all its addresses: they are asked in turn until one of them decides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from bridge.decode.protocol import Schema
from bridge.registry.about import Kind, RegistryAbout, ask
from bridge.registry.outcomes import RegistryFailure, UnknownReference
from bridge.registry.transport.addresses import InTurn, RegistryAddress
from bridge.registry.transport.http import Dial
from bridge.registry.transport.logins import RegistryLogin
from bridge.registry.transport.session import OpenSession, Session, scrubbed

T = TypeVar("T")
Ask = Callable[[Session], Awaitable[T]]
Fetch = Callable[[Session, str], Awaitable[Schema]]
Newest = Callable[[Session, str], Awaitable[tuple[str, Schema]]]


class RegistrySource:
    """See `lookups.SchemaSource`."""

    def __init__(
        self,
        addresses: Sequence[RegistryAddress],
        login: RegistryLogin,
        dial: Dial,
        *,
        kind: Kind,
        fetch: Fetch,
        newest: Newest,
        clock: Callable[[], float],
    ) -> None:
        """`fetch` and `newest` are those of the API of this kind."""
        self.requests = 0
        self._in_turn = InTurn(addresses)
        self._login = login
        self._dial = dial
        self._kind = kind
        self._fetch = fetch
        self._newest = newest
        self._clock = clock

    @property
    def urls(self) -> tuple[str, ...]:
        """Its addresses, without credentials."""
        return tuple(address.base for address in self._in_turn.all)

    def credentials_changed(self) -> bool:
        """Whether what it logs in with is another than at the last attempt."""
        return self._login.changed()

    async def fetch(self, reference: str) -> tuple[Schema, str]:
        """The schema, and which of `urls` answered. Raises the signals of `outcomes`."""
        return await self._ask_in_turn(lambda session: self._fetch(session, reference))

    async def newest(self, subject: str) -> tuple[str, Schema]:
        """The reference and the schema of a subject's newest version. Raises the signals of `outcomes`."""
        found, _ = await self._ask_in_turn(lambda session: self._newest(session, subject))
        return found

    async def about(self) -> tuple[RegistryAbout | RegistryFailure, ...]:
        """What each address says of itself, or why it says nothing."""
        return tuple([await self._about(address) for address in self._in_turn.all])

    async def _about(self, address: RegistryAddress) -> RegistryAbout | RegistryFailure:
        try:
            return await self._ask_one(address, lambda session: ask(session, self._kind))
        except RegistryFailure as failure:
            return failure

    async def _ask_in_turn(self, question: Ask[T]) -> tuple[T, str]:
        """What the first says that knows it; unknown is what all of them say.

        One that does not answer may be the one that knows: then it is a trouble, and the records wait.
        """
        failure: RegistryFailure | None = None
        unknown: UnknownReference | None = None
        for address in self._in_turn.order(self._clock()):
            try:
                found = await self._ask_one(address, question)
            except UnknownReference as signal:
                self._in_turn.worked(address)
                unknown = signal
            except RegistryFailure as signal:
                self._in_turn.failed(address, self._clock())
                failure = failure or signal
            else:
                self._in_turn.worked(address)
                return found, address.base
        raise failure or unknown or AssertionError("a registry has an address")

    async def _ask_one(self, address: RegistryAddress, question: Ask[T]) -> T:
        session = OpenSession(self._dial(address), self._login, self._count)
        try:
            return await question(session)
        except RegistryFailure as failure:
            raise scrubbed(failure, self._login) from None
        finally:
            await session.aclose()

    def _count(self) -> None:
        self.requests += 1
