"""The emulator with its page: what a browser and a script ask beside the Track API, on the same address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

import orjson

from bridge.config.keys.scalars import Listen
from bridge.emulator import fault_words, front, page
from bridge.emulator.fault_words import NamedFault
from bridge.emulator.front import EmulatorFront
from bridge.emulator.page import EmulatorView
from bridge.emulator.seen import RequestBook, SeenRequest
from bridge.sandbox.emulator.admin import ADMIN
from bridge.sandbox.emulator.connection import ReceivedRequest, ServerConnection
from bridge.sandbox.emulator.faults import Fault, FaultKind
from bridge.sandbox.emulator.server import Emulator

INTERVAL: Final = 0.5
"""Seconds between two looks at whether the page has changed."""
WATCHERS: Final = 50
"""Pages that follow at a time."""
_HTML: Final = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store"}
_JSON: Final = {"content-type": "application/json; charset=utf-8", "cache-control": "no-store"}
_PLAIN: Final = {"content-type": "text/plain; charset=utf-8", "cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class EmulatorSurroundings:
    """What the emulator does beside answering."""

    listen: Listen
    book: RequestBook
    wall: Callable[[], float]
    """Unix seconds."""
    tell: Callable[[SeenRequest], None]
    """Hears every request with its answer."""
    switched: Callable[[Sequence[NamedFault]], None]
    """Hears which faults are on from now on."""
    rate: str = "none"
    always: Sequence[Fault] = ()
    """What this API does besides, where none of the faults that are switched on decides."""
    latency: float = 0.0
    """Seconds before every answer."""
    seed: int = 0
    remote_faults: bool = False


class ServedEmulator(Emulator):
    """See `Emulator`; entered, it serves its page, too."""

    def __init__(self, around: EmulatorSurroundings, faults: Sequence[NamedFault] = (), **settings: Any) -> None:
        listen = around.listen
        super().__init__(host=listen.host, port=listen.port, keeps=around.book.keeps, watch=self._seen, **settings)
        self._around = around
        self._front = EmulatorFront(listen, around.remote_faults)
        self._following: set[ServerConnection] = set()
        self._ticker: asyncio.Task[None] | None = None
        self._event = b""
        self.faults: tuple[NamedFault, ...] = ()
        """Those that were switched on last."""
        self.switch(faults)

    def switch(self, faults: Sequence[NamedFault]) -> None:
        """Replace the faults; none: it answers as documented."""
        self.faults = tuple(faults)
        latency = self._around.latency
        script = [*(each.fault for each in faults), *self._around.always]
        if latency:
            script = [replace(each, delay=each.delay or latency) for each in script]
            script.append(Fault(kind=FaultKind.ORDINARY, delay=latency))
        self.set_faults(*script, seed=self._around.seed)
        self._around.switched(self.faults)

    def _seen(self, request: ReceivedRequest | None, answer: str, why: str | None) -> None:
        self._around.tell(self._around.book.add(request, answer, why, self._around.wall()))

    # --- requests --------------------------------------------------------------------------------------

    def request(self, connection: ServerConnection, request: ReceivedRequest) -> None:
        """See `Emulator.request`."""
        if not self._front.is_meant(request):
            super().request(connection, request)
            return
        refusal = self._front.refusal(request, connection.peer)
        if refusal is not None:
            connection.answer(_answer(refusal.status, f"{refusal.sentence}\n".encode(), _PLAIN))
        elif request.path.startswith(ADMIN):
            super().request(connection, request)
        elif request.path == front.LIVE:
            self._follow(connection)
        elif request.path == front.FAULTS:
            connection.answer(self._about_faults(request))
        elif request.path.startswith(front.STATIC):
            connection.answer(_file(request.path.removeprefix(front.STATIC)))
        else:
            connection.answer(self._page(None))

    def closed(self, connection: ServerConnection) -> None:
        """See `Emulator.closed`."""
        self._following.discard(connection)
        super().closed(connection)

    def _page(self, problem: str | None) -> bytes:
        return _answer(400 if problem else 200, page.page(self._shown(problem)).encode(), _HTML)

    def _shown(self, problem: str | None = None) -> EmulatorView:
        around = self._around
        return EmulatorView(around.book, self._on(), self.endpoint, self.keys, around.rate, around.wall(), problem)

    # --- faults ----------------------------------------------------------------------------------------

    def _about_faults(self, request: ReceivedRequest) -> bytes:
        if request.method == "GET":
            return self._faults_now()
        if request.method not in ("POST", "DELETE"):
            return _answer(405, b"GET shows the faults, POST replaces them, DELETE ends them.\n", _PLAIN)
        try:
            self.switch(() if request.method == "DELETE" else fault_words.read_all(_typed(request)))
        except ValueError as problem:
            if "sec-fetch-site" in request.headers:
                return self._page(str(problem))
            return _answer(400, f"{problem}\n".encode(), _PLAIN)
        if "sec-fetch-site" in request.headers:
            return _answer(303, b"", {"location": front.PAGE})
        return self._faults_now()

    def _on(self) -> tuple[NamedFault, ...]:
        """Those that may still decide: of `times=1` there is nothing left after the first request."""
        over = self.script.over(self._monotonic())
        return tuple(each for each, is_over in zip(self.faults, over, strict=False) if not is_over)

    def _faults_now(self) -> bytes:
        document = {"faults": [each.text for each in self._on()]}
        return _answer(200, orjson.dumps(document, option=orjson.OPT_APPEND_NEWLINE), _JSON)

    # --- the live part ---------------------------------------------------------------------------------

    def _follow(self, connection: ServerConnection) -> None:
        if len(self._following) >= WATCHERS:
            connection.answer(_answer(503, b"Too many pages follow already.\n", _PLAIN))
            return
        connection.answer(_head(200, {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}))
        connection.push(b"retry: 3000\n\n" + self._look())
        self._following.add(connection)
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.ensure_future(self._tick())

    def _look(self) -> bytes:
        lines = page.live(self._shown()).split("\n")
        return ("".join(f"data: {line}\n" for line in lines) + "\n").encode("utf-8", "replace")

    async def _tick(self) -> None:
        while self._following:
            event = self._look()
            for connection in tuple(self._following):
                if not connection.push(event):
                    connection.end()
            await asyncio.sleep(INTERVAL)


def _typed(request: ReceivedRequest) -> Iterable[str]:
    """The texts of the faults, from a form or from JSON. Raises ValueError with a sentence."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            found = orjson.loads(request.body)["faults"]
        except (ValueError, TypeError, KeyError):
            found = None
        if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
            raise ValueError('The body must be of the form {"faults": ["503:10%"]}.')
        return found
    # "503:10%" is sent as it is typed by curl -d, and its percent sign stands for itself.
    return parse_qs(request.body.decode("utf-8", "replace"), max_num_fields=100).get("fault", ())


def _file(name: str) -> bytes:
    if name not in page.FILES:
        return _answer(404, b"There is no such file.\n", _PLAIN)
    forever = {"content-type": page.FILES[name], "cache-control": "public, max-age=31536000, immutable"}
    return _answer(200, page.file(name), forever)


def plain(status: int, sentence: str) -> bytes:
    """An answer that is a sentence."""
    return _answer(status, f"{sentence}\n".encode(), _PLAIN)


def _answer(status: int, body: bytes, headers: Mapping[str, str]) -> bytes:
    return _head(status, headers, len(body)) + body


def _head(status: int, headers: Mapping[str, str], length: int | None = None) -> bytes:
    """Of a page; without a length it lasts until the connection ends."""
    size = {"connection": "close"} if length is None else {"content-length": str(length)}
    lines = [f"{name}: {value}" for name, value in {**front.HEADERS, **headers, **size}.items()]
    return "\r\n".join([f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *lines, "", ""]).encode("latin-1")
