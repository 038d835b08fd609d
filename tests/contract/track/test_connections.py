"""What both sinks promise about connections: reuse, failures to connect, giving up, closing."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

import trustme

from bridge.model import Delivered, Retry
from bridge.sandbox.emulator import Fault, FaultKind
from tests.support.proxy import Conditions, Link, Proxy

if TYPE_CHECKING:
    from tests.contract.track.conftest import AnySink, Harness, Peer


async def noticed(harness: Harness, sink: AnySink) -> None:
    """Returns when the sink can know what its idle connection's peer did."""
    if harness.kind == "direct":
        await harness.until(lambda: sink.stats.connections == 0)
    else:  # httpx looks when the connection is wanted again: the kernel only has to have it by then
        await asyncio.sleep(0.05)


async def test_a_connection_is_used_again(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    for _ in range(5):
        assert await harness.ask(sink) == Delivered(202)
    assert emulator.ledger.connections_opened == 1
    assert emulator.ledger.pipelined == 0


async def test_requests_run_side_by_side_up_to_the_bound(harness: Harness) -> None:
    emulator = await harness.emulator()
    # No answer comes before all connections are made, on a busy machine neither.
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=1.0))
    sink = await harness.sink(emulator.endpoint, max_in_flight=8)
    attempts = [harness.send(sink, b'{"user_id":"u%d","event_name":"e"}' % n) for n in range(8)]
    for attempt in attempts:
        assert await harness.answers.of(attempt) == Delivered(202)
    assert emulator.ledger.max_in_flight == 8
    assert emulator.ledger.connections_opened == 8


async def test_a_connection_the_server_closes_while_idle_is_no_failure(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint)
    assert await harness.ask(sink) == Delivered(202)
    emulator.close_connections()
    await harness.until(lambda: emulator.ledger.connections == 0)
    await noticed(harness, sink)
    assert await harness.ask(sink) == Delivered(202)
    assert sink.stats.by_failure == {}


async def test_an_answer_nobody_asked_for_answers_no_request(harness: Harness) -> None:
    """A late or doubled answer on an idle connection must not be taken for the next request's."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        if peer.number == 0:
            await peer.say(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    sink = await harness.sink(await harness.serve(handler))
    assert await harness.ask(sink) == Delivered(202)
    await harness.until(lambda: harness.kind == "httpx" or sink.stats.connections == 0)
    assert await harness.ask(sink) == Delivered(202)
    assert harness.connections == 2


async def test_what_comes_late_on_an_idle_connection_ends_it(harness: Harness) -> None:
    answered = False

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        if peer.number == 0:
            await harness.until(lambda: answered)
            await peer.say(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    sink = await harness.sink(await harness.serve(handler))
    assert await harness.ask(sink) == Delivered(202)
    answered = True
    await noticed(harness, sink)
    assert await harness.ask(sink) == Delivered(202)
    assert harness.connections == 2


async def test_a_refused_connection_is_a_retry_that_cannot_duplicate(harness: Harness) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        sink = await harness.sink(f"{'https' if harness.secure else 'http'}://127.0.0.1:{port}")
        verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.status, verdict.ambiguous) == ("connection", None, False)
    assert f"127.0.0.1:{port}" in verdict.detail
    assert "refused" in verdict.detail.lower()
    assert sink.stats.last_error == verdict.detail


async def test_a_host_that_answers_no_connection_is_left_at_the_deadline(harness: Harness, full_backlog: str) -> None:
    sink = await harness.sink(f"{'https' if harness.secure else 'http'}://{full_backlog}", timeout=0.3)
    verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("timeout", False)


async def test_a_host_that_never_finishes_the_handshake_is_left_at_the_deadline(tls_harness: Harness) -> None:
    ended: list[int] = []

    async def handler(peer: Peer) -> None:  # speaks no TLS, in fact nothing
        await peer.gone()
        ended.append(peer.number)

    tls_harness.secure = False
    endpoint = (await tls_harness.serve(handler)).replace("http://", "https://")
    sink = await tls_harness.sink(endpoint, timeout=0.3)
    verdict = await tls_harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("timeout", False)
    await tls_harness.until(lambda: ended == [0])

    patient = await tls_harness.sink(endpoint, timeout=60)
    tls_harness.send(patient)
    await tls_harness.until(lambda: tls_harness.connections == 2)
    await patient.close()
    await tls_harness.until(lambda: ended == [0, 1])


async def test_a_name_that_cannot_be_looked_up_is_a_retry(harness: Harness) -> None:
    scheme = "https" if harness.secure else "http"
    sink = await harness.sink(f"{scheme}://{'a' * 64}.invalid")
    verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("connection", False)


async def test_an_unknown_authority_names_the_host_and_the_setting_that_mends_it(tls_harness: Harness) -> None:
    emulator = await tls_harness.emulator()
    sink = await tls_harness.sink(emulator.endpoint, tls=ssl.create_default_context())
    verdict = await tls_harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("connection", False)
    assert "the certificate of 127.0.0.1 was refused" in verdict.detail
    assert "track.ca_file" in verdict.detail
    assert emulator.ledger.requests == 0


async def test_a_certificate_of_another_host_is_refused(tls_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        raise AssertionError(f"connection {peer.number} got through")

    endpoint = await tls_harness.serve(handler, tls_harness.authority.server_context("other.example"))
    verdict = await tls_harness.ask(await tls_harness.sink(endpoint))
    assert isinstance(verdict, Retry)
    assert "the certificate of 127.0.0.1 was refused" in verdict.detail
    assert "127.0.0.1" in verdict.detail.partition("refused")[2]


async def test_an_outdated_server_protocol_is_refused_with_a_sentence(tls_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        raise AssertionError(f"connection {peer.number} got through")

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    strict = ssl.create_default_context()
    strict.minimum_version = ssl.TLSVersion.TLSv1_3
    verdict = await tls_harness.ask(await tls_harness.sink(await tls_harness.serve(handler, context), tls=strict))
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("connection", False)


async def test_an_aborted_request_is_answered_once_and_its_connection_closed(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.1, user_id="slow"))
    sink = await harness.sink(emulator.endpoint)
    given_up = harness.send(sink, b'{"user_id":"slow","event_name":"e"}')
    kept = harness.send(sink, b'{"user_id":"slow","event_name":"e"}')
    await harness.until(lambda: emulator.ledger.requests == 2)
    harness.abort(sink, given_up)
    verdict = await harness.answers.of(given_up)
    assert isinstance(verdict, Retry)
    assert verdict.ambiguous
    assert await harness.answers.of(kept) == Delivered(202)
    await harness.until(lambda: emulator.ledger.connections == 1)
    harness.abort(sink, given_up, kept)  # what is answered is no longer here
    assert await harness.ask(sink) == Delivered(202)


async def test_a_request_aborted_while_it_connects_is_answered_once(harness: Harness, full_backlog: str) -> None:
    sink = await harness.sink(f"{'https' if harness.secure else 'http'}://{full_backlog}")
    attempt = harness.send(sink)
    harness.abort(sink, attempt)
    verdict = await harness.answers.of(attempt)
    assert isinstance(verdict, Retry)
    assert verdict.ambiguous


async def test_close_answers_what_is_on_its_way_and_whatever_is_sent_later(harness: Harness, full_backlog: str) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.HANG))
    sink = await harness.sink(emulator.endpoint)
    on_its_way = harness.send(sink)
    await harness.until(lambda: emulator.ledger.requests == 1)
    connecting_sink = await harness.sink(f"{'https' if harness.secure else 'http'}://{full_backlog}")
    connecting = harness.send(connecting_sink)
    await sink.close()
    await connecting_sink.close()
    assert isinstance(harness.answers.verdicts[on_its_way][0], Retry)
    assert isinstance(harness.answers.verdicts[connecting][0], Retry)
    late = await harness.ask(sink)
    assert isinstance(late, Retry)
    assert not late.ambiguous
    await harness.until(lambda: emulator.ledger.connections == 0)


async def test_an_outage_in_the_middle_costs_no_answer(harness: Harness) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(
        Fault(kind=FaultKind.DROP_AFTER_READING, probability=0.3),
        Fault(kind=FaultKind.STATUS, probability=0.3),
        Fault(kind=FaultKind.RESET_AFTER_HEADERS, status=503, probability=0.2),
        seed=7,
    )
    sink = await harness.sink(emulator.endpoint)
    for _ in range(10):
        attempts = [harness.send(sink) for _ in range(10)]
        for attempt in attempts:
            await harness.answers.of(attempt)
    emulator.set_faults()
    assert await harness.ask(sink) == Delivered(202)


async def test_a_connection_that_is_reset_as_soon_as_it_is_accepted_leaves_no_socket_behind(harness: Harness) -> None:
    # A socket that two owners close can be another's by the second time. Python says so when it finds it unclosed,
    # and warnings are errors.
    async with Proxy() as network:
        network.conditions = Conditions(link=Link.REFUSED)
        sink = await harness.sink(
            f"{'https' if harness.secure else 'http'}://127.0.0.1:{network.port}", max_in_flight=8
        )
        for attempt in [harness.send(sink, b"{}") for _ in range(100)]:
            verdict = await harness.answers.of(attempt)
            assert isinstance(verdict, Retry)
        gc.collect()


async def test_the_end_of_the_servers_certificate_is_known_after_the_handshake(harness: Harness) -> None:
    ends = datetime(2031, 2, 3, 4, 5, 6, tzinfo=UTC)

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        await peer.gone()

    context = harness.authority.server_context("127.0.0.1", ends=ends) if harness.secure else None
    sink = await harness.sink(await harness.serve(handler, context))
    assert sink.stats.server_certificate_ends(monotonic()) is None
    assert await harness.ask(sink) == Delivered(202)
    assert sink.stats.server_certificate_ends(monotonic()) == (ends.timestamp() if harness.secure else None)
