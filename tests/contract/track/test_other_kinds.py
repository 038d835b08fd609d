"""Identifies and companies on the wire: the documented requests to the letter, and what each answer to them means."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bridge import __version__
from bridge.model import COMPANY, IDENTIFY, KINDS, TRACK, Delivered, Reject, RequestKind, Retry, Unauthorized
from bridge.sandbox.emulator import Fault, FaultKind
from bridge.track.credentials import FixedKey

if TYPE_CHECKING:
    from tests.contract.track.conftest import Harness, Peer

# The examples of the pages "Identify User" and "Identify Company", by hand.
DOCUMENTED = {
    IDENTIFY: (
        "POST /v1/identify HTTP/1.1",
        """{"user_id": "user_001", "metadata": {"name": "Jane Doe", "email": "jane@example.com"},
            "company": {"id": "company_001"}}""",
    ),
    COMPANY: (
        "POST /v1/companies/identify HTTP/1.1",
        """{"company_id": "company_001", "metadata": {"name": "Acme Corporation", "industry": "SaaS",
            "plan": "Enterprise", "monthly_spend": 1000}}""",
    ),
}
EVENT = b'{"user_id": "u-1", "event_name": "e"}'


@pytest.mark.parametrize("kind", DOCUMENTED, ids=lambda kind: kind.name)
async def test_each_kinds_request_is_the_documented_one_to_the_letter(harness: Harness, kind: RequestKind) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def handler(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    endpoint = await harness.serve(handler)
    sink = await harness.sink(endpoint, credentials=FixedKey("YOUR_API_KEY"))
    first, body = DOCUMENTED[kind]
    assert await harness.ask(sink, body.encode(), kind) == Delivered(202)
    ((head, sent),) = seen
    line, *headers = head.decode("ascii").rstrip("\r\n").split("\r\n")
    assert line == first
    assert sorted(headers) == sorted([
        f"Host: {endpoint.partition('://')[2]}",
        f"User-Agent: track-bridge/{__version__}",
        "X-API-Version: 2020-09-22",
        "Content-Type: application/json",
        "Authorization: Token YOUR_API_KEY",
        f"Content-Length: {len(sent)}",
    ])  # fmt: skip
    assert json.loads(sent) == json.loads(body)


async def test_kinds_share_connections_and_a_rotated_key(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    for kind, (_, body) in DOCUMENTED.items():
        assert await harness.ask(sink, body.encode(), kind) == Delivered(202)
        assert await harness.ask(sink, EVENT) == Delivered(202)
    ledger = emulator.ledger
    assert (ledger.connections_opened, len(ledger.identified), len(ledger.companies), len(ledger.accepted)) == (
        1, 1, 1, 2,
    )  # fmt: skip


async def test_an_identify_that_lacks_what_is_required_is_rejected_alone(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    for body in (b'{"metadata": {}}', b'{"user_id": "u", "company": {"name": "c"}}'):
        verdict = await harness.ask(sink, body, IDENTIFY)
        assert isinstance(verdict, Reject)
        assert (verdict.status, verdict.error_code) == (400, "invalid_input")
    assert isinstance(await harness.ask(sink, b'{"metadata": {}}', COMPANY), Reject)


async def test_a_company_that_is_answered_200_is_accepted_too(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=200, path=COMPANY.path, body="{}"))
    sink = await harness.sink(emulator.endpoint)
    assert await harness.ask(sink, DOCUMENTED[COMPANY][1].encode(), COMPANY) == Delivered(200)


@pytest.mark.parametrize("status", [400, 404])
async def test_an_event_of_an_unknown_user_is_rejected_alone(harness: Harness, status: int) -> None:
    emulator = await harness.emulator(unknown_users=status)
    sink = await harness.sink(emulator.endpoint)
    verdict = await harness.ask(sink, EVENT)
    assert isinstance(verdict, Reject)
    assert (verdict.status, verdict.error_code) == (status, "user_not_found")
    assert await harness.ask(sink, b'{"user_id": "u-1"}', IDENTIFY) == Delivered(202)
    assert await harness.ask(sink, EVENT) == Delivered(202)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_wrong_address_is_still_told_from_an_unknown_user(harness: Harness, kind: RequestKind) -> None:
    emulator = await harness.emulator(unknown_users=404)
    sink = await harness.sink(emulator.endpoint)
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=404, body='{"errors": [{"error_code": "not_found"}]}'))
    assert isinstance(await harness.ask(sink, EVENT, kind), Unauthorized)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
async def test_a_refused_key_concerns_every_kind(harness: Harness, kind: RequestKind) -> None:
    emulator = await harness.emulator(keys=["NX-other"])
    sink = await harness.sink(emulator.endpoint)
    body = DOCUMENTED[kind][1].encode() if kind in DOCUMENTED else EVENT
    verdict = await harness.ask(sink, body, kind)
    assert isinstance(verdict, Unauthorized)
    assert (verdict.status, verdict.key) == (401, 1)


@pytest.mark.parametrize(("status", "reason"), [(429, "rate_limited"), (503, "server_error")])
async def test_identifies_can_fail_while_events_are_accepted(harness: Harness, status: int, reason: str) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=status, path=IDENTIFY.path))
    sink = await harness.sink(emulator.endpoint)
    verdict = await harness.ask(sink, b'{"user_id": "u"}', IDENTIFY)
    assert isinstance(verdict, Retry)
    assert (verdict.status, verdict.reason) == (status, reason)
    assert await harness.ask(sink, EVENT, TRACK) == Delivered(202)
