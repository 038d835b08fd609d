"""Orders over the network: what the admin server's ``/control`` takes, where the configuration has a token.

A request is judged by its head alone: only of whoever knows the token a body is read at all. What is wrong is told
apart for people and costs an attacker a second each; memory for all of it is bounded.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from bridge.errors import InvalidError
from bridge.ops.control import control_protocol, signing
from bridge.ops.control.control_key import ControlKey
from bridge.ops.control.control_protocol import ProtocolError
from bridge.ops.control.signing import Stamp
from bridge.text.amounts import span

PENALTY: Final = 1.0
"""Seconds after which a request is refused whose signature is wrong."""
PENALTIES: Final = 8
"""Refusals that wait at once; further ones come at once, with less to say."""
NONCES: Final = 4096
"""Remembered: of requests that were signed right, each for as long as it is good."""

RemoteHandler = Callable[[Mapping[str, Any], str], Awaitable[Mapping[str, Any]]]
"""Takes a request and the address of whoever made it."""


@dataclass(frozen=True, slots=True)
class OrderReply:
    """What goes back."""

    status: HTTPStatus
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class SignedRequests:
    """Belongs to the loop's thread."""

    def __init__(
        self,
        handler: RemoteHandler,
        key: ControlKey,
        refused: Callable[[str, str], None],
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`refused` is told why, and by which address; `clock` is in Unix seconds."""
        self._handler = handler
        self._key = key
        self._refused = refused
        self._clock = clock
        self._sleep = sleep
        self._instance = signing.nonce()
        self._used: dict[str, float] = {}
        """Nonces, each with the time up to which a request with it would be good. In the order in which they came."""
        self._penalties = 0

    def about(self) -> bytes:
        """What whoever wants to sign has to know first: which process this is, and its clock. No secret."""
        document = {"version": control_protocol.VERSION, "instance": self._instance, "time": int(self._clock())}
        return json.dumps(document).encode() + b"\n"

    async def take(
        self, headers: Mapping[str, str], length: int, peer: str, read: Callable[[], Awaitable[bytes]]
    ) -> OrderReply:
        """One request: `headers` by names in small letters, the body's length, who asks, and what reads the body."""
        admitted = await self._admit(headers, length, peer)
        return admitted if isinstance(admitted, OrderReply) else await self._answer(*admitted, await read(), peer)

    async def _admit(self, headers: Mapping[str, str], length: int, peer: str) -> tuple[Stamp, bytes] | OrderReply:
        """Whether the body of this request is to be read, and the key to answer with."""
        try:
            key = self._key.get()
            stamp, mac = signing.parsed(headers.get(signing.HEADER, ""))
        except ProtocolError as error:
            return await self._wrong(f"{error}", peer, HTTPStatus.BAD_REQUEST)
        except InvalidError as error:
            self._refused(f"{error}", peer)
            # Nobody has shown a token: where it is kept and how long it is are for the log alone.
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "This bridge cannot take orders; its log says why.")
        if not signing.is_genuine(stamp, mac, key):
            return await self._wrong("the signature is of another token, or of another group", peer)
        return self._good(stamp, length, peer) or (stamp, key)

    def _good(self, stamp: Stamp, length: int, peer: str) -> OrderReply | None:
        """Whether a request that is signed right is to be carried out now; None: it is."""
        now = self._clock()
        if stamp.instance != self._instance:
            return self._stale("it is signed for another process than this one", peer)
        if abs(now - stamp.at) > signing.SKEW:
            return self._stale(
                f"it was signed {span(abs(now - stamp.at))} {'ago' if stamp.at < now else 'ahead'} by the clock of the "
                f"bridge, and {span(signing.SKEW)} are allowed: set the clocks right",
                peer,
            )
        if length > control_protocol.REQUEST_LIMIT:
            return _refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                f"A request may have {control_protocol.REQUEST_LIMIT} bytes: name single partitions.",
            )
        return self._once(stamp, now, peer)

    async def _answer(self, stamp: Stamp, key: bytes, body: bytes, peer: str) -> OrderReply:
        if signing.digest(body) != stamp.body:
            return self._stale("its body is not the one that was signed", peer)
        try:
            request = control_protocol.parsed(body)
        except ProtocolError as error:
            said: Mapping[str, Any] = {"error": "protocol", "message": f"The bridge got {error}."}
        else:
            said = await self._handler(request, peer)
        answer = json.dumps({"version": control_protocol.VERSION, **said}, separators=(",", ":")).encode()
        signed = stamp.answer_mac(key, answer)
        return OrderReply(HTTPStatus.OK, answer, ((signing.ANSWER_HEADER, signed),))

    def _once(self, stamp: Stamp, now: float, peer: str) -> OrderReply | None:
        for nonce in [each for each, until in self._used.items() if until < now]:
            del self._used[nonce]
        if stamp.nonce in self._used:
            return self._stale("it was made before: each is good once", peer)
        if len(self._used) >= NONCES:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests in a minute: try again.")
        self._used[stamp.nonce] = stamp.at + signing.SKEW
        return None

    def _stale(self, why: str, peer: str) -> OrderReply:
        """Signed by somebody who knows the token, and still nothing that is to be done."""
        self._refused(why, peer)
        return _refusal(HTTPStatus.CONFLICT, f"Nothing was done: {why}.")

    async def _wrong(self, why: str, peer: str, status: HTTPStatus = HTTPStatus.FORBIDDEN) -> OrderReply:
        self._refused(why, peer)
        if self._penalties >= PENALTIES:
            return _refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong requests at once.")
        self._penalties += 1
        try:
            await self._sleep(PENALTY)
        finally:
            self._penalties -= 1
        return _refusal(status, f"Nothing was done: {why}.")


def _refusal(status: HTTPStatus, sentence: str) -> OrderReply:
    return OrderReply(status, f"{sentence}\n".encode())
