"""The emulated API keeps the documented contract, misbehaves exactly as told, and remembers what it saw."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind, RateLimit
from bridge.sandbox.emulator.contract import busiest_window

HEADERS = {"Content-Type": "application/json", "Authorization": "Token NX-emulator", "X-API-Version": "2020-09-22"}
EVENT = {"user_id": "u-1", "event_name": "Order Completed", "metadata": {"amount": 12.5, "gift": True, "plan": "pro"}}


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    async with talking_to(emulator) as made:
        yield made


def talking_to(emulator: Emulator) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=emulator.endpoint, trust_env=False, headers=HEADERS, timeout=60)


async def track(client: httpx.AsyncClient, event: object = EVENT, **options: Any) -> httpx.Response:
    content = event if isinstance(event, bytes) else json.dumps(event).encode()
    return await client.post("/v1/track", content=content, **options)


async def test_the_documented_request_is_accepted_with_an_empty_202(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    answer = await track(client)
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-request-id"]
    accepted = emulator.ledger.accepted[0]
    assert (accepted.number, accepted.user_id, accepted.event_name) == (0, "u-1", "Order Completed")
    assert accepted.metadata == EVENT["metadata"]
    assert json.loads(accepted.body) == EVENT


@pytest.mark.parametrize("path", ["/v1/track/event", "/v1/v1/track", "/v1track", "/v2/track", "/", "/v1/track/"])
async def test_every_other_path_is_a_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.post(path, json=EVENT)).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_every_other_method_is_a_405_that_names_the_right_one(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/v1/track")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "value", ["Bearer NX-emulator", "token NX-emulator", "NX-emulator", "Token NX-other", "Token", ""]
)
async def test_every_other_authorization_is_a_401_in_the_documented_words(
    client: httpx.AsyncClient, emulator: Emulator, value: str
) -> None:
    answer = await track(client, headers={"Authorization": value})
    assert answer.status_code == 401
    error = answer.json()["errors"][0]
    assert set(error) == {"details", "error", "error_code", "message"}
    assert all(isinstance(text, str) for text in error.values())
    assert emulator.ledger.accepted == []


@pytest.mark.parametrize("headers", [{"Content-Type": "text/plain"}, {"X-API-Version": "2021-01-01"}])
async def test_missing_headers_are_a_400(client: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await track(client, headers=headers)).status_code == 400


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'"x"', b"\xff", b'{"user_id":"u"}', b'{"event_name":"e"}', b'{"user_id":1,"event_name":"e"}',
    b'{"user_id":"","event_name":"e"}', b'{"user_id":null,"event_name":"e"}', b'{"user_id":"u","event":"e"}',
    b'{"user_id":"u","event_name":"e","company":{}}', b'{"user_id":"u","event_name":"e","metadata":[]}',
    b'{"user_id":"u","event_name":"e","metadata":null}', b'{"user_id":"u","event_name":"e","metadata":{"a":null}}',
    b'{"user_id":"u","event_name":"e","metadata":{"a":{}}}', b'{"user_id":"u","event_name":"e","metadata":{"a":[1]}}',
    b'{"user_id":"u","event_name":"e","metadata":{"a":NaN}}',
    b'{"user_id":"u","event_name":"e","metadata":{"a":1e999}}',
    b'{"user_id":"u","user_id":"v","event_name":"e"}', b'{"user":{},"event":{}}', b"[" * 100_000,
])  # fmt: skip
async def test_every_body_outside_the_contract_is_a_400(
    client: httpx.AsyncClient, emulator: Emulator, body: bytes
) -> None:
    assert (await track(client, body)).status_code == 400
    assert emulator.ledger.accepted == []
    assert emulator.ledger.refusals[0].startswith("400 invalid_input: ")


async def test_an_oversized_body_is_a_413(client: httpx.AsyncClient) -> None:
    assert (await track(client, b"x" * 1_100_000)).status_code == 413


async def test_a_rotated_key_is_refused_and_the_new_one_accepted(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.keys = frozenset({"NX-new"})
    assert (await track(client)).status_code == 401
    assert (await track(client, headers={"Authorization": "Token NX-new"})).status_code == 202


@pytest.mark.parametrize("says_when", [True, False])
async def test_the_rate_limit_refuses_what_is_over_it(
    emulator: Emulator,
    client: httpx.AsyncClient,
    says_when: bool,  # noqa: FBT001 - a column of the table
) -> None:
    emulator.limit_rate(RateLimit(3, window=60, retry_after=says_when))
    answers = [await track(client) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429, 429]
    assert ("retry-after" in answers[4].headers) is says_when
    assert len(emulator.ledger.accepted) == 3
    emulator.limit_rate(None)
    assert (await track(client)).status_code == 202


async def test_the_rate_window_slides() -> None:
    now = 100.0
    async with (
        Emulator(rate=RateLimit(2, window=10), monotonic=lambda: now) as emulator,
        talking_to(emulator) as client,
    ):
        statuses = []
        for moment in (100.0, 105.0, 109.0, 110.0, 111.0, 115.0):
            now = moment
            statuses.append((await track(client)).status_code)
    assert statuses == [202, 202, 429, 202, 429, 202]
    assert emulator.ledger.busiest(10) == 4, "refused requests are requests, too"


def test_the_busiest_window_is_exact_at_its_edges() -> None:
    assert busiest_window([], 60) == 0
    assert busiest_window([0.0, 59.9, 60.0, 60.1], 60) == 3
    assert busiest_window([0.0, 60.0, 120.0], 60) == 1


async def test_faults_choose_by_count_user_name_and_order(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.set_faults(
        Fault(kind=FaultKind.STATUS, status=500, user_id="u-1", skip=1, count=1),
        Fault(kind=FaultKind.STATUS, status=400, event_name="Bad"),
        Fault(kind=FaultKind.STATUS, status=418, when=lambda event: event is None),
    )
    named = {**EVENT, "event_name": "Bad"}
    other = {**EVENT, "user_id": "u-2"}
    bodies: list[object] = [EVENT, EVENT, EVENT, other, named, b"no json"]
    assert [(await track(client, body)).status_code for body in bodies] == [202, 500, 202, 202, 400, 418]
    emulator.set_faults()
    assert (await track(client, named)).status_code == 202


async def test_faults_choose_by_time() -> None:
    now = 50.0
    async with Emulator(monotonic=lambda: now) as emulator:
        emulator.set_faults(Fault(kind=FaultKind.STATUS, status=503, start=1, end=3))
        async with talking_to(emulator) as client:
            statuses = []
            for moment in (50.0, 51.0, 52.9, 53.0):
                now = moment
                statuses.append((await track(client)).status_code)
    assert statuses == [202, 503, 503, 202]


async def test_the_same_seed_fails_the_same_requests(client: httpx.AsyncClient, emulator: Emulator) -> None:
    runs = []
    for seed in (1, 1, 2):
        emulator.set_faults(Fault(kind=FaultKind.STATUS, probability=0.5), seed=seed)
        runs.append([(await track(client)).status_code for _ in range(40)])
    assert runs[0] == runs[1] != runs[2]
    assert set(runs[0]) == {202, 503}


@pytest.mark.parametrize("kind", [FaultKind.DROP_AFTER_READING, FaultKind.RAW, FaultKind.TRUNCATE])
async def test_a_fault_can_accept_the_event_all_the_same(
    client: httpx.AsyncClient, emulator: Emulator, kind: FaultKind
) -> None:
    emulator.set_faults(Fault(kind=kind, body=b"garbage", close=True, accepts=True))
    with pytest.raises(httpx.TransportError):
        await track(client)
    assert len(emulator.ledger.accepted) == 1
    assert emulator.ledger.answers[kind] == 1


async def test_two_requests_of_one_user_at_once_are_noticed(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.1))
    await asyncio.gather(track(client), track(client), track(client, {**EVENT, "user_id": "u-2"}))
    assert emulator.ledger.overlaps == ["u-1"]
    assert (emulator.ledger.max_in_flight_per_user, emulator.ledger.max_in_flight) == (2, 3)
    await track(client)
    assert len(emulator.ledger.overlaps) == 1, "an answered request is in flight no more"


async def test_the_undocumented_validate_exists_or_not(client: httpx.AsyncClient, emulator: Emulator) -> None:
    assert (await client.get("/v1/validate")).status_code == 200
    assert (await client.get("/v1/validate", headers={"Authorization": "Token no"})).status_code == 401
    emulator.has_validate = False
    assert (await client.get("/v1/validate")).status_code == 404


async def test_what_it_counted_is_shown_whatever_came_instead_of_an_answer(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    for kind in FaultKind:
        emulator.ledger.answered("/v1/track", kind)
    shown = await client.get("/_emulator/stats")
    assert shown.status_code == 200, shown.text
    assert (
        shown.json()["answers"] == shown.json()["answers_by_path"]["/v1/track"] == dict.fromkeys(map(str, FaultKind), 1)
    )


async def test_another_process_can_see_and_steer_it() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge.sandbox.emulator", "--key", "NX-a", "--rate", "100",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        endpoint = (await process.stdout.readline()).decode().strip()
        async with httpx.AsyncClient(base_url=endpoint, trust_env=False, headers=HEADERS, timeout=60) as client:
            assert (await track(client)).status_code == 401
            assert (await client.post("/_emulator/keys", json={"keys": ["NX-emulator"]})).status_code == 200
            assert (await track(client)).status_code == 202
            fault = {"kind": "status", "status": 503, "count": 1, "headers": {"retry-after": "2"}}
            assert (await client.post("/_emulator/faults", json={"faults": [fault]})).status_code == 200
            refused = await track(client)
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
            assert (await client.post("/_emulator/rate", json={"requests": 0})).status_code == 200
            assert (await track(client)).status_code == 429
            stats = (await client.get("/_emulator/stats")).json()
            assert stats["answers"] == {"202": 1, "401": 1, "429": 1, "503": 1}
            assert (stats["requests"], stats["accepted"]) == (4, 1)
            lines = (await client.get("/_emulator/accepted?since=0")).text.splitlines()
            assert [json.loads(line)["user_id"] for line in lines] == ["u-1"]
            assert (await client.get("/_emulator/accepted?since=1")).text == ""
            assert (await client.post("/_emulator/reset")).status_code == 200
            assert (await client.get("/_emulator/stats")).json()["requests"] == 0
    finally:
        assert process.returncode is None
        os.kill(process.pid, signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize(("path", "document", "sentence"), [
    ("faults", {"faults": [{"kind": "explode"}]}, "kind must be one of"),
    ("faults", {"faults": [{"kind": "hang", "user": "u"}]}, "unknown field user"),
    ("faults", [], "faults"),
    ("rate", {"per_minute": 1}, "per_minute"),
    ("nothing", {}, "no such admin request"),
])  # fmt: skip
async def test_a_wrong_admin_request_is_refused_with_a_sentence(
    client: httpx.AsyncClient, path: str, document: object, sentence: str
) -> None:
    answer = await client.post(f"/_emulator/{path}", json=document)
    assert answer.status_code in (400, 404)
    assert sentence in answer.json()["problem"]


async def test_a_pipelined_request_is_noticed_and_not_served(emulator: Emulator) -> None:
    emulator.set_faults(Fault(kind=FaultKind.HANG))
    body = json.dumps(EVENT).encode()
    request = (
        b"POST /v1/track HTTP/1.1\r\nHost: x\r\nAuthorization: Token NX-emulator\r\nX-API-Version: 2020-09-22\r\n"
        b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", emulator.port)
    writer.write(request + request)
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.transport.abort()
    assert emulator.ledger.pipelined == 1


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_request_that_offers_another_protocol_is_served_in_this_one(emulator: Emulator, at_once: bool) -> None:  # noqa: FBT001 - a parameter
    """Java's client offers HTTP/2 with its first request, and goes on in what it is answered in."""
    body = json.dumps(EVENT).encode()
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAEAAEAAAAIAAAAB"}
    host, _, port = emulator.endpoint.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    for extra in (offer, {}):
        lines = [f"{name}: {value}" for name, value in (HEADERS | extra | {"Content-Length": str(len(body))}).items()]
        head = "\r\n".join(("POST /v1/track HTTP/1.1", "Host: localhost", *lines, "", "")).encode()
        for part in (head + body,) if at_once else (head[:40], head[40:], body[:9], body[9:]):
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0)
        answer = await reader.readuntil(b"\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 202 ")
    writer.close()
    assert [json.loads(accepted.body) for accepted in emulator.ledger.accepted] == [EVENT, EVENT]
