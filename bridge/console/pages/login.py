"""Logging in with the token, and out."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.responses import Response

from bridge.console import forms
from bridge.console.forms import FIELD, Fields, PageRefusedError
from bridge.console.page import COOKIE, ConsolePage, Visit
from bridge.console.session import LONGEST, LoginRefusedError

_FORM_COOKIE: Final = "bridge_console_login"
_FORM_LASTS: Final = 3600
_MOST_TOKEN: Final = 1_000


async def show(visit: Visit) -> Response:
    """The form."""
    return _form(visit, visit.query.get("to", "/"), "")


async def log_in(visit: Visit, given: Fields) -> Response:
    """With the form."""
    sessions, client = visit.parts.sessions, visit.asked.client
    to = given.get("to", "/")
    if not sessions.is_login_form(visit.request.cookies.get(_FORM_COOKIE, ""), given.get(FIELD, "")):
        return _form(visit, to, "This form was open for too long. Try again.", 403)
    try:
        cookie = sessions.log_in(given.get("token", "")[:_MOST_TOKEN], client, given.get("name", ""))
    except LoginRefusedError as refused:
        visit.parts.log.warning("console_login_refused", client=client, message=str(refused.__cause__ or refused))
        answer = _form(visit, to, str(refused), 429 if refused.wait else 403)
        if refused.wait:
            answer.headers["retry-after"] = str(round(refused.wait))
        return answer
    session = sessions.session(cookie)
    visit.parts.log.info("console_login", client=client, name=session.name if session is not None else "")
    response = visit.to(place_of(to))
    _set(visit, response, COOKIE, cookie, int(LONGEST))
    response.delete_cookie(_FORM_COOKIE, path="/login", httponly=True, samesite="strict")
    return response


async def log_out(visit: Visit, _given: Fields) -> Response:
    """End the session."""
    visit.parts.sessions.log_out(visit.request.cookies.get(COOKIE, ""))
    visit.parts.log.info("console_logout", client=visit.asked.client, name=visit.session.name if visit.session else "")
    response = visit.to("/login" if visit.parts.reach.needs_login else "/")
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return response


def place_of(to: str) -> str:
    """A page of this console, never of another site."""
    parts = urlsplit(to)
    is_own = to.startswith("/") and not to.startswith(("//", "/\\")) and to.isprintable() and "\\" not in to
    return to if is_own and not parts.scheme and not parts.netloc else "/"


def _form(visit: Visit, to: str, problem: str, status: int = 200) -> Response:
    if not visit.parts.sessions.can_log_in:
        raise PageRefusedError(404, "This console only shows: console.token_file is not configured.")
    cookie, text = visit.parts.sessions.login_form()
    answer = visit.render({"to": place_of(to), "problem": problem, "form": text, "field": forms.FIELD}, status=status)
    _set(visit, answer, _FORM_COOKIE, cookie, _FORM_LASTS, path="/login")
    return answer


def _set(visit: Visit, response: Response, name: str, value: str, age: int, path: str = "/") -> None:
    secure = visit.asked.is_secure
    response.set_cookie(name, value, max_age=age, path=path, httponly=True, samesite="strict", secure=secure)


PAGE: Final = ConsolePage("login", "Log in", "/login", show, forms=(("/logout", log_out),), asks=(("/login", log_in),))
