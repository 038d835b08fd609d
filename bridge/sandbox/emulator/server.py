"""The emulated Track API: checks requests against the documented contract, misbehaves as told, remembers.

What other processes may ask of it, and change, is in `emulator.admin`.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import orjson

from bridge.accepting import stop_listening
from bridge.sandbox.emulator import contract
from bridge.sandbox.emulator.admin import ADMIN, administer
from bridge.sandbox.emulator.connection import ReceivedRequest, ServerConnection
from bridge.sandbox.emulator.contract import Body, Event, RateLimit, RateWindow
from bridge.sandbox.emulator.documents import ContractRefusal
from bridge.sandbox.emulator.faults import Fault, FaultKind, Script
from bridge.sandbox.emulator.imports import JOBS, EmulatedImports, ImportBehaviour, concerns_imports
from bridge.sandbox.emulator.ledger import CountedAs, RequestLedger, budget_of
from bridge.sandbox.emulator.people import COMPANY_ID_FIELDS, PostedUser, check_company

DEFAULT_KEY = "NX-emulator"
Watch = Callable[[ReceivedRequest | None, str, str | None], None]
"""Takes a request, None for one that was dropped unread; its status, or the kind of fault; and why it is refused."""
_TOLD = "told to fail"
_UNKNOWN_USER = {
    400: ContractRefusal(400, "user_not_found", "no user with this user_id has been identified"),
    404: ContractRefusal(404, "user_not_found", "no user with this user_id has been identified"),
}


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
        keys: Iterable[str] | None = (DEFAULT_KEY,),
        rate: RateLimit | None = None,
        identify_rate: RateLimit | None = None,
        shared_rate: bool = False,
        unknown_users: int | None = None,
        company_id_field: str = COMPANY_ID_FIELDS[0],
        imports: ImportBehaviour | None = None,
        has_validate: bool = True,
        keeps: int | None = None,
        watch: Watch | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`keeps`: as many as the ledger has of each kind, the last ones; None: all. `watch` hears every answer."""
        self.keys = None if keys is None else frozenset(keys)
        """Assign another set to rotate; None: every key is accepted."""
        self.ledger = RequestLedger(keeps)
        self._watch = watch
        self.has_validate = has_validate
        """Whether the undocumented GET /v1/validate exists."""
        self.shared_rate = shared_rate
        """Whether identifies and companies draw on the same limit as events."""
        self.unknown_users = unknown_users
        """The status, 400 or 404, that an event of a user earns whom nobody identified; None: it is accepted."""
        self.company_id_field = company_id_field
        """``id`` or ``company_id``: the field that a company within an identify must have."""
        self.port = port
        self._host = host
        self._tls = tls
        self._monotonic = monotonic
        self.script = Script()
        """The faults in force; `set_faults` replaces it."""
        self.imports = self._no_imports(imports or ImportBehaviour())
        self._rate: RateWindow | None = None
        self._identify_rate: RateWindow | None = None
        self.limit_rate(rate)
        self.limit_identify_rate(identify_rate)
        self._connections: set[ServerConnection] = set()
        self._server: asyncio.Server | None = None

    @property
    def endpoint(self) -> str:
        """What to set as ``track.endpoint``."""
        return f"{'https' if self._tls else 'http'}://{self._host}:{self.port}"

    def set_faults(self, *faults: Fault, seed: int = 0) -> None:
        """Replace the script; without arguments the API behaves again."""
        self.script = Script(faults, seed=seed, now=self._monotonic())

    def limit_rate(self, rate: RateLimit | None) -> None:
        """Replace the rate limit of events; None lifts it."""
        self._rate = RateWindow(rate) if rate else None

    def limit_identify_rate(self, rate: RateLimit | None) -> None:
        """Replace the rate limit of identifies and companies together; None lifts it."""
        self._identify_rate = RateWindow(rate) if rate else None

    def _no_imports(self, settings: ImportBehaviour) -> EmulatedImports:
        return EmulatedImports(settings, self._monotonic, self.ledger.known.update)

    def reset(self) -> None:
        """Forget what was seen; keys, faults, rate and settings stay. Only while nothing is in flight."""
        fresh = RequestLedger(self.ledger.keeps)
        fresh.connections = self.ledger.connections
        self.ledger = fresh
        self.imports = self._no_imports(self.imports.settings)

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
            await stop_listening(self._server)
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
        if self.script and self.script.before_reading(self._monotonic()):
            self.ledger.answers[FaultKind.DROP_BEFORE_READING] += 1
            if self._watch is not None:
                self._watch(None, FaultKind.DROP_BEFORE_READING, None)
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
        if request.path.startswith(ADMIN):
            connection.answer(administer(self, request))
            return
        if request.path == contract.VALIDATE and self.has_validate:
            refusal = contract.check_authorization(request.headers, self.keys)
            if refusal is None and self._watch is not None:
                self._watch(request, "200", None)
            connection.answer(
                self._refusal(request, refusal) if refusal else contract.reply(200, b"{}", {}, self._request_id())
            )
            return
        now = self._monotonic()
        if concerns_imports(request.path):
            fault = self.script.choose(request.path, None, now) if self.script else None
            if fault is None:
                connection.answer(self._imported(request))
            else:
                self._misbehave(
                    connection, request, fault, lambda: self._imported(request), lambda _: self.imports.answer(request)
                )
            return
        body = contract.read_body(request.path, request.body)
        connection.user_id = body.user_id if isinstance(body, Event | PostedUser) else None
        connection.counted = True
        self.ledger.arrived(budget_of(request.path), connection.user_id, now)
        kept = None if isinstance(body, ContractRefusal) else body
        fault = self.script.choose(request.path, kept, now) if self.script else None
        if fault is None:
            connection.answer(self._ordinary(request, body, now))
        else:
            self._misbehave(
                connection,
                request,
                fault,
                lambda: self._ordinary(request, body, now),
                lambda says_so: self._accept(kept, request, now, says_so),
            )

    def _misbehave(
        self,
        connection: ServerConnection,
        request: ReceivedRequest,
        fault: Fault,
        ordinary: Callable[[], bytes],
        accept: Callable[[bool], object],
    ) -> None:
        """`accept` is told whether the answer says so."""
        whole_ordinary = b""
        if fault.kind in (FaultKind.ORDINARY, FaultKind.SURPLUS, FaultKind.CLOSE):
            whole_ordinary = ordinary()
        else:
            whole = fault.kind in (FaultKind.STATUS, FaultKind.DRIP)
            says_so = whole and 200 <= fault.status < 300
            self._answered(request, str(fault.status) if whole else fault.kind, _TOLD)
            if fault.accepts or says_so:
                accept(says_so)
        error = b"" if fault.status < 400 else contract.error_body(ContractRefusal(fault.status, "emulated", _TOLD))
        connection.play(fault, whole_ordinary, error, self._request_id())

    def _accept(self, body: Body | None, request: ReceivedRequest, now: float, answered: bool) -> None:  # noqa: FBT001 - told by position
        if body is not None:
            self.ledger.accept(body, request.body, now, answered=answered)

    def _imported(self, request: ReceivedRequest) -> bytes:
        refusal = contract.check_authorization(request.headers, self.keys)
        answer = refusal or self.imports.answer(request)
        if isinstance(answer, ContractRefusal):
            return self._refusal(request, answer)
        self._answered(request, str(answer.status))
        return contract.reply(answer.status, orjson.dumps(answer.document), {}, self._request_id())

    def _ordinary(self, request: ReceivedRequest, body: Body | ContractRefusal, now: float) -> bytes:
        refusal = self._check(request, body)
        if refusal is not None:
            return self._refusal(request, refusal)
        shared = self.shared_rate or budget_of(request.path) is CountedAs.TRACK
        rate = self._rate if shared else self._identify_rate
        wait = rate.wait(now) if rate else 0.0
        if wait and rate:
            after = {"retry-after": str(int(wait) + 1)} if rate.limit.retry_after else {}
            return self._refusal(request, ContractRefusal(429, "rate_limited", "too many requests"), after)
        if self.unknown_users is not None and isinstance(body, Event) and body.user_id not in self.ledger.known:
            return self._refusal(request, _UNKNOWN_USER[self.unknown_users])
        if not isinstance(body, ContractRefusal):
            self.ledger.accept(body, request.body, now)
        self._answered(request, "202")
        return contract.ACCEPTED_START + self._request_id().encode() + b"\r\n\r\n"

    def _check(self, request: ReceivedRequest, body: Body | ContractRefusal) -> ContractRefusal | None:
        refusal = (
            contract.check_address(request.method, request.path)
            or contract.check_authorization(request.headers, self.keys)
            or contract.check_headers(request.headers)
        )
        if refusal is None and request.too_large:
            return ContractRefusal(413, "too_large", "the body is too large")
        if refusal is None and isinstance(body, ContractRefusal):
            return body
        if refusal is None and isinstance(body, PostedUser):
            return check_company(body, self.company_id_field)
        return refusal

    def _refusal(
        self, request: ReceivedRequest, refusal: ContractRefusal, headers: dict[str, str] | None = None
    ) -> bytes:
        self._answered(request, str(refusal.status), refusal.message)
        self.ledger.refusals.append(f"{refusal.status} {refusal.error_code}: {refusal.message}")
        extra = dict(headers or {})
        if refusal.status == 405:
            extra["allow"] = "GET" if request.path.startswith(JOBS) else "POST"
        return contract.reply(refusal.status, contract.error_body(refusal), extra, self._request_id())

    def _answered(self, request: ReceivedRequest, answer: str, why: str | None = None) -> None:
        self.ledger.answered(request.path, answer)
        if self._watch is not None:
            self._watch(request, answer, why)

    def _request_id(self) -> str:
        return f"req-{self.ledger.requests + self.ledger.identify_requests}"
