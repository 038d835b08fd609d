"""The questions of one look-up to one address, each with the login."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from bridge.registry.outcomes import HttpReply, RegistryFailure
from bridge.registry.transport.addresses import RegistryAddress
from bridge.registry.transport.http import Line
from bridge.registry.transport.logins import Question, RegistryLogin, without_secrets


class Session(Protocol):
    """What an API asks with."""

    @property
    def address(self) -> RegistryAddress:
        """Where."""

    async def get(self, path: str, headers: Mapping[str, str]) -> HttpReply:
        """`path` is below the address. Raises `RegistryFailure` where no whole answer comes."""

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """The same with a body."""


class OpenSession:
    """See `Session`. Close it."""

    def __init__(self, line: Line, login: RegistryLogin, asked: Callable[[], None]) -> None:
        """`asked` is called for each question."""
        self._line = line
        self._login = login
        self._asked = asked

    @property
    def address(self) -> RegistryAddress:
        """Where."""
        return self._line.address

    async def get(self, path: str, headers: Mapping[str, str]) -> HttpReply:
        """See `Session`."""
        return await self._ask("GET", path, headers, None)

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> HttpReply:
        """See `Session`."""
        return await self._ask("POST", path, headers, body)

    async def aclose(self) -> None:
        """Its connection ends."""
        await self._line.aclose()

    async def _ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> HttpReply:
        question = Question(method, f"{self.address.base}{path}", headers, body or b"")
        shown = await self._login.signed(question)
        reply = await self._once(question, shown)
        if reply.status in {401, 403}:
            # 403 too: what a client may do is often written in its token, and may have been changed since it got that.
            self._login.refused()
            another = await self._login.signed(question)
            if another != shown:
                return await self._once(question, another)
        return reply

    async def _once(self, question: Question, headers: Mapping[str, str]) -> HttpReply:
        self._asked()
        reply = await self._line.ask(question.method, question.url, headers, question.body or None)
        return without_secrets(reply, self._login.scrub)


def scrubbed(failure: RegistryFailure, login: RegistryLogin) -> RegistryFailure:
    """The same without secrets, which an answer may repeat."""
    sentence = login.scrub(failure.sentence)
    return RegistryFailure(failure.kind, sentence, retry_after=failure.retry_after, status=failure.status)
