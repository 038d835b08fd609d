"""What every request must be and every answer carries."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from starlette.routing import Route

from bridge.console.app import PAGES
from bridge.console.security import POLICY
from tests.support.console.page_faults import text_of
from tests.support.console.running import LOCAL, ConsoleSetting, Opened, Visitor, hidden
from tests.support.log_output import LogOutput

CHANGING = [path for page in PAGES for path, _ in page.forms]
ASKING = [path for page in PAGES for path, _ in page.asks]
LOOKING = [path for page in PAGES for path, _ in ((page.path, page.show), *page.more)]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9465", "127.0.0.1.evil.example", "localhost.evil", ""])
@pytest.mark.parametrize("path", ["/", "/live/now", "/static/console.js", "/nowhere"])
def test_a_name_that_somebody_else_made_lead_here_is_not_served(visitor: Visitor, host: str, path: str) -> None:
    answer = visitor.get(path, host=host)
    assert answer.status_code == 421
    assert "does not answer to the name" in answer.text
    assert "userpilot-bridge" not in answer.text


@pytest.mark.parametrize("host", ["127.0.0.1:9465", "localhost:8080", "LOCALHOST", "[::1]:9465", "10.1.2.3"])
def test_its_address_and_localhost_are_served_at_every_port(visitor: Visitor, host: str) -> None:
    assert visitor.get("/", host=host).status_code == 200


def test_a_name_it_was_told_is_served(setting: ConsoleSetting, opened: Opened) -> None:
    setting.names = frozenset({"bridge.example"})
    with opened(setting) as visitor:
        assert visitor.get("/", host="bridge.example:9465").status_code == 200
        assert visitor.get("/", host="other.example").status_code == 421


def test_several_hosts_are_none(visitor: Visitor) -> None:
    answer = visitor.client.get("/", headers=[("host", "127.0.0.1:9465"), ("host", "evil.example")])
    assert answer.status_code == 421


def test_probes_are_answered_under_every_name_and_say_nothing(visitor: Visitor, setting: ConsoleSetting) -> None:
    for path in ("/livez", "/readyz"):
        answer = visitor.get(path, host="10-0-0-7.pod")
        assert (answer.status_code, answer.text) == (200, "ok\n")
    assert setting.looks == 0


@pytest.mark.parametrize("path", [*LOOKING, "/live/nowhere", "/static/console.css", "/livez", "/nowhere"])
def test_every_answer_carries_the_policy(trusted: Visitor, path: str) -> None:
    headers = trusted.get(path).headers
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin", "with no-referrer every form has the origin null"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert ("no-store" in headers["cache-control"]) == (not path.startswith("/static/console"))


def test_a_refusal_carries_it_too(visitor: Visitor) -> None:
    assert visitor.get("/", host="evil.example").headers["content-security-policy"] == POLICY


@pytest.mark.parametrize("path", LOOKING)
def test_no_page_has_anything_inline(trusted: Visitor, path: str) -> None:
    page = trusted.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=|javascript:", page, re.IGNORECASE)


# --- forms ---------------------------------------------------------------------------------------------


@pytest.fixture
def forms(trusted: Visitor) -> tuple[Visitor, dict[str, str]]:
    return trusted, {"csrf": trusted.csrf()}


def test_there_are_forms_to_try(forms: tuple[Visitor, dict[str, str]]) -> None:
    assert "/logout" in CHANGING
    assert len(forms[1]["csrf"]) > 30


@pytest.mark.parametrize("path", [*CHANGING, *ASKING])
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9466"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_not_taken(
    forms: tuple[Visitor, dict[str, str]], path: str, headers: dict[str, str]
) -> None:
    visitor, given = forms
    answer = visitor.post(path, given, **headers)
    assert answer.status_code == 403
    assert "another site" in answer.text
    assert "Log out" in visitor.get("/settings").text


@pytest.mark.parametrize("path", [*CHANGING, *ASKING])
def test_a_form_that_comes_from_nowhere_is_not_taken(forms: tuple[Visitor, dict[str, str]], path: str) -> None:
    visitor, given = forms
    assert visitor.client.post(path, data=given).status_code == 403


@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize("given", [{"x": ""}, {"csrf": ""}, {"csrf": "x" * 43}, {"csrf": "é"}])
def test_a_form_without_the_token_of_its_session_changes_nothing(
    trusted: Visitor, path: str, given: dict[str, str]
) -> None:
    assert trusted.post(path, given).status_code == 403
    assert "Log out" in trusted.get("/settings").text


@pytest.mark.parametrize("path", CHANGING)
def test_who_is_not_logged_in_changes_nothing(with_token: ConsoleSetting, opened: Opened, path: str) -> None:
    with opened(with_token) as visitor:
        answer = visitor.post(path, {"csrf": ""})
    assert answer.status_code == 403
    assert "without the token" in answer.text


@pytest.mark.parametrize("path", CHANGING)
def test_without_a_token_configured_nothing_is_changed_by_anybody(visitor: Visitor, path: str) -> None:
    answer = visitor.post(path, {"csrf": ""})
    assert answer.status_code == 403
    assert "console.token_file is not configured" in answer.text


def test_a_form_of_another_kind_or_size_is_not_read(trusted: Visitor) -> None:
    headers = {"origin": LOCAL}
    assert trusted.client.post("/logout", json={"csrf": "x"}, headers=headers).status_code == 415
    many = {f"f{number}": "x" for number in range(300)}
    assert trusted.post("/logout", many).status_code == 400
    assert trusted.post("/logout", {"csrf": "x" * 2_000_001}).status_code == 413
    raw = {**headers, "content-type": "application/x-www-form-urlencoded"}
    assert trusted.client.post("/logout", content=b"csrf=%ff", headers=raw).status_code == 400
    assert trusted.client.post("/logout", content=iter([b"csrf=x"]), headers=raw).status_code == 411


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(visitor: Visitor, method: str) -> None:
    answer = visitor.client.request(method, "/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_every_path_that_takes_a_form_is_one_of_a_page(opened: Opened, setting: ConsoleSetting) -> None:
    """Which are the ones that are guarded, and tried above."""
    with opened(setting) as visitor:
        guard = visitor.client.app
        routes = [each for each in guard._app.routes if isinstance(each, Route)]  # type: ignore[attr-defined]
    posted = {each.path for each in routes if "POST" in (each.methods or ())}
    assert posted == {*CHANGING, *ASKING}


def test_a_defect_of_a_page_is_a_sentence_and_a_line_of_the_log(
    setting: ConsoleSetting, opened: Opened, logged: LogOutput
) -> None:
    async def fails() -> None:
        raise KeyError("secret-detail")

    setting.look = fails  # type: ignore[method-assign, assignment]
    with opened(setting) as visitor:
        answer = visitor.get("/")
    assert answer.status_code == 500
    assert "the console's log says why" in text_of(answer.text)
    assert "secret-detail" not in answer.text
    assert any(line["event"] == "console_page_failed" for line in logged.lines)


# --- behind a proxy ------------------------------------------------------------------------------------


@pytest.fixture
def proxied(with_token: ConsoleSetting, opened: Opened) -> Iterator[Visitor]:
    with_token.behind_proxy = True
    with opened(with_token) as visitor:
        yield visitor


FORWARDED = {"x-forwarded-host": "bridge.example", "x-forwarded-proto": "https", "x-forwarded-for": "1.2.3.4, 10.9.8.7"}


def test_behind_a_proxy_its_word_says_where_a_form_comes_from(proxied: Visitor, logged: LogOutput) -> None:
    page = proxied.get("/login", **FORWARDED)
    cookie = page.headers["set-cookie"].partition(";")[0]
    given, told = {"csrf": hidden(page.text, "csrf"), "token": "wrong"}, {**FORWARDED, "cookie": cookie}
    assert "another site" in proxied.post("/login", given, origin=LOCAL, **told).text
    answer = proxied.post("/login", given, origin="https://bridge.example", **told)
    assert "not the token" in answer.text
    refused = [line for line in logged.lines if line["event"] == "console_login_refused"]
    assert [line["client"] for line in refused] == ["10.9.8.7"]


def test_behind_tls_cookies_go_over_tls_alone(proxied: Visitor, opened: Opened, with_token: ConsoleSetting) -> None:
    assert "; Secure" in proxied.get("/login", **FORWARDED).headers["set-cookie"]
    with_token.behind_proxy = False
    with opened(with_token) as visitor:
        cookie = visitor.get("/login", **FORWARDED).headers["set-cookie"]
        assert "Secure" not in cookie, "nobody's word is believed without --behind-proxy"
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie


def test_behind_a_proxy_rebinding_is_refused_all_the_same(proxied: Visitor) -> None:
    """A page of somebody else can set forwarded headers in what it fetches, but never Host."""
    assert proxied.get("/", host="evil.example", **FORWARDED).status_code == 421


def test_with_names_given_the_proxys_word_must_be_one_of_them(with_token: ConsoleSetting, opened: Opened) -> None:
    with_token.behind_proxy, with_token.names = True, frozenset({"bridge.example"})
    with opened(with_token) as visitor:
        assert visitor.get("/login", **FORWARDED).status_code == 200
        assert visitor.get("/login", **{**FORWARDED, "x-forwarded-host": "evil.example"}).status_code == 421


def test_where_others_could_look_even_looking_needs_the_token(proxied: Visitor) -> None:
    for path in LOOKING:
        if path != "/login":
            answer = proxied.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login?to="), path
    assert proxied.get("/live/now").status_code == 401


@pytest.mark.parametrize("path", ["/letters?match=data.a", "/find", "/mapping", "/live/now", "/", "/static/console.js"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_of_another_site_may_lead_here_and_fetch_nothing(visitor: Visitor, path: str, site: str) -> None:
    for mode, dest in (("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe")):
        answer = visitor.get(path, **{"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest})
        assert answer.status_code == 403, mode
        assert "another site" in answer.text
    own = {"sec-fetch-site": site, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert visitor.get("/settings", **own).status_code == 200
