"""Logging in, and every way a session ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.console.pages.login import place_of
from bridge.console.session import IDLE, LONGEST, MOST_ADDRESSES, MOST_SESSIONS, LoginRefusedError, Sessions
from bridge.console.token import SHORTEST, TokenFile
from bridge.errors import InvalidError
from tests.support.console.running import TOKEN, Clock, ConsoleSetting, Opened, Visitor
from tests.support.log_output import LogOutput

HERE = "127.0.0.1"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(token_file: Path, clock: Clock) -> Sessions:
    return Sessions(TokenFile(token_file, clock), clock)


def test_the_token_opens_a_session_and_nothing_else_does(sessions: Sessions) -> None:
    cookie = sessions.log_in(f" {TOKEN}\n", HERE, "ada")
    found = sessions.session(cookie)
    assert found is not None
    assert found.name == "ada"
    assert sessions.session("") is None
    assert sessions.session(cookie + "x") is None
    assert cookie not in repr(sessions.__dict__), "memory does not hold what opens one"
    for wrong in ("", TOKEN[:-1], TOKEN + "x"):
        with pytest.raises(LoginRefusedError, match="not the token"):
            sessions.log_in(wrong, f"{HERE}{wrong}")


def test_it_ends_when_it_is_not_used(sessions: Sessions, clock: Clock) -> None:
    cookie = sessions.log_in(TOKEN, HERE)
    for _ in range(3):
        clock.now += IDLE - 1
        assert sessions.session(cookie) is not None
    clock.now += IDLE + 1
    assert sessions.session(cookie) is None


def test_a_page_that_only_follows_does_not_keep_it(sessions: Sessions, clock: Clock) -> None:
    cookie = sessions.log_in(TOKEN, HERE)
    clock.now += IDLE - 1
    assert sessions.session(cookie, is_used=False) is not None
    clock.now += 2
    assert sessions.session(cookie, is_used=False) is None


def test_it_ends_after_its_time_however_much_it_is_used(sessions: Sessions, clock: Clock) -> None:
    cookie = sessions.log_in(TOKEN, HERE)
    for _ in range(int(LONGEST / 1_000)):
        clock.now += 1_000
        assert sessions.session(cookie) is not None
    clock.now += 1_000
    assert sessions.session(cookie) is None


def test_it_ends_when_the_token_changes_or_cannot_be_read(sessions: Sessions, clock: Clock, token_file: Path) -> None:
    cookie, other = sessions.log_in(TOKEN, HERE), sessions.log_in(TOKEN, HERE)
    token_file.write_text("another-token-of-some-length")
    clock.now += 1.0
    assert sessions.session(cookie) is None
    with pytest.raises(LoginRefusedError, match="not the token"):
        sessions.log_in(TOKEN, HERE)
    token_file.unlink()
    clock.now += 1.0
    assert sessions.session(other) is None
    with pytest.raises(LoginRefusedError, match="Nobody can log in just now"):
        sessions.log_in(TOKEN, HERE)


def test_there_are_never_more_than_so_many(sessions: Sessions) -> None:
    first, second = sessions.log_in(TOKEN, HERE), sessions.log_in(TOKEN, HERE)
    assert sessions.session(first) is not None
    for _ in range(MOST_SESSIONS - 1):
        sessions.log_in(TOKEN, HERE)
    assert sessions.session(second) is None, "the one used longest ago"
    assert sessions.session(first) is not None


def test_wrong_tokens_become_slow_for_whoever_sends_them_alone(sessions: Sessions, clock: Clock) -> None:
    waits = []
    for _ in range(11):
        with pytest.raises(LoginRefusedError) as refused:
            sessions.log_in("wrong-token", HERE)
        waits.append(refused.value.wait)
        clock.now += refused.value.wait
    assert [wait for wait in waits if wait][:3] == [2.0, 4.0, 8.0]
    with pytest.raises(LoginRefusedError, match="try again in"):
        sessions.log_in(TOKEN, HERE)
    assert sessions.log_in(TOKEN, "10.0.0.1")


def test_what_is_remembered_of_wrong_tokens_is_bounded(sessions: Sessions) -> None:
    for number in range(MOST_ADDRESSES + 10):
        with pytest.raises(LoginRefusedError):
            sessions.log_in("wrong-token", str(number))
    assert len(sessions._tries) == MOST_ADDRESSES


@pytest.mark.parametrize("token", ["", "x" * (SHORTEST - 1), f"  {'x' * (SHORTEST - 1)}\n"])
def test_a_token_that_can_be_guessed_is_none(tmp_path: Path, token: str) -> None:
    path = tmp_path / "short"
    path.write_text(token)
    with pytest.raises(InvalidError, match=f"Put at least {SHORTEST}"):
        TokenFile(path).digest()


def test_the_file_is_not_read_for_every_request(token_file: Path, clock: Clock) -> None:
    token = TokenFile(token_file, clock)
    before = token.digest()
    os.truncate(token_file, 0)
    assert token.digest() == before
    clock.now += 1.0
    with pytest.raises(InvalidError):
        token.digest()


# --- over the pages ------------------------------------------------------------------------------------


def test_logging_in_and_out(with_token: ConsoleSetting, opened: Opened, logged: LogOutput) -> None:
    with opened(with_token) as visitor:
        assert "Log in" in visitor.get("/").text
        answer = visitor.log_in(name="ada\x1b", to="/partitions?sort=lag")
        assert (answer.status_code, answer.headers["location"]) == (303, "/partitions?sort=lag")
        cookie = next(each for each in answer.headers.get_list("set-cookie") if each.startswith("bridge_console="))
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert TOKEN not in cookie
        assert r"ada\x1b" in visitor.get("/").text
        assert visitor.post("/logout", {"csrf": visitor.csrf()}).status_code == 303
        assert "Log out" not in visitor.get("/").text
    assert [line["event"] for line in logged.lines] == ["console_login", "console_logout"]
    assert TOKEN not in str(logged.lines)


def test_a_wrong_token_is_refused_on_the_page_and_in_the_log(
    with_token: ConsoleSetting, opened: Opened, logged: LogOutput
) -> None:
    with opened(with_token) as visitor:
        answer = visitor.log_in("a-wrong-token-somebody-typed")
        assert answer.status_code == 403
        assert "This is not the token" in answer.text
        for _ in range(3):
            answer = visitor.log_in("a-wrong-token-somebody-typed")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
    assert {line["event"] for line in logged.lines} == {"console_login_refused"}
    assert "somebody-typed" not in str(logged.lines)


def test_nobody_is_logged_in_by_a_form_of_another_page(with_token: ConsoleSetting, opened: Opened) -> None:
    with opened(with_token) as visitor:
        answer = visitor.post("/login", {"csrf": "f" * 64, "token": TOKEN})
        assert answer.status_code == 403
        assert "bridge_console=" not in str(answer.headers.get_list("set-cookie"))


def test_without_a_token_there_is_nothing_to_log_in_with(visitor: Visitor) -> None:
    assert "console.token_file is not configured" in visitor.get("/login").text
    assert "Read-only" in visitor.get("/").text


@pytest.mark.parametrize(
    ("to", "place"),
    [
        ("/partitions?sort=lag", "/partitions?sort=lag"),
        ("", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/x\r\nset-cookie: a", "/"),
    ],
)
def test_after_logging_in_nobody_is_led_elsewhere(to: str, place: str) -> None:
    assert place_of(to) == place
