"""The sink for networks behind a proxy, on httpx.

One transport with one connection per request in flight, not one pool: httpcore's pool scans all its connections for
every request and, when a request is cancelled, can lose a place for ever (encode/httpcore#1093). Here a request that is
given up takes its whole transport with it, so that a deadline can simply cancel.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpx

from bridge.model import Retry, Verdict
from bridge.pipeline.ports import Answers, Attempt
from bridge.track.answer import BODY_LIMIT, Answer
from bridge.track.connection import MAX_ANSWER
from bridge.track.credentials import ApiKey
from bridge.track.dial import failure_sentence
from bridge.track.httpx_transport import discard, has_leftover, one_connection, proxy_of, root_cause
from bridge.track.judge import judge
from bridge.track.request import Endpoint, headers
from bridge.track.stats import SinkStats

_CLOSE_GRACE = 2.0


@dataclass(slots=True)
class _Progress:
    """How far one request came."""

    sent: bool = False
    """Its first byte may have left, so the event may have been accepted."""
    status: int | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytearray = field(default_factory=bytearray)
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


class HttpxSink:
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
    ) -> None:
        """`timeout` (seconds) covers connecting and the whole answer; `proxy` is a URL, maybe with user and password.

        `tls` serves the endpoint and an https proxy alike. Raises `ProxyError`.
        """
        self.stats = SinkStats()
        self._endpoint = endpoint
        self._credentials = credentials
        self._timeout = timeout
        self._tls = tls
        self._proxy = proxy_of(proxy, tls)
        self._via = f" through the proxy {self._proxy.url.netloc.decode()}" if self._proxy else ""
        self._answers: Answers | None = None
        self._running: dict[Attempt, asyncio.Task[Verdict]] = {}
        self._given_up: set[asyncio.Task[Verdict]] = set()
        self._idle: list[httpx.AsyncHTTPTransport] = []
        self._closed = False

    async def start(self, answers: Answers) -> None:
        """Verdicts go to `answers` from now on."""
        self._answers = answers

    def send(self, attempt: Attempt) -> None:
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

    def abort(self, attempts: Iterable[Attempt]) -> None:
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
        for transport in idle:
            await discard(transport)
        await asyncio.sleep(0)  # answers and the ends of connections that are under way arrive

    def _ended(self, attempt: Attempt, task: asyncio.Task[Verdict]) -> None:
        self._given_up.discard(task)
        if self._running.pop(attempt, None) is not None and self._answers is not None and not task.cancelled():
            # result() raises for a defect of this class: the loop's exception handler hears of it.
            self._answers.answered(attempt, task.result())

    async def _attempt(self, attempt: Attempt) -> Verdict:
        transport = self._idle.pop() if self._idle else one_connection(self._tls, self._proxy)
        progress = _Progress()
        key = self._credentials.generation
        started = monotonic()
        failure: BaseException | None = None
        try:
            async with asyncio.timeout(self._timeout):
                await self._exchange(transport, attempt.body, progress)
        except (httpx.TransportError, OSError) as error:
            failure = error
        finally:
            if progress.whole and not self._closed:
                self._idle.append(transport)
            else:
                await discard(transport, progress.connected)
        if progress.status is None:
            return self._unanswered(failure, progress)
        self.stats.answered(progress.status, monotonic() - started)
        answer = Answer(progress.status, progress.headers, bytes(progress.body))
        return judge(answer, self._credentials, key)

    async def _exchange(self, transport: httpx.AsyncHTTPTransport, body: bytes, progress: _Progress) -> None:
        request = httpx.Request(
            "POST",
            self._endpoint.track_url,
            headers=headers(self._endpoint, self._credentials.header),
            content=body,
            extensions={"trace": progress.trace},
        )
        # The transport itself, not a client: it follows no redirect, decompresses nothing and adds no header.
        response = await transport.handle_async_request(request)
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
        progress.whole = not await has_leftover(transport, response)

    def _unanswered(self, failure: BaseException | None, progress: _Progress) -> Retry:
        timed_out = isinstance(failure, TimeoutError)
        if progress.sent:
            what = "no answer in time" if timed_out else "the connection ended before the answer was complete"
            sentence = f"{what} ({self._endpoint}{self._via})"
        else:
            sentence = failure_sentence(root_cause(failure), self._endpoint) + self._via
        retry = Retry("timeout" if timed_out else "connection", sentence, ambiguous=progress.sent)
        self.stats.failed(retry.reason, retry.detail)
        return retry
