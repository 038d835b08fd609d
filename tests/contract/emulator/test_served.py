"""The emulator as a command serves it: the documented request, faults switched while it runs, a page that follows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest

from bridge.config.keys.scalars import Listen
from bridge.emulator import fault_words
from bridge.emulator.fault_words import NamedFault
from bridge.emulator.seen import RequestBook, SeenRequest
from bridge.emulator.served import EmulatorSurroundings, ServedEmulator
from tests.support.waiting import patience, until

# Userpilot's page "Track Event", as it is printed there.
DOCUMENTED_HEADERS = {
    "Content-Type": "application/json",
    "Authorization": "Token NX-emulator",
    "X-API-Version": "2020-09-22",
}
DOCUMENTED_BODY = (
    b'{"user_id": "unique_user_id", "event_name": "user_subscribed",'
    b' "metadata": {"plan": "free", "created_at": "1519205055"}}'
)


@dataclass
class Served:
    api: ServedEmulator
    client: httpx.AsyncClient
    told: list[SeenRequest] = field(default_factory=list)
    switched: list[tuple[NamedFault, ...]] = field(default_factory=list)

    async def track(self, body: bytes = DOCUMENTED_BODY) -> httpx.Response:
        return await self.client.post("/v1/track", content=body, headers=DOCUMENTED_HEADERS)


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    told: list[SeenRequest] = []
    switched: list[tuple[NamedFault, ...]] = []
    around = EmulatorSurroundings(
        Listen("127.0.0.1", 0), RequestBook(2, 0.0), lambda: 0.0, told.append, lambda each: switched.append(tuple(each))
    )
    async with (
        ServedEmulator(around) as api,
        httpx.AsyncClient(base_url=api.endpoint, trust_env=False, timeout=60) as client,
    ):
        yield Served(api, client, told, switched)


async def test_the_literal_documented_request_is_accepted_and_told(served: Served) -> None:
    answer = await served.track()
    assert (answer.status_code, answer.content) == (202, b"")
    (seen,) = served.told
    assert (seen.call, seen.user_id, seen.name, seen.is_accepted) == (
        "track",
        "unique_user_id",
        "user_subscribed",
        True,
    )
    assert seen.details == {"plan": "free", "created_at": "1519205055"}


async def test_what_is_refused_is_told_with_the_sentence_of_the_answer(served: Served) -> None:
    answer = await served.track(b'{"user_id": "u-1"}')
    assert answer.status_code == 400
    assert served.told[0].why == answer.json()["errors"][0]["message"]
    assert (await served.client.post("/v1/track/event", headers=DOCUMENTED_HEADERS)).status_code == 404
    assert [each.answer for each in served.told] == ["400", "404"]


async def test_faults_are_switched_while_it_runs_by_form_and_by_json_and_end(served: Served) -> None:
    typed = await served.client.post(
        "/_faults", content=b"fault=503:100%", headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert typed.json() == {"faults": ["503:100%"]}
    assert (await served.track()).status_code == 503
    assert served.told[0].why == "told to fail"
    assert (await served.client.post("/_faults", json={"faults": ["429:retry-after=7", "401"]})).status_code == 200
    refused = await served.track()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "7")
    wrong = await served.client.post("/_faults", json={"faults": ["nonsense"]})
    assert (wrong.status_code, wrong.text[:24]) == (400, "'nonsense' is no fault: ")
    assert (await served.client.get("/_faults")).json() == {"faults": ["429:retry-after=7", "401"]}
    assert (await served.client.delete("/_faults")).json() == {"faults": []}
    assert (await served.track()).status_code == 202
    assert served.switched[-1] == ()


async def test_a_browsers_form_leads_back_to_the_page_and_a_wrong_one_says_why_on_it(served: Served) -> None:
    browser = {"sec-fetch-site": "same-origin", "origin": served.api.endpoint}
    answer = await served.client.post("/_faults", data={"fault": "503:10%"}, headers=browser)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = (await served.client.get("/")).text
    assert "1 fault switched on" in page
    wrong = await served.client.post("/_faults", data={"fault": "<nonsense>"}, headers=browser)
    assert wrong.status_code == 400
    assert "&lt;nonsense&gt;&#x27; is no fault" in wrong.text


async def test_a_fault_that_came_as_often_as_it_may_is_off(served: Served) -> None:
    faults = {"faults": ["400:times=1", "503:for=600s,event=nothing"]}
    assert (await served.client.post("/_faults", json=faults)).json() == faults
    assert [(await served.track()).status_code for _ in range(2)] == [400, 202]
    assert (await served.client.get("/_faults")).json() == {"faults": ["503:for=600s,event=nothing"]}
    assert "1 fault switched on" in (await served.client.get("/")).text


async def test_the_page_stands_without_scripts_and_follows_with_them(served: Served) -> None:
    await served.track()
    page = await served.client.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "user_subscribed" in page.text
    for asset in re.findall(r'"(/_static/[^"]+)"', page.text):
        assert (await served.client.get(asset)).status_code == 200, asset
    async with served.client.stream("GET", "/_live") as stream:
        pieces = stream.aiter_text()
        seen = await anext(pieces)
        await served.track(DOCUMENTED_BODY.replace(b"user_subscribed", b"plan_changed"))
        async with patience("the page shows the new event", explain=lambda: seen):
            while "plan_changed" not in seen:
                seen += await anext(pieces)
    await until("the page's connection is closed", lambda: served.api.ledger.connections <= 1)


async def test_it_remembers_only_its_last_requests_and_numbers_go_on(served: Served) -> None:
    for _ in range(5):
        await served.track()
    assert [each.number for each in served.api.ledger.accepted] == [3, 4]
    stats = (await served.client.get("/_emulator/stats")).json()
    assert stats["accepted"] == 5
    lines = (await served.client.get("/_emulator/accepted?since=4")).text.splitlines()
    assert len(lines) == 1
    assert '"number":4' in lines[0]


async def test_latency_is_before_every_answer_and_before_those_of_faults() -> None:
    around = EmulatorSurroundings(
        *(Listen("127.0.0.1", 0), RequestBook(9, 0.0), lambda: 0.0, lambda _: None, lambda _: None), latency=30.0
    )
    api = ServedEmulator(around, fault_words.read_all(["503:event=E", "slow:by=1s"]))
    assert [each.delay for each in api.script.faults] == [30.0, 1.0, 30.0]


async def test_any_key_is_accepted_where_that_is_said_and_none_is_not() -> None:
    around = EmulatorSurroundings(
        Listen("127.0.0.1", 0), RequestBook(9, 0.0), lambda: 0.0, lambda _: None, lambda _: None
    )
    async with (
        ServedEmulator(around, keys=None) as api,
        httpx.AsyncClient(base_url=api.endpoint, trust_env=False, timeout=60) as client,
    ):
        found = [
            (
                await client.post(
                    "/v1/track", content=DOCUMENTED_BODY, headers={**DOCUMENTED_HEADERS, "Authorization": given}
                )
            ).status_code
            for given in ("Token whatever", "Token", "Bearer whatever")
        ]
    assert found == [202, 401, 401]
