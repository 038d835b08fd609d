"""Pages that follow what happens: each part is made once, however many watch, and sent as server-sent events."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from bridge.console.forms import PageRefusedError
from bridge.fleet.source import FleetSource
from bridge.ops.log.logger import EventLogger

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from bridge.fleet.view import FleetView

INTERVAL: Final = 2.0
"""Seconds between two views."""
MOST: Final = 200
"""Pages that follow at once."""
MOST_VIEWS: Final = 20
"""Different ones among them: each is made anew at every turn."""
_SILENT_TURNS: Final = 7
"""After so many without anything new a comment shows that the connection lives."""
_HEADERS: Final = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)

LiveKey = tuple[str, str]
"""A page's name and its query."""
Render = Callable[[LiveKey, "FleetView"], str]


@dataclass(slots=True)
class _WatchedPart:
    """What everybody sees who watches one page with one query."""

    watchers: int = 0
    number: int = 0
    event: bytes = field(default=b"", repr=False)


class LiveHub:
    """All methods belong to one event loop."""

    def __init__(self, source: FleetSource, render: Render, log: EventLogger, interval: float = INTERVAL) -> None:
        self._source = source
        self._render = render
        self._log = log
        self._interval = interval
        self._parts: dict[LiveKey, _WatchedPart] = {}
        self._turn = asyncio.Event()
        self._ticker: asyncio.Task[None] | None = None
        self._is_closed = False

    @property
    def watchers(self) -> int:
        """Pages that follow now."""
        return sum(part.watchers for part in self._parts.values())

    def enter(self, key: LiveKey) -> _WatchedPart:
        """One more watches. Raises `PageRefusedError`."""
        if self._is_closed or self.watchers >= MOST:
            raise PageRefusedError(503, "Too many pages follow already; this one is shown as it is when it is loaded.")
        if key not in self._parts and len(self._parts) >= MOST_VIEWS:
            raise PageRefusedError(
                503, "Too many different pages follow already; this one is shown as it is when it is loaded."
            )
        part = self._parts.setdefault(key, _WatchedPart())
        part.watchers += 1
        if self._ticker is None or self._ticker.done():
            self._ticker = asyncio.ensure_future(self._tick())
        return part

    def leave(self, key: LiveKey) -> None:
        """One less. Nothing is looked at or made for a page nobody watches."""
        part = self._parts[key]
        part.watchers -= 1
        if not part.watchers:
            del self._parts[key]

    async def turn(self) -> bool:
        """Waits until all parts are made anew; whether there will be more."""
        await self._turn.wait()
        return not self._is_closed

    def close(self) -> None:
        """Every stream ends at once."""
        self._is_closed = True
        self._turn.set()
        if self._ticker is not None:
            self._ticker.cancel()

    async def _tick(self) -> None:
        while self._parts:
            try:
                view = await self._source.view()
            except Exception as error:  # noqa: BLE001 - whoever watches is not left for one look that failed
                self._log.error("console_look_failed", message=f"{error}", exc_info=error)
            else:
                for key, part in list(self._parts.items()):
                    self._make(key, part, view)
            turn, self._turn = self._turn, asyncio.Event()
            turn.set()
            await asyncio.sleep(self._interval)

    def _make(self, key: LiveKey, part: _WatchedPart, view: FleetView) -> None:
        try:
            event = server_sent(self._render(key, view))
        except Exception as error:  # noqa: BLE001 - a defect in one page must not take the others with it
            self._log.error("console_page_failed", page=key[0], exc_info=error)
            return
        if event != part.event:
            part.event = event
            part.number += 1


class LiveResponse:
    """The stream of one page, until it is closed on either side or its visitor may not look any more."""

    def __init__(self, hub: LiveHub, key: LiveKey, may_look: Callable[[], bool]) -> None:
        self._hub = hub
        self._key = key
        self._may_look = may_look
        self._part = hub.enter(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as ASGI has it
        """Sends until there is nobody to send to."""
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_left(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._hub.leave(self._key)
            for task in (sending, leaving):
                task.cancel()
            with contextlib.suppress(OSError):  # the client went while something was sent to it
                await asyncio.gather(*(task for task in (sending,) if task.done() and not task.cancelled()))

    async def _send(self, send: Send) -> None:
        async def piece(body: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": body, "more_body": more})

        await send({"type": "http.response.start", "status": 200, "headers": list(_HEADERS)})
        await piece(b"retry: 3000\n\n")
        seen, silent = self._part.number, 0
        if seen:
            await piece(self._part.event)
        while await self._hub.turn():
            if not self._may_look():
                await piece(b"event: ended\ndata: \n\n", more=False)
                return
            silent += 1
            if self._part.number != seen:
                seen, silent = self._part.number, 0
                await piece(self._part.event)
            elif silent >= _SILENT_TURNS:
                silent = 0
                await piece(b": still here\n\n")
        await piece(b"", more=False)


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def server_sent(text: str) -> bytes:
    """One event: every line of the text behind ``data:``."""
    return ("".join(f"data: {line}\n" for line in text.split("\n")) + "\n").encode("utf-8", "replace")
