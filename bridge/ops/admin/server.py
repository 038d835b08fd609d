"""A small HTTP server for probes, scrapes and operators: GET and HEAD of a few pages, nothing else; with a token that
signs them, orders are taken at one more path.

It runs on the loop that delivers events, on purpose: a loop that is stuck cannot answer its liveness probe. So it has
to be cheap and nobody's to block: heads, connections, idle time and unread answers are bounded, and when all
connections are taken the one idle longest is closed, so that strangers cannot starve the probes: neither by holding
theirs open nor by opening new ones all the time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import parse_qsl, unquote

from bridge.accepting import stop_listening
from bridge.errors import Unreachable
from bridge.ops.admin.streaming import BegunOutlet, StreamRefusal, StreamRequest
from bridge.text.listening import cannot_listen

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from bridge.ops.admin.streaming import Stream

MAX_HEAD = 8 * 1024
"""Bytes of a request line with its headers."""
_END_OF_LINE = "\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_METHODS = ("GET", "HEAD")
_STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nCache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
)
"""It has no length: it ends with the connection."""
_SWEEP = 0.5
_BACKLOG = 512
"""Connections that wait to be accepted: a probe turned away by a burst of others tries again after a second only."""


PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class PageResponse:
    """What a page returns."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    media_type: str = PLAIN


class PostReply(Protocol):
    """What comes of a POST."""

    @property
    def status(self) -> HTTPStatus:
        """Of the answer."""

    @property
    def body(self) -> bytes:
        """All of it."""

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """Beside those of every answer."""


if TYPE_CHECKING:
    Post = Callable[[Mapping[str, str], int, str, Callable[[], Awaitable[bytes]]], Awaitable[PostReply]]
    """Takes the request's headers by names in small letters, the length of its body, the address of the client, and
    what reads the body, at once or never. It has to judge by the headers whether the body is worth it.
    """

    Page = Callable[[str], PageResponse]
    """Takes the request's Accept header ("" where there is none). Runs on the loop, so it must be quick."""


@dataclass(frozen=True, slots=True)
class ServerLimits:
    """What one client, or all of them, may take. Seconds and counts."""

    connections: int = 64
    head_timeout: float = 10.0
    """From the first byte of a request to the end of its head, and for an answer to be read."""
    idle_timeout: float = 75.0
    """Between two requests of a connection: longer than the usual scrape interval, so that scrapers keep theirs."""


class CannotListenError(Unreachable):
    """The address cannot be bound; the message is one sentence for the operator."""


class AdminServer:
    """Serves pages by their exact path."""

    def __init__(
        self, pages: Mapping[str, Page], limits: ServerLimits | None = None, posts: Mapping[str, Post] | None = None
    ) -> None:
        """`posts`: what takes a POST, by its exact path; none by default."""
        self._pages = {"/": _index(pages), **pages}
        self._posts = posts or {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.streams: dict[str, Stream] = {}
        """Pages that do not end, by their exact path; they may come at any time."""
        self._limits = limits or ServerLimits()
        self._connections: dict[_PageConnection, None] = {}
        """The one idle longest first."""
        self._makes_room = False
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._connections)

    async def start(self, host: str, port: int) -> tuple[str, int]:
        """Listen; returns the address in use, which names the real port where 0 was asked for.

        Raises CannotListenError.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _PageConnection(self._pages, self._posts, self._limits, self), host, port, backlog=_BACKLOG
            )
        except OSError as error:
            raise CannotListenError(f"observability.listen: {cannot_listen(f'{host}:{port}', error)}.") from error
        self._sweep(loop)
        address = self._server.sockets[0].getsockname()
        return str(address[0]), int(address[1])

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._server is not None:
            await stop_listening(self._server)
        for connection in list(self._connections):
            connection.drop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()

    def began(self, task: asyncio.Task[None]) -> None:
        """A POST is answered, whether or not its client still listens."""
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (defect := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler({"message": "a POST failed", "exception": defect})

    def opened(self, connection: _PageConnection) -> None:
        """A client connected; the connections idle longest are closed when there are too many."""
        self._connections[connection] = None
        if len(self._connections) > self._limits.connections and not self._makes_room:
            self._makes_room = True
            # Two turns later: whoever came in the same burst with a request is heard before it can be closed for a
            # newcomer that has said nothing.
            loop = asyncio.get_running_loop()
            loop.call_soon(loop.call_soon, self._make_room)

    def answered(self, connection: _PageConnection) -> None:
        """A client got an answer: the shortest idle of all. Bytes that are no request change nothing."""
        if connection in self._connections:
            del self._connections[connection]
            self._connections[connection] = None

    def closed(self, connection: _PageConnection) -> None:
        """A connection is gone."""
        self._connections.pop(connection, None)

    def _make_room(self) -> None:
        self._makes_room = False
        for connection in list(self._connections)[: max(0, len(self._connections) - self._limits.connections)]:
            connection.drop()

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        """One timer for all connections: one each would cost more than the requests."""
        now = loop.time()
        for connection in [each for each in self._connections if each.deadline <= now]:
            connection.drop()
        self._sweeper = loop.call_later(_SWEEP, self._sweep, loop)


class _PageConnection(asyncio.Protocol):
    """One client. `deadline` (loop time) moves with every request it completes; past it the connection is dropped."""

    def __init__(
        self, pages: Mapping[str, Page], posts: Mapping[str, Post], limits: ServerLimits, server: AdminServer
    ) -> None:
        self._pages = pages
        self._posts = posts
        self._body: _PostedBody | None = None
        self._limits = limits
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._writable = True
        self._end_stream: Callable[[], None] | None = None
        """Set while a page is written that does not end."""
        self.deadline = self._loop.time() + limits.head_timeout

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's, so there is nothing to check.
        self._transport = cast("asyncio.Transport", transport)
        self._server.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        self._transport = None
        if self._body is not None:
            self._body.broken()
        if self._end_stream is not None:
            self._end_stream()
        self._server.closed(self)

    def drop(self) -> None:
        """Close at once, whatever is still unsent."""
        if self._transport is not None:
            self._transport.abort()
        self._server.closed(self)

    def data_received(self, data: bytes) -> None:
        if self._body is not None:
            self._body.take(data)
            return
        if self._end_stream is not None:
            return  # whoever watches has nothing more to say
        if not self._buffer:
            self.deadline = self._loop.time() + self._limits.head_timeout
        self._buffer += data
        self._serve()

    def pause_writing(self) -> None:
        """The client does not read its answers: take no further requests from it."""
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        # Not at once: asyncio's transports call this in the middle of a write and cannot bear to be closed by it.
        self._loop.call_soon(self._serve)

    def _is_taken(self) -> bool:
        """No further request is answered: this one's body, or its page, has not ended."""
        return self._body is not None or self._end_stream is not None

    def _serve(self) -> None:
        """Answer one request. Further ones that came with it wait for the loop's next turn, behind everybody else, and
        nothing more is read meanwhile: neither time nor memory goes to one client alone.
        """
        transport = self._transport
        if transport is None or transport.is_closing() or not self._writable or self._is_taken():
            return
        head, separator, rest = self._buffer.partition(_END_OF_HEAD)
        if len(head) > MAX_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"A request may have {MAX_HEAD} bytes of headers.")
            return
        if separator:
            self._buffer = rest
            self._answer(head)
        if transport.is_closing() or self._is_taken():
            return
        if separator and (rest or not self._writable):
            transport.pause_reading()
            self._loop.call_soon(self._serve)
        else:
            transport.resume_reading()

    def _answer(self, head: bytes) -> None:
        request = parse(head)
        if isinstance(request, str):
            self._refuse(HTTPStatus.BAD_REQUEST, request)
        elif request.method == "POST" and request.path in self._posts:
            self._post(request, self._posts[request.path])
        elif request.method not in _METHODS:
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD.")
        elif request.has_body:
            self._refuse(HTTPStatus.BAD_REQUEST, "A request must have no body.")
        elif request.method == "GET" and request.path in self._server.streams:
            self._begin_stream(request, self._server.streams[request.path])
        else:
            self._send(self._look_up(request), body=request.method != "HEAD", keep=request.keep_alive)
            answered = self._writable and not self._buffer
            patience = self._limits.idle_timeout if answered else self._limits.head_timeout
            self.deadline = self._loop.time() + patience
            self._server.answered(self)

    def _post(self, request: PageRequest, post: Post) -> None:
        length = request.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and len(length) < 12) or "transfer-encoding" in request.headers:
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "Say how long the body is: Content-Length.")
            return
        assert self._transport is not None  # noqa: S101 - checked by _serve
        # Nothing more is read before the body is wanted, and this connection ends with the answer.
        self._transport.pause_reading()
        self._body, self._buffer = _PostedBody(int(length), self._buffer, self._transport), b""
        self.deadline = float("inf")
        self._server.answered(self)
        self._server.began(self._loop.create_task(self._take(request, post, self._body), name="post"))

    async def _take(self, request: PageRequest, post: Post, body: _PostedBody) -> None:
        async def read() -> bytes:
            async with asyncio.timeout(self._limits.head_timeout):
                return await body.read()

        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        try:
            reply = await post(request.headers, body.length, str(peer[0]) if peer else "", read)
        except (TimeoutError, EOFError):
            self.drop()
            return
        except BaseException:
            self.drop()
            raise
        if self._transport is not None and not self._transport.is_closing():
            self.deadline = self._loop.time() + self._limits.head_timeout
            answer = PageResponse(reply.body, reply.status, "application/json" if reply.headers else PLAIN)
            self._send(answer, body=True, keep=False, more=reply.headers)

    def _begin_stream(self, request: PageRequest, stream: Stream) -> None:
        """Its end is that of the connection; what is written before the head is sent follows it."""
        assert self._transport is not None  # noqa: S101 - checked by _serve
        peer, own = (self._transport.get_extra_info(name) for name in ("peername", "sockname"))
        query = dict(parse_qsl(request.query, keep_blank_values=True))
        self._buffer = b""
        begun = BegunOutlet(self._write_stream)
        try:
            who = StreamRequest(query, request.headers, *(str(each[0]) if each else "" for each in (peer, own)))
            end = stream(who, begun)
        except Exception as error:  # noqa: BLE001 - as for a page
            self._loop.call_exception_handler({"message": f"{request.path} cannot be begun", "exception": error})
            self._refuse(HTTPStatus.INTERNAL_SERVER_ERROR, "This page cannot be begun; the log says why.")
            return
        if isinstance(end, StreamRefusal):
            self._refuse(end.status, end.sentence)
            return
        self._end_stream = end
        self.deadline = float("inf")
        self._server.answered(self)
        self._transport.write(_STREAM_HEAD)
        begun.begin()

    def _write_stream(self, data: bytes) -> bool:
        """False where the client does not read as fast as that."""
        transport = self._transport
        if transport is None or transport.is_closing() or not self._writable:
            return False
        transport.write(data)
        return True

    def _look_up(self, request: PageRequest) -> PageResponse:
        page = self._pages.get(request.path)
        if page is None:
            return PageResponse(b"No such page; / lists them.\n", HTTPStatus.NOT_FOUND)
        try:
            return page(request.accept)
        except Exception as error:  # noqa: BLE001 - a defect in one page must not take the probes with it
            self._loop.call_exception_handler({"message": f"{request.path} cannot be rendered", "exception": error})
            return PageResponse(b"This page cannot be rendered; the log says why.\n", HTTPStatus.INTERNAL_SERVER_ERROR)

    def _refuse(self, status: HTTPStatus, sentence: str) -> None:
        """What follows cannot be trusted to be the beginning of a request, so the connection ends here."""
        self._buffer = b""
        self._send(PageResponse(f"{sentence}\n".encode(), status), body=True, keep=False)

    def _send(self, answer: PageResponse, *, body: bool, keep: bool, more: Sequence[tuple[str, str]] = ()) -> None:
        assert self._transport is not None  # noqa: S101 - checked by _serve, and nothing awaits in between
        allow = f"Allow: {', '.join(_METHODS)}\r\n" if answer.status is HTTPStatus.METHOD_NOT_ALLOWED else ""
        head = (
            f"HTTP/1.1 {answer.status.value} {answer.status.phrase}\r\n"
            f"Content-Type: {answer.media_type}\r\n"
            f"Content-Length: {len(answer.body)}\r\n"
            f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{allow}"
            f"{''.join(f'{name}: {value}{_END_OF_LINE}' for name, value in more)}"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n"
        ).encode("ascii")
        self._transport.write(head + answer.body if body else head)
        if not keep:
            self._transport.close()


class _PostedBody:
    """Of a POST: nothing of it is read from the network before somebody wants it, and no more than it may have."""

    def __init__(self, length: int, begun: bytes, transport: asyncio.Transport) -> None:
        self.length = length
        self._content = bytearray(begun)
        self._transport = transport
        self._whole: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def read(self) -> bytes:
        """All of it. `EOFError` where the client is gone."""
        if not self._whole.done():
            self._transport.resume_reading()
            self.take(b"")
        return await self._whole

    def take(self, data: bytes) -> None:
        """More of it came."""
        self._content += data
        if len(self._content) >= self.length and not self._whole.done():
            self._transport.pause_reading()
            self._whole.set_result(bytes(self._content[: self.length]))
            self._content.clear()

    def broken(self) -> None:
        """The client is gone."""
        if not self._whole.done():
            self._whole.set_exception(EOFError("the client is gone"))
            self._whole.exception()  # perhaps nobody waits for it


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What matters of a request's head."""

    method: str
    path: str
    accept: str
    keep_alive: bool
    has_body: bool
    headers: Mapping[str, str]
    """By names in small letters."""
    query: str = ""


def parse(head: bytes) -> PageRequest | str:
    """Read a request's head, without its empty line; a sentence for what is no request."""
    request_line, *fields = head.lstrip(b"\r\n").decode("latin-1").split("\r\n")
    words = request_line.split(" ")
    if len(words) != 3 or words[2] not in ("HTTP/1.1", "HTTP/1.0") or not words[1].startswith("/"):
        return "The first line must be: GET /path HTTP/1.1"
    headers: dict[str, str] = {}
    for field in fields:
        name, colon, value = field.partition(":")
        if not colon or not name or name != name.strip():
            return "A header line must be: Name: value"
        headers[name.lower()] = value.strip()
    has_body = "transfer-encoding" in headers or headers.get("content-length", "0") != "0"
    connection = headers.get("connection", "").lower()
    keep_alive = "close" not in connection if words[2] == "HTTP/1.1" else "keep-alive" in connection
    path, _, query = words[1].partition("?")
    return PageRequest(words[0], unquote(path), headers.get("accept", ""), keep_alive, has_body, headers, query)


def _index(pages: Mapping[str, Page]) -> Page:
    body = "".join(f"{path}\n" for path in pages).encode()
    return lambda _accept: PageResponse(body)
