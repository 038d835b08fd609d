"""The emulated Track API: checks requests against the documented contract, misbehaves as told, remembers.

Its own endpoints under /_emulator/ are for other processes:

| request | meaning |
| --- | --- |
| ``GET stats`` | the ledger's numbers as one JSON object |
| ``GET accepted?since=N`` | accepted events from number N on, one JSON object a line |
| ``POST faults`` | ``{"faults": […], "seed": 0}`` replaces the script, see `faults.Fault` |
| ``POST keys`` | ``{"keys": ["…"]}`` replaces the accepted API keys |
| ``POST rate`` | ``{"requests": 600, "window": 60, "retry_after": true}`` or ``null`` |
| ``POST reset`` | forgets what was seen |
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

import orjson

from bridge.sandbox.emulator import contract
from bridge.sandbox.emulator.connection import ReceivedRequest, ServerConnection
from bridge.sandbox.emulator.contract import ContractRefusal, Event, RateLimit, RateWindow
from bridge.sandbox.emulator.faults import Fault, FaultKind, Script
from bridge.sandbox.emulator.ledger import Accepted, RequestLedger

DEFAULT_KEY = "NX-emulator"
_ADMIN = "/_emulator/"
_NO_REQUEST = "admin"


class Emulator:
    """An async context manager that listens while it is open; everything about it may be changed meanwhile.

    All of it runs on the loop it was entered on and must be used from there.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        keys: Iterable[str] = (DEFAULT_KEY,),
        rate: RateLimit | None = None,
        has_validate: bool = True,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keys = frozenset(keys)
        """Assign another set to rotate."""
        self.ledger = RequestLedger()
        self.has_validate = has_validate
        """Whether the undocumented GET /v1/validate exists."""
        self.port = port
        self._host = host
        self._tls = tls
        self._monotonic = monotonic
        self._script = Script()
        self._rate: RateWindow | None = None
        self.limit_rate(rate)
        self._connections: set[ServerConnection] = set()
        self._server: asyncio.Server | None = None

    @property
    def endpoint(self) -> str:
        """What to set as ``track.endpoint``."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    def set_faults(self, *faults: Fault, seed: int = 0) -> None:
        """Replace the script; without arguments the API behaves again."""
        self._script = Script(faults, seed=seed, now=self._monotonic())

    def limit_rate(self, rate: RateLimit | None) -> None:
        """Replace the rate limit; None lifts it."""
        self._rate = RateWindow(rate) if rate else None

    def reset(self) -> None:
        """Forget what was seen; keys, faults and rate stay. Only while nothing is in flight."""
        fresh = RequestLedger()
        fresh.connections = self.ledger.connections
        self.ledger = fresh

    def close_connections(self) -> None:
        """As a restarting server or load balancer does; the emulator keeps listening."""
        for connection in list(self._connections):
            connection.end()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.get_running_loop().create_server(
            self._connection, self._host, self.port, ssl=self._tls, backlog=2048
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
            self.close_connections()
            await self._server.wait_closed()
            # Transports tell of their end on a later turn of the loop.
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def _connection(self) -> asyncio.Protocol:
        return ServerConnection(self)

    # --- what connections report -----------------------------------------------------------------------

    def opened(self, connection: ServerConnection) -> None:
        """A connection is there."""
        self._connections.add(connection)
        self.ledger.connections += 1
        self.ledger.connections_opened += 1

    def closed(self, connection: ServerConnection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self.ledger.connections -= 1

    def first_bytes(self, connection: ServerConnection) -> bool:
        """Whether to read more."""
        if self._script and self._script.before_reading(self._monotonic()):
            self.ledger.answers[FaultKind.DROP_BEFORE_READING] += 1
            connection.reset()
            return False
        return True

    def ended(self, connection: ServerConnection) -> None:
        """The request is answered, or never will be."""
        if connection.counted:
            connection.counted = False
            self.ledger.ended(connection.user_id)

    def pipelined(self) -> None:
        """A request came before the previous one was answered."""
        self.ledger.pipelined += 1

    def unheard(self) -> None:
        """A request came after a surplus answer, and comes to nothing."""
        self.ledger.unheard += 1

    def request(self, connection: ServerConnection, request: ReceivedRequest) -> None:
        """Answer one request."""
        if request.path.startswith(_ADMIN):
            connection.answer(_admin(self, request))
            return
        if request.path == contract.VALIDATE and self.has_validate:
            refusal = contract.check_authorization(request.headers, self.keys)
            connection.answer(self._refusal(refusal) if refusal else contract.reply(200, b"{}", {}, self._request_id()))
            return
        now = self._monotonic()
        event = contract.read_body(request.path, request.body)
        connection.user_id = event.user_id if isinstance(event, Event) else None
        connection.counted = True
        self.ledger.arrived(connection.user_id, now)
        fault = self._script.choose(event if isinstance(event, Event) else None, now) if self._script else None
        if fault is None:
            connection.answer(self._ordinary(request, event, now))
        else:
            self._misbehave(connection, request, event, fault, now)

    def _misbehave(
        self,
        connection: ServerConnection,
        request: ReceivedRequest,
        event: Event | ContractRefusal,
        fault: Fault,
        now: float,
    ) -> None:
        ordinary = b""
        if fault.kind in (FaultKind.ORDINARY, FaultKind.SURPLUS, FaultKind.CLOSE):
            ordinary = self._ordinary(request, event, now)
        else:
            whole = fault.kind in (FaultKind.STATUS, FaultKind.DRIP)
            self.ledger.answers[str(fault.status) if whole else fault.kind] += 1
            if isinstance(event, Event) and (fault.accepts or (whole and 200 <= fault.status < 300)):
                self.ledger.accept(event, request.body, now)
        error = (
            b""
            if fault.status < 400
            else contract.error_body(ContractRefusal(fault.status, "emulated", "told to fail"))
        )
        connection.play(fault, ordinary, error, self._request_id())

    def _ordinary(self, request: ReceivedRequest, event: Event | ContractRefusal, now: float) -> bytes:
        refusal = self._check(request, event)
        if refusal is not None:
            return self._refusal(refusal)
        wait = self._rate.wait(now) if self._rate else 0.0
        if wait and self._rate:
            after = {"retry-after": str(int(wait) + 1)} if self._rate.limit.retry_after else {}
            return self._refusal(ContractRefusal(429, "rate_limited", "too many requests"), after)
        if isinstance(event, Event):
            self.ledger.accept(event, request.body, now)
        self.ledger.answers["202"] += 1
        return contract.ACCEPTED_START + self._request_id().encode() + b"\r\n\r\n"

    def _check(self, request: ReceivedRequest, event: Event | ContractRefusal) -> ContractRefusal | None:
        refusal = (
            contract.check_address(request.method, request.path)
            or contract.check_authorization(request.headers, self.keys)
            or contract.check_headers(request.headers)
        )
        if refusal is None and request.too_large:
            return ContractRefusal(413, "too_large", "the body is too large")
        if refusal is None and isinstance(event, ContractRefusal):
            return event
        return refusal

    def _refusal(self, refusal: ContractRefusal, headers: dict[str, str] | None = None) -> bytes:
        self.ledger.answers[str(refusal.status)] += 1
        self.ledger.refusals.append(f"{refusal.status} {refusal.error_code}: {refusal.message}")
        extra = dict(headers or {})
        if refusal.status == 405:
            extra["allow"] = "POST"
        return contract.reply(refusal.status, contract.error_body(refusal), extra, self._request_id())

    def _request_id(self) -> str:
        return f"req-{self.ledger.requests}"


# --- its own endpoints -------------------------------------------------------------------------------


def _admin(emulator: Emulator, request: ReceivedRequest) -> bytes:
    """The answer to one admin request: 200, or 400 and 404 with a sentence."""
    action = f"{request.method} {request.path.removeprefix(_ADMIN)}"
    try:
        if action == "GET stats":
            return _json(200, emulator.ledger.stats())
        if action == "GET accepted":
            since = int(parse_qs(request.query).get("since", ["0"])[0])
            return _ndjson(emulator.ledger.accepted[since:])
        if action == "POST reset":
            emulator.reset()
            return _json(200, {})
        if request.method == "POST":
            return _change(emulator, action, orjson.loads(request.body))
    except (ValueError, TypeError, KeyError) as error:
        return _json(400, {"problem": f"{action}: {error}"})
    return _unknown(action)


def _change(emulator: Emulator, action: str, document: Any) -> bytes:
    if action == "POST faults":
        faults = [Fault.from_json(fault) for fault in document["faults"]]
        emulator.set_faults(*faults, seed=int(document.get("seed", 0)))
    elif action == "POST keys":
        emulator.keys = frozenset(str(key) for key in document["keys"])
    elif action == "POST rate":
        emulator.limit_rate(None if document is None else RateLimit(**document))
    else:
        return _unknown(action)
    return _json(200, {})


def _unknown(action: str) -> bytes:
    return _json(404, {"problem": f"no such admin request: {action[:200]}"})


def _json(status: int, document: object) -> bytes:
    return contract.reply(status, orjson.dumps(document), {}, _NO_REQUEST)


def _ndjson(events: Iterable[Accepted]) -> bytes:
    lines = [
        orjson.dumps(
            {
                "number": event.number,
                "at": event.at,
                "user_id": event.user_id,
                "event_name": event.event_name,
                "metadata": event.metadata,
                "body": event.body.decode("utf-8"),
            },
            option=orjson.OPT_APPEND_NEWLINE,
        )
        for event in events
    ]
    return contract.reply(200, b"".join(lines), {"content-type": "application/x-ndjson"}, _NO_REQUEST)
