"""The console in a real Chromium: served on a port of its own, opened in as many ways as people have."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Literal

import uvicorn
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Frame, Page, Playwright, Request, expect

from tests.support.console.running import ConsoleSetting, console_of, logging_to
from tests.support.log_output import LogOutput

Scheme = Literal["light", "dark"]
NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS: Final = (
    "--no-sandbox",  # tests run as root in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",  # it must ask nobody but the console
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE: Final = 60_000
"""Milliseconds that a machine may take which has more to do than this."""
GIVEN_UP: Final = "net::ERR_ABORTED"
"""By the browser itself, not by the console."""


def chromium() -> str | None:
    """The program, where one is installed."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@asynccontextmanager
async def launched(playwright: Playwright) -> AsyncIterator[Browser]:
    """One Chromium, with a profile of its own."""
    expect.set_options(timeout=PATIENCE)
    browser = await playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS), timeout=PATIENCE)
    try:
        yield browser
    finally:
        await browser.close()


@asynccontextmanager
async def served(setting: ConsoleSetting) -> AsyncIterator[str]:
    """The console's address, while it is served."""
    log = logging_to(LogOutput())
    console = console_of(setting, log.logger)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(
            uvicorn.Config(console.application, log_config=None, access_log=False, lifespan="off", ws="none")
        )
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            console.hub.close()
            server.should_exit = True
            await running
            log.close()


@dataclass
class Tab:
    """One open page, and what its visitor's browser complained about."""

    page: Page
    said: list[str] = field(default_factory=list)
    document: int = 0
    """How many the window has shown."""
    asked_by: dict[Request, int] = field(default_factory=dict)
    """The document that was shown when a request began."""
    given_up: list[Request] = field(default_factory=list)

    def listen(self) -> None:
        """To everything that a developer would see in red."""
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("requestfailed", self._failed)
        self.page.on("framenavigated", self._shown)

    @property
    def complaints(self) -> list[str]:
        """What a developer would see in red, but for requests of a page that was left: its visitor ended those."""
        still_here = (request for request in self.given_up if self.asked_by.get(request) == self.document)
        return [*self.said, *map(_failure, still_here)]

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.said.append(message.text)

    def _shown(self, frame: Frame) -> None:
        if frame == self.page.main_frame:
            self.document += 1

    def _asked(self, request: Request) -> None:
        self.asked_by[request] = self.document

    def _failed(self, request: Request) -> None:
        if request.url.rpartition("/live/")[1]:  # a page that is left ends its stream
            return
        if request.failure == GIVEN_UP:
            self.given_up.append(request)
        else:
            self.said.append(_failure(request))


def _failure(request: Request) -> str:
    return f"{request.url}: {request.failure}"


@asynccontextmanager
async def tab(
    browser: Browser, *, width: int = 1440, scheme: Scheme = "light", scripts: bool = True
) -> AsyncIterator[Tab]:
    """A window of that width, whose visitor prefers that scheme."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    try:
        context.set_default_timeout(PATIENCE)
        found = Tab(await context.new_page())
        found.listen()
        yield found
    finally:
        await context.close()
