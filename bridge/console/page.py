"""What a page of the console is, and a visit to one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from bridge.console.forms import Fields
from bridge.console.parts import ConsoleParts
from bridge.console.security import RequestOrigin, asked
from bridge.console.session import ConsoleSession

if TYPE_CHECKING:
    from bridge.fleet.view import FleetView

COOKIE: Final = "bridge_console"
Context = Mapping[str, Any]
Query = Mapping[str, str]
Live = Callable[[ConsoleParts, "FleetView", Query], Context]
"""What the block `live` of the page's template shows. Of nobody in particular: it is made once for all who watch, so
nothing of a session may be in it.
"""
Show = Callable[["Visit"], Awaitable[Response]]
Take = Callable[["Visit", Fields], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class ConsolePage:
    """One page: ``pages/NAME.py`` and ``templates/NAME.html``."""

    name: str
    title: str
    path: str
    show: Show
    """How GET is answered."""
    key: str = ""
    """Behind ``g`` it leads there; empty: the page is in no menu."""
    under: str = ""
    """Name of the page that the menu shows as the present one; empty: this one."""
    is_by_mapping: bool = False
    """Whether it shows what the console's mapping makes: then it says where replicas work by another one."""
    live: Live | None = None
    live_query: Sequence[str] = ()
    """Names in the query that `live` asks for. What else stands there makes no view of its own."""
    more: Sequence[tuple[str, Show]] = ()
    """Further paths that are only looked at."""
    forms: Sequence[tuple[str, Take]] = ()
    """Paths that a form is posted to. Each changes something: only who is logged in gets there, with the token of the
    session in the form.
    """
    asks: Sequence[tuple[str, Take]] = ()
    """As `forms`, of those that only ask a question too large for an address, and that everybody may ask who may look;
    nobody's token is needed, so they must change nothing.
    """


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page."""

    request: Request
    parts: ConsoleParts
    pages: Sequence[ConsolePage]
    page: ConsolePage
    session: ConsoleSession | None
    now: float
    """Unix seconds."""
    notice: str = ""
    """That replicas work by another mapping, of pages that show what the console's makes; empty: they do not."""

    @property
    def query(self) -> Query:
        """What stands behind the question mark."""
        return query_of(self.request)

    @property
    def asked(self) -> RequestOrigin:
        """By whom, and how."""
        return asked(self.request)

    @property
    def may_act(self) -> bool:
        """Whether this visitor may change something."""
        return self.session is not None

    @property
    def may_see_values(self) -> bool:
        """Whether values of records may be shown: where that is configured, and where there is a token, only to who has
        it.
        """
        shown = self.parts.config.console.show_values
        return shown and (self.session is not None or not self.parts.sessions.can_log_in)

    @property
    def values_need_login(self) -> bool:
        """Whether values of records would be shown to this visitor after logging in."""
        return self.parts.config.console.show_values and not self.may_see_values

    @property
    def values_are(self) -> str:
        """Why values of records are not shown to this visitor, as the end of a sentence."""
        return "shown to who is logged in" if self.values_need_login else "not shown here: console.show_values"

    def render(self, context: Context, template: str | None = None, status: int = 200) -> HTMLResponse:
        """The page, or another template of it."""
        whole = {**surroundings(self), **context}
        return HTMLResponse(self.parts.renderer.page(template or f"{self.page.name}.html", whole), status)

    def to(self, path: str, **query: str) -> RedirectResponse:
        """Go there: after a form was taken, so that a reload does not send it again."""
        return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


async def show_live(visit: Visit) -> Response:
    """A page that is nothing but its live part."""
    assert visit.page.live is not None  # noqa: S101 - of pages that have one
    view = await visit.parts.fleet.view()
    return visit.render({"view": view, "now": view.at, **visit.page.live(visit.parts, view, visit.query)})


def query_of(request: Request) -> Query:
    """The last of several with one name."""
    return dict(request.query_params.multi_items())


def surroundings(visit: Visit) -> Context:
    """What the layout needs around every page."""
    parts, page = visit.parts, visit.page
    query = urlencode(visit.query)
    return {
        "page": page,
        "pages": [each for each in visit.pages if each.key],
        "present": page.under or page.name,
        "live_url": None if page.live is None else f"/live/{page.name}{f'?{query}' if query else ''}",
        "session": visit.session,
        "csrf": visit.session.csrf if visit.session is not None else "",
        "can_log_in": parts.sessions.can_log_in,
        "may_act": visit.may_act,
        "values_need_login": visit.values_need_login,
        "group_id": parts.config.kafka.group_id,
        "here": str(visit.request.url.path) + (f"?{query}" if query else ""),
        "now": visit.now,
        "notice": visit.notice,
    }


def wall_clock() -> float:
    """Unix seconds."""
    return time.time()
