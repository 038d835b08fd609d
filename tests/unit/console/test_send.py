"""A file sent from the console: looked at first, with token and reason; nothing of it is shown or kept."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from bridge.console.security import MOST_UPLOAD
from bridge.console.sending import desk as desk_module
from bridge.console.sending.desk import MOST_WAITING, PATIENCE
from bridge.sending.other_mapping import number_of
from tests.support.console.page_faults import faults, text_of
from tests.support.console.running import (
    LOCAL,
    TOKEN,
    ConsoleSetting,
    Opened,
    Visitor,
    console_of,
    hidden,
    logging_to,
)
from tests.support.console.sender import SenderInMemory
from tests.support.log_output import LogOutput
from tests.support.waiting import until
from tests.unit.console.test_other_mapping import working_by


@pytest.fixture(autouse=True)
def _of_one_mapping(setting: ConsoleSetting) -> None:
    working_by(setting, number_of(setting.config))


def event(user: str, kind: str = "order.completed", amount: Any = "1") -> str:
    return json.dumps({"type": kind, "data": {"user": user, "amount": amount, "email": "hidden-value@b.example"}})


FILE = "\n".join([event("u-1"), event("u-2"), event("u-1"), event("u-3", "audit"), event("")]).encode()


def look(visitor: Visitor, content: bytes = FILE, name: str = "lost.ndjson", **given: str) -> Any:
    fields = {"csrf": visitor.csrf(), "form": "values", "topic": "", "from_line": "", **given}
    return visitor.upload("/send/preview", fields, name, content)


def test_a_look_says_what_the_file_comes_to_and_shows_nothing_of_it(trusted: Visitor) -> None:
    answer = look(trusted, name="C:\\data\\lost.ndjson")
    text = text_of(answer.text)
    assert answer.status_code == 200
    assert faults(answer.text) == []
    assert "Send 3 requests?" in text
    assert "What lost.ndjson comes to" in text
    assert "records 5 requests 3, of 2 users left out 1, by a rule of the mapping" in text
    assert "refused 1 cannot become a request" in text
    assert "3 Order Completed" in text
    assert "takes about 2 s with 20% of the budget, 1 s with 50% of the budget, 1 s with 100% of the budget" in text
    assert text.split("how many why lines")[1].split()[:2] == ["1", "unmappable:"]
    assert "hidden-value" not in answer.text
    assert "data:" not in text.split("They go to")[0].split("Refused")[0]


@pytest.mark.parametrize(
    ("content", "requests"),
    [
        (f"[{event('u-1')},\n {event('u-2')}]".encode(), 2),
        (
            json.dumps(
                {"topic": "shop.orders", "partition": 0, "offset": 4, "payload": event("u-1"), "key": None}
            ).encode(),
            1,
        ),
        (event("u-1").encode("utf-8-sig"), 1),
    ],
    ids=["array", "kcat", "byte order mark"],
)
def test_what_the_commands_read_is_read_here(trusted: Visitor, content: bytes, requests: int) -> None:
    assert f"Send {requests} request" in text_of(look(trusted, content).text)


def test_whole_records_are_read_where_that_is_said(trusted: Visitor) -> None:
    content = json.dumps({"topic": "shop.users", "value": json.loads(event("u-1"))}).encode()
    assert "Send 1 request?" in text_of(look(trusted, content, form="records").text)
    refused = look(trusted, FILE, form="records")
    assert refused.status_code == 400
    assert "lost.ndjson, line 1:" in text_of(refused.text)


@pytest.mark.parametrize(
    ("content", "given", "said"),
    [
        (b"", {}, "lost.ndjson is empty"),
        ("{}".encode("utf-16"), {}, "UTF-16 text: save it as UTF-8"),
        (FILE, {"from_line": "9"}, "From line 9: the last record of lost.ndjson is in line 5"),
        (FILE, {"from_line": "first"}, "a number from 1"),
    ],
)
def test_what_cannot_be_read_is_said_above_the_form(
    trusted: Visitor, content: bytes, given: dict[str, str], said: str
) -> None:
    answer = look(trusted, content, **given)
    assert answer.status_code == 400
    assert said in text_of(answer.text)
    assert faults(answer.text) == []


def test_a_form_without_a_file_asks_for_one(trusted: Visitor) -> None:
    for answer in (look(trusted, b"", name=""), trusted.post("/send/preview", {"csrf": trusted.csrf()})):
        assert answer.status_code == 400
        assert "Choose a file." in text_of(answer.text)


def test_a_file_that_is_too_large_is_not_taken_in_and_the_sentence_says_what_to_do(
    trusted: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = look(trusted, b"x" * MOST_UPLOAD)
    assert answer.status_code == 413
    assert "A file may have 16 MB here. Split it, or send it with `" in answer.text
    monkeypatch.setattr(desk_module, "MOST_RECORDS", 4)
    assert "has more than 4 records" in text_of(look(trusted).text)


def test_nothing_of_a_file_is_ever_on_a_disk(trusted: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(*_given: object, **_named: object) -> None:
        raise AssertionError("a file was made")

    monkeypatch.setattr(tempfile, "TemporaryFile", made)
    content = b"\n".join([event("u-1", amount="9" * 1000).encode()] * 3000)
    assert "Send 3,000 requests?" in text_of(look(trusted, content).text)


@pytest.mark.parametrize("path", ["/logout", "/act/preview", "/send/begin"])
def test_other_forms_take_no_file(trusted: Visitor, path: str) -> None:
    answer = trusted.upload(path, {"csrf": trusted.csrf()}, "a", b"{}")
    assert answer.status_code == 415


def test_a_file_is_sent_by_nobody_else_and_not_for_ever(with_token: ConsoleSetting, opened: Opened) -> None:
    with opened(with_token) as ann:
        ann.log_in(name="ann")
        shown = [hidden(look(ann).text, "which") for _ in range(MOST_WAITING + 1)]

        def begins(which: str) -> int:
            given = {"csrf": ann.csrf(), "which": which, "rate": "20%", "because": ""}
            return int(ann.post("/send/begin", given).status_code)

        assert [begins(each) for each in shown] == [409, 400, 400, 400], "only so many wait; a reason is needed"
        cookie = ann.client.cookies["bridge_console"]
        ann.client.cookies.clear()
        ann.log_in(name="eve")
        assert begins(shown[-1]) == 409
        ann.client.cookies.clear()
        ann.client.cookies.set("bridge_console", cookie)
        assert begins(shown[-1]) == 400
        with_token.clock.now += PATIENCE + 1
        assert begins(shown[-1]) == 409


def test_nothing_is_sent_by_a_mapping_that_a_replica_does_not_work_by(
    with_token: ConsoleSetting, opened: Opened
) -> None:
    working_by(with_token, "012345678")
    with opened(with_token) as visitor:
        visitor.log_in()
        shown = look(visitor)
        assert "works by another mapping (012345678)" in text_of(shown.text)
        assert 'action="/send/begin"' not in shown.text
        given = {"csrf": visitor.csrf(), "which": hidden_of_none(shown.text), "rate": "20%", "because": "x"}
        assert visitor.post("/send/begin", given).status_code == 409


def hidden_of_none(page: str) -> str:
    """The form is not there, so its name is not known."""
    assert 'name="which"' not in page
    return "guessed"


# --- the job ---------------------------------------------------------------------------------------------


@dataclass
class Watched:
    """A console on one loop, and who looks at it."""

    browser: httpx.AsyncClient
    sender: SenderInMemory
    logged: LogOutput

    async def text(self, path: str) -> str:
        """What a page says."""
        return text_of((await self.browser.get(path)).text)

    async def until(self, path: str, said: str) -> str:
        """The page's text once it says this."""
        text = ""
        for _ in range(1000):
            text = await self.text(path)
            if said in text:
                return text
            await asyncio.sleep(0)
        raise AssertionError(text)

    async def begin(self, because: str = "lost in the outage") -> httpx.Response:
        """Look at the file, and send it."""
        csrf = hidden((await self.browser.get("/settings")).text, "csrf")
        files = {"file": ("lost.ndjson", FILE)}
        shown = await self.browser.post("/send/preview", data={"csrf": csrf}, files=files)
        given = {"csrf": csrf, "which": hidden(shown.text, "which"), "rate": "50%", "because": because}
        return await self.browser.post("/send/begin", data=given)

    async def log_of(self, name: str) -> list[dict[str, Any]]:
        """Once there is some: a job may log its end right behind what the page says."""
        await until(f"{name} is logged", lambda: bool(self.logged.events(name)), explain=lambda: str(self.logged.lines))
        return self.logged.events(name)


@pytest.fixture
async def watched(with_token: ConsoleSetting) -> AsyncIterator[Watched]:
    sender, logged = SenderInMemory(), LogOutput()
    with_token.sends = sender
    log = logging_to(logged)
    console = console_of(with_token, log.logger)
    transport = httpx.ASGITransport(console.application)
    async with httpx.AsyncClient(transport=transport, base_url=LOCAL, headers={"origin": LOCAL}) as browser:
        login = (await browser.get("/login")).text
        await browser.post("/login", data={"csrf": hidden(login, "csrf"), "token": TOKEN, "name": "ann"})
        yield Watched(browser, sender, logged)
        sender.goes_on.set()
    console.close()
    log.close()


async def test_a_sending_is_watched_to_its_end_and_its_reason_kept(watched: Watched) -> None:
    begun = await watched.begin()
    assert begun.headers["location"] == "/send/job"
    text = await watched.until("/send/job", "Sending: 2 of 5")
    assert "by ann why lost in the outage" in text
    assert "lost.ndjson: 2 of 5 records, being sent" in await watched.text("/send")
    second = await watched.begin()
    assert second.status_code == 409
    assert "being sent already" in text_of(second.text)
    watched.sender.goes_on.set()
    page = await watched.until("/send/job", "Over: 5 of 5")
    assert "4 accepted by the API 1 rejected" in page
    assert "line 1: rejected 422" in page
    assert [each.number for each in watched.sender.sent] == [1, 2, 3, 4, 5]
    assert watched.sender.rates == [5.0], "half of 600 a minute"
    began, ended = await watched.log_of("console_send_began"), await watched.log_of("console_send_ended")
    assert [(each["by"], each["because"], each["records"]) for each in began] == [("ann", "lost in the outage", 5)]
    assert [(each["accepted"], each["rejected"], each["left"]) for each in ended] == [(4, 1, 0)]
    assert watched.sender.tally.lines == (), "nothing of the file is kept"


async def test_a_sending_is_stopped_and_says_where_to_resume(watched: Watched) -> None:
    await watched.begin()
    await watched.until("/send/job", "Sending: 2 of 5")
    csrf = hidden((await watched.browser.get("/settings")).text, "csrf")
    await watched.browser.post("/send/job/stop", data={"csrf": csrf})
    page = await watched.until("/send/job", "Stopped: 2 of 5")
    assert "3 not sent, or without an answer" in page
    assert "send the file again from line 3 to resume" in page
    assert [each["by"] for each in await watched.log_of("console_send_stopped")] == ["ann"]
