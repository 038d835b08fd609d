"""What each answer of a server becomes, for both sinks: the verdict table on the wire, and what is no answer."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest

from bridge.model import Delivered, Reject, Retry, Unauthorized, Verdict
from bridge.sandbox.emulator import Fault, FaultKind

if TYPE_CHECKING:
    from tests.contract.track.conftest import Harness, Peer

HTML = "<html><body>503 Service Temporarily Unavailable</body></html>"


async def test_any_2xx_is_delivered(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    for status in (200, 201, 202, 204, 299, 202):
        body = "" if status == 204 else '{"ok": true}'
        emulator.set_faults(Fault(kind=FaultKind.STATUS, status=status, body=body))
        assert await harness.ask(sink) == Delivered(status)
    assert emulator.ledger.connections_opened == 1
    assert sink.stats.by_status == {200: 1, 201: 1, 202: 2, 204: 1, 299: 1}


LATER = {
    301: ("redirect", False), 302: ("redirect", False), 303: ("redirect", False), 304: ("redirect", False),
    307: ("redirect", False), 308: ("redirect", False), 407: ("connection", False), 408: ("timeout", True),
    425: ("too_early", False), 429: ("rate_limited", False), 500: ("server_error", True), 502: ("server_error", True),
    503: ("server_error", True), 504: ("server_error", True), 599: ("server_error", True),
}  # fmt: skip


async def test_an_answer_that_says_later_is_a_retry(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    headers = {"retry-after": "7", "location": "https://elsewhere.example/v1/track"}
    for status, (reason, ambiguous) in LATER.items():
        emulator.set_faults(Fault(kind=FaultKind.STATUS, status=status, headers=headers))
        verdict = await harness.ask(sink)
        assert isinstance(verdict, Retry)
        assert (verdict.status, verdict.reason, verdict.ambiguous) == (status, reason, ambiguous)
        assert verdict.after == 7.0
    assert emulator.ledger.requests == len(LATER), "nothing is followed or repeated below the dispatcher"


async def test_other_4xx_reject_this_record(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    for status in (400, 402, 409, 410, 413, 415, 422, 451):
        emulator.set_faults(Fault(kind=FaultKind.STATUS, status=status))
        verdict = await harness.ask(sink)
        assert isinstance(verdict, Reject)
        assert (verdict.status, verdict.error_code) == (status, "emulated")
        assert "told to fail" in verdict.detail


async def test_a_refused_key_or_address_concerns_every_record(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    for status in (401, 403, 404, 405):
        emulator.set_faults(Fault(kind=FaultKind.STATUS, status=status))
        verdict = await harness.ask(sink)
        assert isinstance(verdict, Unauthorized)
        assert (verdict.status, verdict.key) == (status, 1)


async def test_an_error_body_gives_code_message_and_request_id_and_never_its_details(harness: Harness) -> None:
    emulator = await harness.emulator()
    body = '{"errors": [{"details": "plan=secret", "error": "x", "error_code": "bad", "message": "user_id missing"}]}'
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=400, body=body, headers={"X-Request-Id": "abc-7"}))
    verdict = await harness.ask(await harness.sink(emulator.endpoint))
    assert isinstance(verdict, Reject)
    assert verdict.detail == "the API answered 400 bad: user_id missing (x-request-id abc-7)"


async def test_a_key_repeated_by_the_answer_is_not_repeated_by_the_bridge(harness: Harness) -> None:
    emulator = await harness.emulator()
    body = '{"errors": [{"error_code": "bad NX-emulator", "message": "Invalid API key NX-emulator"}]}'
    headers = {"x-request-id": "NX-emulator"}
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=401, body=body, headers=headers))
    verdict = await harness.ask(await harness.sink(emulator.endpoint))
    assert "NX-emulator" not in repr(verdict)


@pytest.mark.parametrize(
    "body", [b"", HTML.encode(), b'{"errors": [{"mess', gzip.compress(HTML.encode(), mtime=0), b"\xff\xfe\x00"]
)
async def test_an_unreadable_error_body_leaves_the_status_to_decide(harness: Harness, body: bytes) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=400, body=body, headers={"content-encoding": "gzip"}))
    verdict = await harness.ask(await harness.sink(emulator.endpoint))
    assert isinstance(verdict, Reject)
    assert verdict.status == 400


async def played(harness: Harness, answer: bytes, *, stay: bool = True, timeout: float = 5.0) -> Verdict:  # noqa: ASYNC109
    """The verdict on an answer that is sent as it stands; the connection stays open or ends after it."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(answer)
        if stay:
            await peer.gone()

    sink = await harness.sink(await harness.serve(handler), timeout=timeout)
    return await harness.ask(sink)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 202 Accepted\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 1\r\n\r\nmore than one byte",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\nHTTP/1.1 500 Late\r\nContent-Length: 0\r\n\r\n",
])  # fmt: skip
async def test_every_well_formed_way_to_say_202_is_delivered(harness: Harness, answer: bytes) -> None:
    assert await played(harness, answer) == Delivered(202)


@pytest.mark.parametrize("answer", [
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n{",
    b"HTTP/1.1 202 Accepted\r\n\r\nuntil the end",
    b"HTTP/1.0 202 Accepted\r\n\r\n",
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
])  # fmt: skip
async def test_a_body_that_is_cut_off_leaves_the_status_to_decide(harness: Harness, answer: bytes) -> None:
    assert await played(harness, answer, stay=False) == Delivered(202)


async def test_a_body_shorter_than_promised_costs_the_deadline_and_not_the_verdict(harness: Harness) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{"
    verdict = await played(harness, answer, timeout=0.3)
    assert isinstance(verdict, Reject)


@pytest.mark.parametrize("answer", [
    b"",
    b"HTTP/1.1 202 Acc",
    b"HTTP/1.1 202 Accepted\r\nContent-Len",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"not HTTP at all\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\x00\x00",
    b"HTTP/1.1 abc\r\n\r\n",
])  # fmt: skip
async def test_no_whole_head_is_an_ambiguous_retry(harness: Harness, answer: bytes) -> None:
    verdict = await played(harness, answer, stay=False)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.status, verdict.ambiguous) == ("connection", None, True)


async def test_a_head_without_end_is_given_up(harness: Harness) -> None:
    answer = b"HTTP/1.1 202 Accepted\r\nX-Filler: " + b"a" * 300_000
    verdict = await played(harness, answer)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("connection", True), "not only at the deadline"


async def test_a_switch_of_protocols_that_nobody_asked_for_is_no_acceptance(harness: Harness) -> None:
    verdict = await played(harness, b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
    assert isinstance(verdict, Retry)
    assert (verdict.status, verdict.reason, verdict.ambiguous) == (None, "connection", True)


@pytest.mark.parametrize(("status", "expected"), [(400, Reject), (202, Delivered), (503, Retry)])
async def test_a_huge_body_is_neither_kept_nor_read_to_its_end(
    harness: Harness, status: int, expected: type[Verdict]
) -> None:
    size, taken = 64_000_000, 0

    async def handler(peer: Peer) -> None:
        nonlocal taken
        await peer.request()
        await peer.say(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n" % (status, size))
        while taken < size and not peer.writer.is_closing():
            await peer.say(b"x" * 65536)
            await asyncio.sleep(0)  # uvloop's TLS buffers without end otherwise
            taken += 65536

    sink = await harness.sink(await harness.serve(handler))
    assert isinstance(await harness.ask(sink), expected)
    assert taken < size // 2


async def test_a_dripping_answer_ends_at_the_one_deadline(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.DRIP, status=202, interval=0.05))
    verdict = await harness.ask(await harness.sink(emulator.endpoint, timeout=0.3))
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("timeout", True)


async def test_a_reset_after_the_head_leaves_the_status_to_decide(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.RESET_AFTER_HEADERS, status=422))
    verdict = await harness.ask(await harness.sink(emulator.endpoint))
    assert isinstance(verdict, Reject)


@pytest.mark.parametrize("fault", [FaultKind.DROP_BEFORE_READING, FaultKind.DROP_AFTER_READING])
async def test_a_connection_dropped_without_an_answer_is_an_ambiguous_retry(harness: Harness, fault: FaultKind) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=fault, count=1))
    sink = await harness.sink(emulator.endpoint)
    verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("connection", True)
    assert sink.stats.by_failure == {"connection": 1}
    assert await harness.ask(sink) == Delivered(202)


async def test_a_server_that_hangs_is_left_at_the_deadline(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.HANG, count=1))
    sink = await harness.sink(emulator.endpoint, timeout=0.3)
    verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.status, verdict.ambiguous) == ("timeout", None, True)
    assert await harness.ask(sink) == Delivered(202), "the hung connection is not used again"
    assert emulator.ledger.connections_opened == 2


async def test_a_slow_answer_within_the_deadline_counts(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.1))
    assert await harness.ask(await harness.sink(emulator.endpoint)) == Delivered(202)
