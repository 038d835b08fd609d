"""Both sinks, on both loops, over plain TCP and TLS, against the emulated API and against servers that misbehave."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import pytest
import trustme
import uvloop

from bridge.model import TRACK, Request, RequestKind, Route, Verdict
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from bridge.track.credentials import ApiKey, FixedKey
from bridge.track.dial import Resolve, resolve
from bridge.track.direct import IDLE_LIMIT, MAX_AGE, DirectSink
from bridge.track.httpx_sink import HttpxSink
from bridge.track.request import Endpoint
from bridge.track.tls import client_context
from tests.support.waiting import line_of, patience

BODY = b'{"user_id": "u-1", "event_name": "Order Completed", "metadata": {"plan": "free", "items": 3}}'
AnySink: TypeAlias = "DirectSink[Attempt] | HttpxSink[Attempt]"
Handler = Callable[["Peer"], Awaitable[None]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The service runs on uvloop where there is one; what loops do differently (connect, close) is tried on both."""
    if item.path.stem in ("test_connections", "test_pool", "test_reuse", "test_addresses"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"uvloop": uvloop.new_event_loop}


def pytest_itemcollected(item: pytest.Item) -> None:
    """`make test` tries them on the loop the service runs on; the other one's turn is in `make test-rest`."""
    if "[asyncio-" in item.name or item.name.endswith("[asyncio]"):
        item.add_marker("slow")


ROUTE = Route("e", "", "e")


class Attempt:
    """One request, told from others by identity."""

    def __init__(self, body: bytes = BODY, kind: RequestKind = TRACK) -> None:
        self.request = Request(kind, "u-1", "e", body, ROUTE)


class Recorder:
    """Takes answers, and notices one that comes twice or from within `send`."""

    def __init__(self) -> None:
        self.sending = False
        self.verdicts: dict[Attempt, list[Verdict]] = {}
        self._arrived = asyncio.Condition()
        self.faults: list[str] = []

    def sent(self, attempt: Attempt) -> None:
        self.verdicts[attempt] = []

    def answered(self, attempt: Attempt, verdict: Verdict, /) -> None:
        if self.sending:
            self.faults.append("an answer came from within send or abort")
        if self.verdicts[attempt]:
            self.faults.append(f"a second answer: {self.verdicts[attempt]}, {verdict}")
        self.verdicts[attempt].append(verdict)

    async def of(self, attempt: Attempt) -> Verdict:
        await until(lambda: bool(self.verdicts[attempt]))
        return self.verdicts[attempt][0]


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop work until the condition holds."""
    async with patience(line_of(condition)):
        while not condition():
            await asyncio.sleep(0.002)


class Peer:
    """One connection to a server of a test's own making."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> None:
        self.reader = reader
        self.writer = writer
        self.number = number
        """Which connection to this server it is, from 0."""

    async def request(self) -> tuple[bytes, bytes]:
        """The next request: head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head, await self.reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def gone(self) -> None:
        """Returns when the client has closed."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while await self.reader.read(65536):
                pass


class Authority:
    """A certificate authority of the test run, and a server certificate for loopback names."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self.file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.file))
        self.server = self.server_context("127.0.0.1", "localhost")
        self.client = client_context(self.file)

    def server_context(self, *names: str, ends: datetime | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._ca.issue_cert(*names, not_after=ends).configure_cert(context)
        return context


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(params=["plain", "tls"])
def secure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "tls")


@pytest.fixture(params=["direct", "httpx"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Harness:
    """Builds sinks and servers, and closes them; checks at the end that every request was answered exactly once."""

    def __init__(self, kind: str, authority: Authority, stack: AsyncExitStack, *, secure: bool) -> None:
        self.kind = kind
        self.secure = secure
        self.authority = authority
        self.answers = Recorder()
        self._stack = stack
        self.connections = 0
        """Made to servers of `serve`."""

    async def sink(
        self,
        endpoint: str,
        *,
        timeout: float = 5.0,  # noqa: ASYNC109 - the sink's setting, not a limit of this call
        max_in_flight: int = 10,
        credentials: ApiKey | None = None,
        tls: ssl.SSLContext | None = None,
        proxy: str | None = None,
        idle_limit: float = IDLE_LIMIT,
        max_age: float = MAX_AGE,
        resolve: Resolve = resolve,
    ) -> AnySink:
        parsed = Endpoint.parse(endpoint)
        key = credentials or FixedKey(DEFAULT_KEY)
        context = tls or self.authority.client
        sink: AnySink
        if self.kind == "direct":
            sink = DirectSink(
                parsed,
                key,
                timeout=timeout,
                max_in_flight=max_in_flight,
                tls=context,
                idle_limit=idle_limit,
                max_age=max_age,
                resolve=resolve,
            )
        else:
            sink = HttpxSink(parsed, key, timeout=timeout, tls=context, proxy=proxy, max_age=max_age, resolve=resolve)
        await sink.start(self.answers)
        self._stack.push_async_callback(sink.close)
        return sink

    def send(self, sink: AnySink, body: bytes = BODY, kind: RequestKind = TRACK) -> Attempt:
        attempt = Attempt(body, kind)
        self.answers.sent(attempt)
        self.answers.sending = True
        sink.send(attempt)
        self.answers.sending = False
        return attempt

    def abort(self, sink: AnySink, *attempts: Attempt) -> None:
        self.answers.sending = True
        sink.abort(attempts)
        self.answers.sending = False

    async def ask(self, sink: AnySink, body: bytes = BODY, kind: RequestKind = TRACK) -> Verdict:
        """Send one request and wait for its answer."""
        return await self.answers.of(self.send(sink, body, kind))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop work until the condition holds; the test's own time limit bounds it."""
        await until(condition)

    async def emulator(self, **settings: object) -> Emulator:
        tls = self.authority.server if self.secure else None
        return await self._stack.enter_async_context(Emulator(tls=tls, **settings))  # type: ignore[arg-type]

    async def serve(self, handler: Handler, tls: ssl.SSLContext | None = None) -> str:
        """A server that lets `handler` deal with each connection; returns its endpoint."""
        tasks: set[asyncio.Task[None]] = set()

        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            peer = Peer(reader, writer, self.connections)
            self.connections += 1
            task = asyncio.current_task()
            assert task is not None
            tasks.add(task)
            try:
                with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                    await handler(peer)
            finally:
                tasks.discard(task)
                writer.transport.abort()

        context = tls or (self.authority.server if self.secure else None)
        server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)

        async def stop() -> None:
            server.close()
            for task in list(tasks):
                task.cancel()
            await until(lambda: not tasks)
            await asyncio.sleep(0.01)

        self._stack.push_async_callback(stop)
        port = server.sockets[0].getsockname()[1]
        return f"{'https' if context else 'http'}://127.0.0.1:{port}"


@asynccontextmanager
async def _harness(kind: str, authority: Authority, *, secure: bool) -> AsyncIterator[Harness]:
    async with AsyncExitStack() as stack:
        made = Harness(kind, authority, stack, secure=secure)
        yield made
    await asyncio.sleep(0)
    assert made.answers.faults == []
    assert all(len(verdicts) == 1 for verdicts in made.answers.verdicts.values()), "each request is answered once"


@pytest.fixture
async def harness(kind: str, secure: bool, authority: Authority) -> AsyncIterator[Harness]:  # noqa: FBT001 - a fixture
    """Both sinks, plain and over TLS."""
    async with _harness(kind, authority, secure=secure) as made:
        yield made


@pytest.fixture
async def tls_harness(kind: str, authority: Authority) -> AsyncIterator[Harness]:
    """Both sinks over TLS."""
    async with _harness(kind, authority, secure=True) as made:
        yield made


@pytest.fixture
async def direct_harness(secure: bool, authority: Authority) -> AsyncIterator[Harness]:  # noqa: FBT001 - a fixture
    """The direct sink alone, for what its own pool promises."""
    async with _harness("direct", authority, secure=secure) as made:
        yield made


@pytest.fixture
async def proxy_harness(secure: bool, authority: Authority) -> AsyncIterator[Harness]:  # noqa: FBT001 - a fixture
    """The httpx sink alone, for proxies."""
    async with _harness("httpx", authority, secure=secure) as made:
        yield made


@pytest.fixture
def full_backlog() -> Iterator[str]:
    """An address that answers no attempt to connect: its queue of connections is full and nobody accepts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            for client in waiting:
                client.close()
