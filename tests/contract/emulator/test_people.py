"""Users and companies: the emulated API takes the documented requests only, and knows what came after what."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from bridge.sandbox.emulator import CountedAs, Emulator, Fault, FaultKind, RateLimit

HEADERS = {"Content-Type": "application/json", "Authorization": "Token NX-emulator", "X-API-Version": "2020-09-22"}
IDENTIFY, COMPANY, TRACK = "/v1/identify", "/v1/companies/identify", "/v1/track"
# The examples of the pages "Identify User" and "Identify Company", by hand.
DOCUMENTED_USER = (
    '{"user_id": "user_001", "metadata": {"name": "Jane Doe", "email": "jane@example.com"}, '
    '"company": {"id": "company_001"}}'
)
DOCUMENTED_COMPANY = (
    '{"company_id": "company_001", "metadata": {"name": "Acme Corporation", "industry": "SaaS", '
    '"plan": "Enterprise", "monthly_spend": 1000}}'
)


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[httpx.AsyncClient]:
    async with talking_to(emulator.endpoint) as made:
        yield made


def talking_to(endpoint: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=endpoint, trust_env=False, headers=HEADERS, timeout=60)


async def post(client: httpx.AsyncClient, path: str, body: object, **options: Any) -> int:
    content = body if isinstance(body, str | bytes) else json.dumps(body)
    return (await client.post(path, content=content, **options)).status_code


async def track(client: httpx.AsyncClient, user: str = "u-1") -> int:
    return await post(client, TRACK, {"user_id": user, "event_name": "e"})


async def identify(client: httpx.AsyncClient, user: str = "u-1") -> int:
    return await post(client, IDENTIFY, {"user_id": user})


async def test_the_documented_requests_are_accepted_and_kept(client: httpx.AsyncClient, emulator: Emulator) -> None:
    assert await post(client, IDENTIFY, DOCUMENTED_USER) == 202
    assert await post(client, COMPANY, DOCUMENTED_COMPANY) == 202
    (user,), (company,) = emulator.ledger.identified, emulator.ledger.companies
    assert (user.order, user.user_id, user.company) == (0, "user_001", {"id": "company_001"})
    assert user.metadata == {"name": "Jane Doe", "email": "jane@example.com"}
    assert (company.order, company.company_id, company.metadata["monthly_spend"]) == (1, "company_001", 1000)
    assert (user.body, company.body) == (DOCUMENTED_USER.encode(), DOCUMENTED_COMPANY.encode())
    assert emulator.ledger.accepted == []


@pytest.mark.parametrize("body", [
    {"user_id": "u"}, {"user_id": "u", "metadata": {}}, {"user_id": "u", "metadata": {"plan": None}},
    {"user_id": "u", "metadata": {"a": 1.5, "b": True}}, {"user_id": "u", "company": {"id": "c", "n": 3, "x": None}},
    {"user_id": "u", "metadata": {f"p{n}": n for n in range(500)}},
    {"user_id": "u", "metadata": {"n" * 255: "v" * 65_535}},
    {"user_id": "u", "company": {"id": "c"} | {f"p{n}": n for n in range(500)}},
])  # fmt: skip
async def test_every_identify_within_the_contract_is_accepted(client: httpx.AsyncClient, body: object) -> None:
    assert await post(client, IDENTIFY, body) == 202


@pytest.mark.parametrize("body", [
    "", "{", "[]", "{}", {"user_id": ""}, {"user_id": " "}, {"user_id": 7}, {"user_id": None}, {"userId": "u"},
    {"user_id": "u", "event_name": "e"}, {"user_id": "u", "metadata": None}, {"user_id": "u", "metadata": []},
    {"user_id": "u", "metadata": {"a": {}}}, {"user_id": "u", "metadata": {"a": [1]}}, {"user_id": "u", "traits": {}},
    {"user_id": "u", "metadata": {"": None}}, '{"user_id": "u", "metadata": {"a": NaN}}',
    '{"user_id": "u", "user_id": "v"}', {"user_id": "u", "company": None}, {"user_id": "u", "company": {}},
    {"user_id": "u", "company": {"name": "c"}}, {"user_id": "u", "company": {"id": 7}},
    {"user_id": "u", "company": {"id": ""}}, {"user_id": "u", "company": {"id": None}},
    {"user_id": "u", "company": "c"},
    {"user_id": "u", "company": {"company_id": "c"}}, {"user_id": "u", "company": {"id": "c", "plan": {}}},
    {"user_id": "u", "metadata": {f"p{n}": n for n in range(501)}}, {"user_id": "u", "metadata": {"n" * 256: 1}},
    {"user_id": "u", "metadata": {"n": "v" * 65_536}},
])  # fmt: skip
async def test_every_identify_outside_the_contract_is_a_400(
    client: httpx.AsyncClient, emulator: Emulator, body: object
) -> None:
    assert await post(client, IDENTIFY, body) == 400
    assert (emulator.ledger.identified, emulator.ledger.known) == ([], set())


@pytest.mark.parametrize("body", [
    "{}", {"company_id": ""}, {"company_id": 1}, {"id": "c"}, {"company_id": "c", "user_id": "u"},
    {"company_id": "c", "name": "x"}, {"company_id": "c", "metadata": None}, {"company_id": "c", "metadata": {"a": []}},
])  # fmt: skip
async def test_every_company_outside_the_contract_is_a_400(client: httpx.AsyncClient, body: object) -> None:
    assert await post(client, COMPANY, body) == 400


@pytest.mark.parametrize("path", [IDENTIFY, COMPANY])
async def test_key_method_and_headers_are_as_strict_as_for_events(client: httpx.AsyncClient, path: str) -> None:
    body = DOCUMENTED_USER if path == IDENTIFY else DOCUMENTED_COMPANY
    assert await post(client, path, body, headers={"Authorization": "Bearer NX-emulator"}) == 401
    assert await post(client, path, body, headers={"X-API-Version": "1"}) == 400
    assert (await client.get(path)).status_code == 405
    assert await post(client, f"{path}/", body) == 404


async def test_the_field_of_a_companys_id_is_the_one_that_is_set(client: httpx.AsyncClient, emulator: Emulator) -> None:
    both = {"user_id": "u", "company": {"id": "c", "company_id": "c"}}
    by_id, by_company_id = {"user_id": "u", "company": {"id": "c"}}, {"user_id": "u", "company": {"company_id": "c"}}
    assert [await post(client, IDENTIFY, body) for body in (by_id, by_company_id, both)] == [202, 400, 202]
    emulator.company_id_field = "company_id"
    assert [await post(client, IDENTIFY, body) for body in (by_id, by_company_id, both)] == [400, 202, 202]


@pytest.mark.parametrize("status", [400, 404])
async def test_an_event_of_an_unknown_user_earns_what_is_set(
    client: httpx.AsyncClient, emulator: Emulator, status: int
) -> None:
    assert await track(client, "nobody") == 202
    emulator.unknown_users = status
    answer = await client.post(TRACK, json={"user_id": "u-1", "event_name": "e"})
    assert (answer.status_code, answer.json()["errors"][0]["error_code"]) == (status, "user_not_found")
    assert await identify(client) == 202
    assert await track(client) == 202
    assert await track(client, "nobody") == status, "accepted events make nobody known"


async def test_a_user_is_known_by_accepted_identifies_only(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.unknown_users = 404
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=429, path=IDENTIFY))
    assert await identify(client) == 429
    assert await track(client) == 404


async def test_what_was_accepted_before_its_users_identify_is_told(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    await track(client, "early")
    await identify(client, "early")
    await identify(client, "in-time")
    await track(client, "in-time")
    await track(client, "never")
    await track(client, "early")
    assert [event.user_id for event in emulator.ledger.before_identify()] == ["early", "never"]
    assert [event.order for event in emulator.ledger.accepted] == [0, 3, 4, 5]
    assert [event.number for event in emulator.ledger.accepted] == [0, 1, 2, 3]


async def test_an_identify_whose_answer_was_lost_counts_only_as_accepted(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    emulator.set_faults(Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, path=IDENTIFY))
    with pytest.raises(httpx.TransportError):
        await identify(client)
    await track(client)
    assert emulator.ledger.before_identify() == []
    assert [event.user_id for event in emulator.ledger.before_identify(answered=True)] == ["u-1"]


async def test_faults_choose_by_path(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=503, path=IDENTIFY))
    assert (await identify(client), await track(client), await post(client, COMPANY, DOCUMENTED_COMPANY)) == (
        503, 202, 202,
    )  # fmt: skip
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=503, user_id="u-1"))
    assert (await identify(client), await track(client), await identify(client, "u-2")) == (503, 503, 202)
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=500))
    assert (await identify(client), await track(client)) == (500, 500), "without a path, it is the whole API"
    assert emulator.ledger.answers_by_path[IDENTIFY] == {"503": 2, "202": 1, "500": 1}


async def test_each_budget_has_its_limit(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.limit_rate(RateLimit(3))
    emulator.limit_identify_rate(RateLimit(2))
    assert [await identify(client) for _ in range(2)] == [202, 202]
    assert await post(client, COMPANY, DOCUMENTED_COMPANY) == 429
    assert [await track(client) for _ in range(4)] == [202, 202, 202, 429]
    ledger = emulator.ledger
    assert (ledger.requests, ledger.identify_requests) == (4, 3)
    assert (ledger.busiest(), ledger.busiest(budget=CountedAs.IDENTIFY), ledger.busiest(budget=CountedAs.TOGETHER)) == (
        4, 3, 7,
    )  # fmt: skip


async def test_one_limit_can_be_shared_by_both(client: httpx.AsyncClient, emulator: Emulator) -> None:
    emulator.limit_rate(RateLimit(3))
    emulator.shared_rate = True
    answers = [await identify(client), await track(client), await identify(client), await track(client)]
    assert answers == [202, 202, 202, 429]


async def test_an_event_beside_its_users_unanswered_identify_is_noticed(
    client: httpx.AsyncClient, emulator: Emulator
) -> None:
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.1))
    await asyncio.gather(identify(client), track(client), post(client, COMPANY, DOCUMENTED_COMPANY))
    assert emulator.ledger.overlaps == ["u-1"]


async def test_another_process_can_steer_all_of_it() -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bridge.sandbox.emulator", "--identify-rate", "100", "--unknown-users", "404",
        "--company-id-field", "company_id", stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        endpoint = (await process.stdout.readline()).decode().strip()
        async with talking_to(endpoint) as client:
            assert await track(client) == 404
            assert await post(client, IDENTIFY, DOCUMENTED_USER) == 400, "its company has an id and no company_id"
            for setting, document in (
                ("unknown_users", {"status": 400}), ("company_id_field", {"field": "id"}),
                ("rate", {"requests": 3}), ("identify_rate", {"requests": 2}),
            ):  # fmt: skip
                assert await post(client, f"/_emulator/{setting}", document) == 200
            assert await track(client) == 400
            assert [await post(client, IDENTIFY, DOCUMENTED_USER) for _ in range(3)] == [202, 202, 429]
            assert await post(client, "/_emulator/identify_rate", None) == 200
            assert await post(client, COMPANY, DOCUMENTED_COMPANY) == 202
            assert await track(client, "user_001") == 202
            assert await post(client, "/_emulator/shared_rate", {"shared": True}) == 200
            assert [await identify(client) for _ in range(2)] == [202, 429]
            stats = (await client.get("/_emulator/stats")).json()
            assert (stats["identified"], stats["companies"], stats["known_users"]) == (3, 1, 2)
            assert (stats["identify_requests"], stats["events_before_identify"]) == (7, 0)
            assert stats["answers_by_path"][COMPANY] == {"202": 1}
            lines = (await client.get("/_emulator/identified?since=2")).text.splitlines()
            assert [json.loads(line)["user_id"] for line in lines] == ["u-1"]
            assert json.loads((await client.get("/_emulator/companies")).text)["company_id"] == "company_001"
    finally:
        assert process.returncode is None
        os.kill(process.pid, signal.SIGTERM)
        assert await process.wait() == 0


@pytest.mark.parametrize(("path", "document"), [
    ("unknown_users", {"status": 500}), ("company_id_field", {"field": "name"}), ("shared_rate", {"shared": "yes"}),
])  # fmt: skip
async def test_a_wrong_setting_is_refused_with_a_sentence(
    client: httpx.AsyncClient, path: str, document: object
) -> None:
    answer = await client.post(f"/_emulator/{path}", json=document)
    assert (answer.status_code, "must be one of" in answer.json()["problem"]) == (400, True)
