"""The sink for networks behind a proxy, on httpx.

One transport with one connection per request in flight, not one pool: httpcore's pool scans all its connections for
every request and, when a request is cancelled, can lose a place for ever (encode/httpcore#1093). Here a request that is
given up takes its whole transport with it, so that a deadline can simply cancel.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Generic

import httpx

from bridge.counts import SinkStats
from bridge.model import Request, Retry, Verdict
from bridge.pipeline.ports import AttemptT, VerdictSink
from bridge.track.answer import BODY_LIMIT, Answer
from bridge.track.classify import judge
from bridge.track.connection import MAX_ANSWER, Reuse
from bridge.track.credentials import ApiKey
from bridge.track.dial import Dialer, Resolve, SocketAddress, failure_sentence, resolve
from bridge.track.direct import ANOTHER_MAY_DO, IDLE_LIMIT, MAX_AGE
from bridge.track.httpx_transport import address_of, discard, has_leftover, one_connection, proxy_of, root_cause
from bridge.track.request import Endpoint, headers
from bridge.track.tls import server_certificate_ends

_CLOSE_GRACE = 2.0


@dataclass(slots=True)
class _Progress:
    """How far one request came."""

    sent: bool = False
    """Its first byte may have left, so the event may have been accepted."""
    address: SocketAddress = None
    """Where it went."""
    status: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytearray = field(default_factory=bytearray)
    secured: Any = None
    """The same with TLS, where there is a new one. Behind a proxy with TLS of its own the last is the Track API's."""
    connected: Any = None
    """The stream under a connection made for this request: httpcore forgets it when a handshake is cancelled."""
    whole: bool = False
    """The answer ended properly and nothing followed it: the connection can carry another request."""

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Httpcore's trace extension. A proxy's CONNECT comes by here, too, and carries no event."""
        if event == "http11.send_request_headers.started" and info["request"].method == b"POST":
            self.sent = True
        elif event.endswith("connect_tcp.complete"):
            self.connected = info["return_value"]
        elif event.endswith("start_tls.complete"):
            self.secured = info["return_value"]


@dataclass(slots=True)
class _Link:
    """A transport, and where its one connection leads."""

    transport: httpx.AsyncHTTPTransport
    address: SocketAddress
    """None where a proxy looks the name up."""
    until: float
    """Monotonic: no further request then."""
    since: float = 0.0
    """Monotonic, while idle: when the last request ended."""
    served: bool = False


class HttpxSink(Generic[AttemptT]):
    """`pipeline.ports.Sink` on httpx: the same answers as `DirectSink`, at some fifty times its cost.

    `stats` counts requests; what httpx does with its connections is not visible from here.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        credentials: ApiKey,
        *,
        timeout: float,
        tls: ssl.SSLContext,
        proxy: str | None = None,
        max_age: float = MAX_AGE,
        resolve: Resolve = resolve,
    ) -> None:
        """`timeout` (seconds) covers connecting and the whole answer; `proxy` is a URL, maybe with user and password.

        A connection carries requests for `max_age` seconds. Behind a proxy it is the proxy that resolves the name.
        `tls` serves the endpoint and an https proxy alike. Raises `ProxyError`.
        """
        self.stats = SinkStats()
        self._endpoint = endpoint
        self._credentials = credentials
        self._timeout = timeout
        self._tls = tls
        self._proxy = proxy_of(proxy, tls)
        self._via = f" through the proxy {self._proxy.url.netloc.decode()}" if self._proxy else ""
        self._answers: VerdictSink[AttemptT] | None = None
        self._running: dict[AttemptT, asyncio.Task[Verdict]] = {}
        self._given_up: set[asyncio.Task[Verdict]] = set()
        self._idle: list[_Link] = []
        self._max_age = max_age
        self._dialer = Dialer(endpoint, resolve)
        self._reuse = Reuse()
        self._spells = 0
        """How often it was decided that each connection carries one request."""
        self._closed = False

    async def start(self, answers: VerdictSink[AttemptT]) -> None:
        """Verdicts go to `answers` from now on."""
        self._answers = answers

    def send(self, attempt: AttemptT) -> None:
        """Start one request, see `pipeline.ports.Sink`."""
        if self._answers is None:
            raise RuntimeError("send before start")
        loop = asyncio.get_running_loop()
        if self._closed:
            loop.call_soon(self._answers.answered, attempt, Retry("connection", "the bridge is stopping"))
            return
        task = loop.create_task(self._attempt(attempt), name="track-request")
        self._running[attempt] = task
        task.add_done_callback(lambda task: self._ended(attempt, task))

    def abort(self, attempts: Iterable[AttemptT]) -> None:
        """Close the connections that carry these requests, see `pipeline.ports.Sink`."""
        verdict = Retry("connection", "the request was given up: its partition left this replica", ambiguous=True)
        for attempt in list(attempts):
            task = self._running.pop(attempt, None)
            if task is not None and self._answers is not None:
                self._given_up.add(task)
                task.cancel()
                self.stats.failed("aborted", verdict.detail)
                task.get_loop().call_soon(self._answers.answered, attempt, verdict)

    async def close(self) -> None:
        """Close everything; requests still on their way are answered first. A later `send` is answered at once."""
        self._closed = True
        self.abort(list(self._running))
        if self._given_up:
            await asyncio.wait(self._given_up, timeout=_CLOSE_GRACE)
        idle, self._idle = self._idle, []
        for link in idle:
            await discard(link.transport)
        await asyncio.sleep(0)  # answers and the ends of connections that are under way arrive

    def _ended(self, attempt: AttemptT, task: asyncio.Task[Verdict]) -> None:
        self._given_up.discard(task)
        if self._running.pop(attempt, None) is not None and self._answers is not None and not task.cancelled():
            # result() raises for a defect of this class: the loop's exception handler hears of it.
            self._answers.answered(attempt, task.result())

    async def _attempt(self, attempt: AttemptT) -> Verdict:
        progress = _Progress()
        key = self._credentials.generation
        started = monotonic()
        spells = self._spells
        failure: BaseException | None = None
        link: _Link | None = None
        try:
            async with asyncio.timeout(self._timeout):
                link = await self._idle_link()
                if link is None:
                    link = await self._over_a_new_one(attempt.request, progress)
                else:
                    await self._exchange(link, attempt.request, progress)
        except (httpx.TransportError, OSError, UnicodeError) as error:
            failure = error
        finally:
            if link is not None:
                if progress.whole and not self._closed and spells == self._spells and monotonic() < link.until:
                    link.since = monotonic()
                    self._idle.append(link)
                else:
                    await discard(link.transport, progress.connected)
        stale = link is not None and _is_stale(link, failure, progress)
        if link is not None:
            self._learn(link, failure, progress)
        if (progress.status is None and progress.sent and not stale) or progress.status in ANOTHER_MAY_DO:
            self._fails(progress.address)
        if progress.status is None:
            return self._unanswered(failure, progress, stale=stale)
        self.stats.answered(progress.status, monotonic() - started)
        answer = Answer(progress.status, progress.headers, bytes(progress.body))
        return judge(attempt.request.kind, answer, self._credentials, key)

    async def _idle_link(self) -> _Link | None:
        """The one used last, unless it is old, or idle for so long that the server may be about to close it."""
        now = monotonic()
        while self._idle:
            link = self._idle.pop()
            if now < link.until and now < link.since + IDLE_LIMIT - 1:  # before httpcore replaces it without a word
                return link
            await discard(link.transport)
        return None

    async def _over_a_new_one(self, request: Request, progress: _Progress) -> _Link:
        """Try one address after the other until a connection comes about; a request that was sent is not repeated."""
        addresses: Sequence[SocketAddress] = [None] if self._proxy else await self._dialer.resolve()
        failure: Exception = OSError("the name has no address")
        for at in addresses:
            now = monotonic()
            until = now + self._max_age if self._reuse.allowed(now) else now
            link = _Link(one_connection(self._tls, self._proxy), at, until)
            error = await self._first_exchange(link, request, progress, self._timeout / len(addresses))
            if error is None:
                return link
            if isinstance(root_cause(error), ssl.SSLError) or not isinstance(root_cause(failure), ssl.SSLError):
                failure = error
        if len(addresses) > 1:
            root_cause(failure).add_note("tried " + ", ".join(str(at[0]) for at in addresses))
        raise failure

    async def _first_exchange(
        self, link: _Link, request: Request, progress: _Progress, connect_in: float
    ) -> Exception | None:
        """None, or why no connection came about. Raises what went wrong after that."""
        over = False
        try:
            await self._exchange(link, request, progress, connect_in=connect_in)
            over = True
        except (httpx.TransportError, OSError) as error:
            over = progress.status is not None
            if progress.sent and not over:
                raise
            if not over:
                self._fails(link.address)
                return error
        finally:
            if not over:
                await discard(link.transport, progress.connected)
                progress.connected = None
        if link.address is not None:
            self._dialer.addresses.worked(link.address)
        return None

    async def _exchange(
        self, link: _Link, request: Request, progress: _Progress, *, connect_in: float | None = None
    ) -> None:
        progress.address = link.address
        url, extensions = address_of(self._endpoint, link.address, request.path)
        outgoing = httpx.Request(
            "POST",
            url,
            headers=headers(request.kind, self._endpoint, self._credentials.header),
            content=request.body,
            extensions={**extensions, "trace": progress.trace, "timeout": {"connect": connect_in}},
        )
        # The transport itself, not a client: it follows no redirect, decompresses nothing and adds no header.
        response = await link.transport.handle_async_request(outgoing)
        if progress.secured is not None:
            self.stats.showed_certificate(server_certificate_ends(progress.secured), monotonic())
            progress.secured = None
        progress.headers = tuple(response.headers.raw)
        progress.status = response.status_code
        received = 0
        async for chunk in response.aiter_raw():
            received += len(chunk)
            if len(progress.body) < BODY_LIMIT:
                progress.body += chunk[:BODY_LIMIT]
            if received > MAX_ANSWER:
                return
        await response.aclose()
        if await has_leftover(link.transport, response):
            self._stop_reuse()
        else:
            progress.whole = True

    def _learn(self, link: _Link, failure: BaseException | None, progress: _Progress) -> None:
        """What a request says of its connection."""
        if _is_stale(link, failure, progress):
            if self._reuse.died(monotonic()):
                self._stop_reuse()
            return
        if link.served and progress.connected is not None:
            self._stop_reuse()  # something waited to be read before the request, so httpcore made another connection
        elif link.served and self._reuse.suspicion:
            self._reuse.worked()
        link.served = True

    def _fails(self, address: SocketAddress) -> None:
        """Another address may do better, if there is one that is not as bad: its connections take no more requests."""
        if address is None:
            return
        addresses, now = self._dialer.addresses, monotonic()
        addresses.failed(address, now)
        if addresses.has_another(address, now):
            for link in self._idle:
                if link.address == address:
                    link.until = 0.0

    def _stop_reuse(self) -> None:
        """From now on, and for a while, each connection carries one request."""
        self._reuse.stop(monotonic())
        self._spells += 1
        for link in self._idle:
            link.until = 0.0

    def _unanswered(self, failure: BaseException | None, progress: _Progress, *, stale: bool) -> Retry:
        timed_out = isinstance(failure, TimeoutError | httpx.ConnectTimeout)
        if progress.sent:
            what = "no answer in time" if timed_out else "the connection ended before the answer was complete"
            sentence = f"{what} ({self._endpoint}{self._via})"
        else:
            sentence = failure_sentence(root_cause(failure), self._endpoint) + self._via
        retry = Retry("timeout" if timed_out else "connection", sentence, ambiguous=progress.sent, stale=stale)
        self.stats.failed(retry.reason, retry.detail)
        return retry


def _is_stale(link: _Link, failure: BaseException | None, progress: _Progress) -> bool:
    """Whether a connection that had carried a request ended under the next one without an answer."""
    unanswered = progress.sent and progress.status is None and not isinstance(failure, TimeoutError)
    return link.served and unanswered and progress.connected is None
