"""The sink for the hot path: a bounded set of keep-alive connections, bytes in and a status out."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Final, Generic

from bridge.counts import SinkStats
from bridge.model import KINDS, Delivered, Retry
from bridge.pipeline.ports import AttemptT, VerdictSink
from bridge.track.answer import Answer
from bridge.track.classify import judge
from bridge.track.connection import Connection, Reuse
from bridge.track.credentials import ApiKey
from bridge.track.dial import Dialer, Resolve, SocketAddress, failure_sentence, resolve
from bridge.track.request import Endpoint, head

IDLE_LIMIT = 45.0
"""Seconds an idle connection is kept: below the 60 s after which Cowboy and most load balancers close theirs, because a
request written to a connection that is just being closed has an unknown fate."""
MAX_AGE = 300.0
"""Seconds after which a connection is replaced and the name resolved again, unless the configuration says otherwise."""
_SWEEPS_PER_TIMEOUT = 20
_CLOSE_GRACE = 2.0
_ACCEPTED: Final = Delivered(202)
_NOT_ASKED_FOR = frozenset({"unexpected_data", "unreadable"})
"""What ends a connection that another request could have taken for its answer, or did."""
ANOTHER_MAY_DO = frozenset({502, 503, 504})
"""Said by a gateway, or by one of several, about itself."""


class DirectSink(Generic[AttemptT]):
    """`pipeline.ports.Sink` on raw asyncio connections, all on the loop that runs `start`.

    A request goes to the idle connection used last, if nothing waits to be read there. Where none is idle a new one is
    opened, up to `max_in_flight`, and the request takes whichever becomes free first: a connection that does not come
    about holds nobody up. There is no task, future or timer per request: one timer looks for overdue ones, at least 20
    times per `timeout`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: ApiKey,
        *,
        timeout: float,
        max_in_flight: int,
        tls: ssl.SSLContext | None = None,
        idle_limit: float = IDLE_LIMIT,
        max_age: float = MAX_AGE,
        resolve: Resolve = resolve,
    ) -> None:
        """`timeout` (seconds) covers connecting and the whole answer; `tls` is required for an https endpoint.

        A connection carries requests for `idle_limit` seconds after the last one and for `max_age` altogether.
        """
        if endpoint.tls and tls is None:
            raise ValueError("an https endpoint needs a TLS context")
        self.stats = SinkStats()
        self._endpoint = endpoint
        self._credentials = credentials
        self._timeout = timeout
        self._idle_limit = idle_limit
        self._max = max_in_flight
        self._tls = tls if endpoint.tls else None
        self._max_age = max_age
        self._dialer = Dialer(endpoint, resolve)
        self._reuse = Reuse()
        self._key = credentials.generation
        self._heads = {kind: head(kind, endpoint, credentials.header) for kind in KINDS}
        self._answers: VerdictSink[AttemptT]
        self._loop: asyncio.AbstractEventLoop | None = None
        self._idle: list[Connection[AttemptT]] = []
        self._connections: set[Connection[AttemptT]] = set()
        """Those that carry a request or may carry one."""
        self._transports: set[Connection[AttemptT]] = set()
        """Those whose transport is not gone yet."""
        self._waiting: dict[AttemptT, float] = {}
        """Requests for which no connection was free, oldest first, with the time they came."""
        self._opening: dict[asyncio.Task[None], float] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._sweep_due = 0.0
        self._was_late = False
        self._all_lost = asyncio.Event()

    async def start(self, answers: VerdictSink[AttemptT]) -> None:
        """Verdicts go to `answers` from now on. Opens nothing: the first request does."""
        self._answers = answers
        self._loop = asyncio.get_running_loop()
        self._schedule_sweep(self._loop)

    def send(self, attempt: AttemptT) -> None:
        """Start one request, see `pipeline.ports.Sink`."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            now = monotonic()
            if now >= connection.until:
                self._part_with(connection, connection.retired_for)
            elif connection.served and not connection.is_quiet():
                self._doubt(connection, now)
            else:
                if self._credentials.generation != self._key:
                    self._take_new_key()
                connection.request(attempt, self._heads[attempt.request.kind], self._key, now)
                return
        if self._loop is None:
            raise RuntimeError("send before start")
        if self._sweeper is None:
            closed = Retry("connection", "the bridge is stopping")
            self._loop.call_soon(self._answers.answered, attempt, closed)
        else:
            self._waiting[attempt] = monotonic()
            self._open_for_waiting()

    def abort(self, attempts: Iterable[AttemptT]) -> None:
        """Close the connections that carry these requests, see `pipeline.ports.Sink`."""
        if self._loop is None:
            return
        wanted = set(attempts)
        verdict = Retry("connection", "the request was given up: its partition left this replica", ambiguous=True)
        found = [attempt for attempt in wanted if self._waiting.pop(attempt, None) is not None]
        for connection in [c for c in self._connections if c.attempt in wanted]:
            found.append(connection.release())
            self._part_with(connection, "aborted")
        for attempt in found:
            self.stats.failed("aborted", verdict.detail)
            self._loop.call_soon(self._answers.answered, attempt, verdict)

    async def close(self) -> None:
        """Close everything; requests still on their way are answered first. A later `send` is answered at once."""
        if self._sweeper is None:
            return
        self._sweeper.cancel()
        self._sweeper = None
        self.abort([*self._waiting, *(c.attempt for c in self._connections if c.attempt is not None)])
        for connection in list(self._connections):
            self._part_with(connection, "shutdown")
        opening = list(self._opening)
        for task in opening:
            task.cancel()
        await asyncio.gather(*opening, return_exceptions=True)
        await asyncio.sleep(0)  # the answers of `abort` are under way: let them arrive
        if self._transports:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_lost.wait(), _CLOSE_GRACE)

    # --- what connections report ------------------------------------------------------------------

    def connected(self, connection: Connection[AttemptT]) -> None:
        """A transport is there (for TLS: after the handshake)."""
        self.stats.opened()
        if self._tls is not None:
            self.stats.showed_certificate(connection.server_certificate_ends(), connection.since)
        self._transports.add(connection)
        self._connections.add(connection)
        if self._sweeper is None:
            self._part_with(connection, "shutdown")
            return
        if self._reuse.allowed(connection.since):
            connection.until = connection.since + self._max_age
            self._free(connection)
        elif self._waiting:
            self._free(connection)
            connection.until, connection.retired_for = connection.since, "one_request"
        else:
            self._part_with(connection, "one_request")

    def accepted(self, connection: Connection[AttemptT], status: int) -> None:
        """The ordinary answer."""
        attempt = connection.attempt
        if attempt is None:
            raise RuntimeError("an answer was taken for a request that the connection does not carry")
        connection.attempt = None
        now = monotonic()
        self.stats.answered(status, now - connection.since)
        connection.since = now
        # Free first: the answer usually brings the next request, which then takes this warm connection.
        if now >= connection.until:
            self._part_with(connection, connection.retired_for)
            self._open_for_waiting()
        elif self._waiting:
            self._free(connection)
        else:
            self._idle.append(connection)
        if self._reuse.suspicion and connection.served:
            self._reuse.worked()
        connection.served = True
        self._answers.answered(attempt, _ACCEPTED if status == 202 else Delivered(status))

    def answered(self, connection: Connection[AttemptT], answer: Answer, closed_for: str | None) -> None:
        """Every other answer, and a 2xx after which the connection cannot be used."""
        attempt = connection.release()
        now = monotonic()
        self.stats.answered(answer.status, now - connection.since)
        connection.since = now
        connection.served = True
        if answer.status in ANOTHER_MAY_DO:
            self._leave(connection.address, now)
        if closed_for is not None:
            self._discard(connection, closed_for)
            if closed_for in _NOT_ASKED_FOR:
                self._stop_reuse(now)
            self._open_for_waiting()
        elif now >= connection.until:
            self._part_with(connection, connection.retired_for)
            self._open_for_waiting()
        else:
            self._free(connection)
        self._answers.answered(attempt, judge(attempt.request.kind, answer, self._credentials, connection.key))

    def unanswered(self, connection: Connection[AttemptT], closed_for: str, sentence: str, *, stale: bool) -> None:
        """No status came. The request may have been accepted all the same: it was written."""
        attempt = connection.release()
        now = monotonic()
        self._discard(connection, closed_for)
        if closed_for in _NOT_ASKED_FOR and connection.served:
            self._stop_reuse(now)
        elif not stale:
            self._leave(connection.address, now)
        else:
            sentence = f"{sentence}; it had carried others before"
            # Those that are idle may be as dead: the next attempt takes a fresh one.
            self._retire(list(self._idle), "closed_by_server")
            if self._reuse.died(now):
                self._stop_reuse(now)
        self._open_for_waiting()
        reason = "timeout" if closed_for == "timeout" else "connection"
        self._fail(attempt, Retry(reason, f"{sentence} ({self._endpoint})", ambiguous=True, stale=stale))

    def closed_idle(self, connection: Connection[AttemptT], closed_for: str) -> None:
        """An idle connection ended."""
        self._discard(connection, closed_for)
        if closed_for in _NOT_ASKED_FOR:
            self._stop_reuse(monotonic())

    def lost(self, connection: Connection[AttemptT]) -> None:
        """A transport is gone."""
        self._transports.discard(connection)
        if self._sweeper is None and not self._transports:
            self._all_lost.set()

    # --- connections ----------------------------------------------------------------------------------

    def _free(self, connection: Connection[AttemptT]) -> None:
        """Give a connection to the request that waits longest, or keep it."""
        if self._waiting and connection.served and not connection.is_quiet():
            self._doubt(connection, monotonic())
            self._open_for_waiting()
            return
        for attempt in self._waiting:
            since = self._waiting.pop(attempt)
            if self._credentials.generation != self._key:
                self._take_new_key()
            connection.request(attempt, self._heads[attempt.request.kind], self._key, since)
            return
        self._idle.append(connection)

    def _discard(self, connection: Connection[AttemptT], reason: str) -> None:
        if connection in self._connections:
            self._connections.remove(connection)
            self.stats.closed(reason)
            if connection in self._idle:
                self._idle.remove(connection)

    def _part_with(self, connection: Connection[AttemptT], reason: str) -> None:
        self._discard(connection, reason)
        connection.end()

    def _doubt(self, connection: Connection[AttemptT], now: float) -> None:
        """Something waits to be read where the next request should be written: its end, or an answer of nobody's."""
        self._part_with(connection, "readable")
        self._stop_reuse(now)

    def _stop_reuse(self, now: float) -> None:
        """From now on, and for a while, each connection carries one request."""
        self._reuse.stop(now)
        self._retire(list(self._connections), "one_request")

    def _leave(self, address: SocketAddress, now: float) -> None:
        """Another address may do better, if there is one that is not as bad: its connections take no more requests."""
        addresses = self._dialer.addresses
        addresses.failed(address, now)
        if addresses.has_another(address, now):
            self._retire([c for c in self._connections if c.address == address], "address")

    def _retire(self, connections: Iterable[Connection[AttemptT]], reason: str) -> None:
        """Those that are idle are closed at once, the others after their answer."""
        for connection in connections:
            connection.until, connection.retired_for = 0.0, reason
            if connection.attempt is None:
                self._part_with(connection, reason)

    def _open_for_waiting(self) -> None:
        """One connection is being opened for each request that waits, as far as the bound allows."""
        if self._loop is None or self._sweeper is None:
            return
        while len(self._waiting) > len(self._opening) < self._max - len(self._connections):
            task = self._loop.create_task(self._connect(), name="track-connect")
            self._opening[task] = monotonic()
            task.add_done_callback(self._opened)

    async def _connect(self) -> None:
        await self._dialer.connect(self._timeout, self._open_at)

    async def _open_at(self, address: SocketAddress) -> None:
        """One address, in digits: nothing is resolved here."""
        await asyncio.get_running_loop().create_connection(
            lambda: Connection(self, address),
            str(address[0]),
            int(address[1]),
            ssl=self._tls,
            server_hostname=self._endpoint.host if self._tls else None,
        )

    def _opened(self, task: asyncio.Task[None]) -> None:
        """A connection came about, or did not: then the request that waits longest fails with the reason."""
        del self._opening[task]
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._open_for_waiting()
            return
        if not isinstance(error, (OSError, UnicodeError)):
            raise error  # not the network's doing but a defect: the loop's exception handler hears of it
        sentence = failure_sentence(error, self._endpoint)
        self.stats.last_error = sentence
        if len(self._waiting) > len(self._opening):
            attempt = next(iter(self._waiting))
            del self._waiting[attempt]
            reason = "timeout" if isinstance(error, TimeoutError) else "connection"
            self._fail(attempt, Retry(reason, sentence))
        self._open_for_waiting()

    # --- verdicts ---------------------------------------------------------------------------------------

    def _fail(self, attempt: AttemptT, verdict: Retry) -> None:
        self.stats.failed(verdict.reason, verdict.detail)
        self._answers.answered(attempt, verdict)

    def _take_new_key(self) -> None:
        self._key = self._credentials.generation
        self._heads = {kind: head(kind, self._endpoint, self._credentials.header) for kind in KINDS}

    # --- time -------------------------------------------------------------------------------------------

    def _schedule_sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        interval = min(self._timeout, self._idle_limit) / _SWEEPS_PER_TIMEOUT
        self._sweep_due = monotonic() + interval
        self._sweeper = loop.call_later(interval, self._sweep, loop, interval)

    def _sweep(self, loop: asyncio.AbstractEventLoop, interval: float) -> None:
        """End what is overdue, and idle connections that are old or that the server may be about to close."""
        now = monotonic()
        late = now - self._sweep_due > interval
        self._schedule_sweep(loop)
        if late and not self._was_late:
            # The process was stopped or the loop blocked: answers may stand in the sockets' buffers. Read them first.
            self._was_late = True
            return
        self._was_late = False
        self._end_overdue(now - self._timeout)
        for connection in list(self._idle):
            if connection.since < now - self._idle_limit:
                self._part_with(connection, "idle")
            elif connection.until <= now:
                self._part_with(connection, connection.retired_for)

    def _end_overdue(self, started_before: float) -> None:
        for task in [t for t, since in self._opening.items() if since < started_before]:
            task.cancel()
        # Each answer may change what waits and what is carried, hence the second look at each.
        for attempt in [a for a, since in self._waiting.items() if since < started_before]:
            if self._waiting.pop(attempt, None) is not None:
                self._fail(attempt, Retry("timeout", f"no connection to {self._endpoint} in time"))
        for connection in [c for c in self._connections if c.since < started_before]:
            if connection.attempt is not None and connection.since < started_before:
                connection.overdue()
