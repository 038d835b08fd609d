"""Which path leads to which page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bridge.console import forms
from bridge.console.forms import PageRefusedError
from bridge.console.live import LiveHub, LiveKey, LiveResponse
from bridge.console.page import COOKIE, ConsolePage, Query, Show, Take, Visit, query_of, wall_clock
from bridge.console.pages import (
    act,
    find,
    letter,
    letters,
    login,
    mapping,
    now,
    offsets,
    partition,
    partitions,
    routes,
    send,
    settings,
)
from bridge.console.parts import ConsoleParts
from bridge.console.playground.other_mapping import notice
from bridge.console.rendering import STATIC
from bridge.console.security import Guard
from bridge.console.session import ConsoleSession
from bridge.fleet.view import FleetView

PAGES: Final[Sequence[ConsolePage]] = (
    now.PAGE,
    partitions.PAGE,
    partition.PAGE,
    act.PAGE,
    offsets.PAGE,
    routes.PAGE,
    letters.PAGE,
    letter.PAGE,
    find.PAGE,
    mapping.PAGE,
    send.PAGE,
    settings.PAGE,
    login.PAGE,
)
"""In the order of the menu. A new page: its two files, and its row here."""
_ERROR: Final = ConsolePage("error", "Not shown", "/error", login.show)
_LONGEST_QUERY: Final = 1_000
_FOR_EVER: Final = "public, max-age=31536000, immutable"

Endpoint = Callable[[Request], Awaitable[Response]]


class Console:
    """The application, and what of it has to be closed."""

    def __init__(self, parts: ConsoleParts, pages: Sequence[ConsolePage] = PAGES) -> None:
        self._parts = parts
        self._pages = pages
        self.hub = LiveHub(parts.fleet, self._render_live, parts.log)
        routed = Starlette(
            routes=self._routes(),
            exception_handlers={PageRefusedError: self._refused, HTTPException: self._not_found},
        )
        self.application: ASGIApp = Guard(routed, parts.reach)
        """What a server runs."""

    def close(self) -> None:
        """Whoever watches, or waits for an answer that takes long, would otherwise keep the process."""
        self.hub.close()
        self._parts.confined.close()

    def _routes(self) -> list[Route]:
        found = [
            Route("/livez", _lives),
            Route("/readyz", _lives),
            Route("/static/{name}", self._static),
            Route("/live/{name}", self._live),
        ]
        for page in self._pages:
            looks = [(path, self._looked_at(page, show), "GET") for path, show in ((page.path, page.show), *page.more)]
            forms_ = [(path, self._posted(page, take), "POST") for path, take in page.forms]
            asks = [(path, self._asked(page, take), "POST") for path, take in page.asks]
            found += [
                Route(path, self._or_error(endpoint), methods=[method])
                for path, endpoint, method in (*looks, *forms_, *asks)
            ]
        return found

    # --- pages -------------------------------------------------------------------------------------------

    def _looked_at(self, page: ConsolePage, show: Show) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = self._visit(request, page)
            return _to_login(request) if self._must_log_in(visit) else await show(await self._noticed(visit))

        return endpoint

    def _posted(self, page: ConsolePage, take: Take) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = self._visit(request, page)
            if visit.session is None:
                raise PageRefusedError(403, self._why_not())
            given = await forms.fields(request)
            forms.check(given, visit.session.csrf)
            return await take(await self._noticed(visit), given)

        return endpoint

    def _asked(self, page: ConsolePage, take: Take) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            visit = self._visit(request, page)
            if self._must_log_in(visit):
                return _to_login(request)
            given = await forms.fields(request)
            if visit.session is not None and page is not login.PAGE:  # its form is of no session, and has its own
                forms.check(given, visit.session.csrf)
            return await take(await self._noticed(visit), given)

        return endpoint

    def _why_not(self) -> str:
        if self._parts.sessions.can_log_in:
            return "Nothing is changed without the token: log in, and repeat it. A session ends when it is not used."
        return "This console can change nothing: console.token_file is not configured."

    def _visit(self, request: Request, page: ConsolePage) -> Visit:
        return Visit(request, self._parts, self._pages, page, self._session(request), wall_clock())

    async def _noticed(self, visit: Visit) -> Visit:
        if not visit.page.is_by_mapping:
            return visit
        return replace(visit, notice=notice(await self._parts.fleet.view(), self._parts.config))

    def _session(self, request: Request, *, is_used: bool = True) -> ConsoleSession | None:
        return self._parts.sessions.session(request.cookies.get(COOKIE, ""), is_used=is_used)

    def _must_log_in(self, visit: Visit) -> bool:
        return visit.session is None and visit.page is not login.PAGE and self._parts.reach.needs_login

    # --- the live parts ----------------------------------------------------------------------------------

    async def _live(self, request: Request) -> LiveResponse:
        page = next((each for each in self._pages if each.name == request.path_params["name"]), None)
        if page is None or page.live is None:
            raise PageRefusedError(404, "There is no such page.")
        if len(request.url.query) > _LONGEST_QUERY:
            raise PageRefusedError(414, "This question is too long.")

        def may_look() -> bool:
            return not self._parts.reach.needs_login or self._session(request, is_used=False) is not None

        if not may_look():
            raise PageRefusedError(401, "Log in first.")
        return LiveResponse(self.hub, (page.name, live_query(page, query_of(request))), may_look)

    def _render_live(self, key: LiveKey, view: FleetView) -> str:
        page = next(each for each in self._pages if each.name == key[0])
        assert page.live is not None  # noqa: S101 - `_live` lets no other one in
        context = page.live(self._parts, view, dict(parse_qsl(key[1], keep_blank_values=True)))
        shared = {"view": view, "now": view.at, "can_log_in": self._parts.sessions.can_log_in}
        return self._parts.renderer.fragment(f"{page.name}.html", {**shared, **context})

    # --- the rest ----------------------------------------------------------------------------------------

    async def _static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in STATIC:
            raise PageRefusedError(404, "There is no such file.")
        content = self._parts.renderer.files[name]
        return Response(content, media_type=STATIC[name], headers={"cache-control": _FOR_EVER})

    async def _refused(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, PageRefusedError)  # noqa: S101 - it is the handler of these
        return self._error(request, error.status, str(error))

    async def _not_found(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - it is the handler of these
        sentence = "There is no such page." if error.status_code == 404 else f"{error.detail}."
        return self._error(request, error.status_code, sentence)

    def _or_error(self, endpoint: Endpoint) -> Endpoint:
        """A defect of one page is a sentence to its visitor, and a traceback in the log."""

        async def guarded(request: Request) -> Response:
            try:
                return await endpoint(request)
            except (PageRefusedError, HTTPException):
                raise
            except Exception as error:  # a defect, of whatever kind
                self._parts.log.error("console_page_failed", page=request.url.path, exc_info=error)  # noqa: TRY400 - it has no exception()
                sentence = "This page cannot be shown; the console's log says why. Please report it."
                return self._error(request, 500, sentence)

        return guarded

    def _error(self, request: Request, status: int, sentence: str) -> Response:
        visit = self._visit(request, _ERROR)
        return visit.render({"sentence": sentence, "status": status}, status=status)


def live_query(page: ConsolePage, given: Query) -> str:
    """What of a query the page's live part asks for, in one order: whoever sees the same shares one view."""
    return urlencode([(name, given[name]) for name in page.live_query if given.get(name)])


async def _lives(_request: Request) -> Response:
    """It answers; how the group is, the pages say."""
    return PlainTextResponse("ok\n")


def _to_login(request: Request) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?to={quote(here, safe='')}", 303)
