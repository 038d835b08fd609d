"""An answer belongs to its request: what both sinks do where more comes than was asked for, or a connection ends."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from bridge.model import Delivered, Retry, Verdict
from bridge.sandbox.emulator import Fault, FaultKind
from bridge.track import connection, direct, httpx_sink

if TYPE_CHECKING:
    from tests.contract.track.conftest import AnySink, Harness, Peer

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"


class Server:
    """On a thread, because the client's loop stands still in these tests: what comes meanwhile is unread, not late."""

    def __init__(self, listener: socket.socket, tls: ssl.SSLContext | None) -> None:
        self._listener = listener
        self._tls = tls
        self.connections = 0
        self._first: socket.socket | None = None
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self._threads.append(threading.Thread(target=self._serve, args=[connection], daemon=True))
                self._threads[-1].start()
        for thread in self._threads:
            thread.join()

    def _serve(self, accepted: socket.socket) -> None:
        with suppress(OSError), self._secured(accepted) as connection:
            self._first = self._first or connection
            received = b""
            while data := connection.recv(65536):
                received += data
                if received.endswith(b"}"):
                    received = b""
                    connection.sendall(ACCEPTED)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)

    def on_the_first(self, data: bytes | None) -> None:
        """Say something unasked on the first connection; None: close it. Returns when the client's kernel has it."""
        assert self._first is not None
        if data is None:
            self._first.shutdown(socket.SHUT_RDWR)
        else:
            self._first.sendall(data)
        time.sleep(0.05)


@contextmanager
def server_on_a_thread(harness: Harness) -> Iterator[tuple[Server, str]]:
    tls = harness.authority.server if harness.secure else None
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener, tls)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        yield server, f"{'https' if tls else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    "unasked", [REFUSED, ACCEPTED, REFUSED[:20], b"\r\n", None], ids=["400", "202", "half a 400", "a line", "the end"]
)
async def test_a_connection_where_something_waits_to_be_read_carries_no_further_request(
    harness: Harness, unasked: bytes | None
) -> None:
    with server_on_a_thread(harness) as (server, endpoint):
        sink = await harness.sink(endpoint)
        assert await harness.ask(sink) == Delivered(202)
        server.on_the_first(unasked)  # and the loop has had no turn to read it
        assert await harness.ask(sink) == Delivered(202)
        assert server.connections == 2
        assert sink.stats.by_failure == {}
        await sink.close()


@pytest.mark.parametrize("surplus", [
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 1\r\n\r\nmore than one byte",
    b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n\x00",
    ACCEPTED + REFUSED,
    ACCEPTED + ACCEPTED[:9],
    b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n0\r\n\r\n",
])  # fmt: skip
async def test_bytes_beyond_an_answers_end_leave_it_delivered_and_cost_the_connection(
    harness: Harness, surplus: bytes
) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(surplus if peer.number == 0 else ACCEPTED)
        await peer.gone()

    sink = await harness.sink(await harness.serve(handler))
    assert await harness.ask(sink) == Delivered(202)
    assert await harness.ask(sink) == Delivered(202)
    assert harness.connections == 2


async def many(harness: Harness, sink: AnySink, requests: int, at_once: int) -> list[Verdict]:
    """All verdicts of requests that are sent until they are accepted."""
    found: list[Verdict] = []
    left = [b'{"user_id":"u%d","event_name":"e"}' % number for number in range(requests)]

    async def worker() -> None:
        while left:
            body = left.pop()
            verdict = await harness.ask(sink, body)
            found.append(verdict)
            if isinstance(verdict, Retry):
                left.append(body)

    await asyncio.gather(*(worker() for _ in range(at_once)))
    return found


@pytest.mark.parametrize("status", [202, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("at_once", [pytest.param(1, marks=pytest.mark.slow), 8])
async def test_surplus_answers_after_one_in_twenty_are_nobodys(harness: Harness, status: int, at_once: int) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(
        Fault(
            kind=FaultKind.SURPLUS, status=status, interval=0.0, probability=0.05, body=b"" if status == 202 else None
        ),
        seed=1,
    )
    sink = await harness.sink(emulator.endpoint, timeout=2.0)
    verdicts = await many(harness, sink, 200, at_once)
    assert verdicts == [Delivered(202)] * 200
    assert len({event.user_id for event in emulator.ledger.accepted}) == 200
    assert emulator.ledger.unheard == 0


async def test_after_a_surplus_answer_each_connection_carries_one_request_for_a_while(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = 0.0
    for module in (connection, direct, httpx_sink):
        monkeypatch.setattr(module, "monotonic", lambda: time.monotonic() + ahead)
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.SURPLUS, status=202, body=b"", interval=0.0, count=1))
    sink = await harness.sink(emulator.endpoint)
    for _ in range(4):
        assert await harness.ask(sink) == Delivered(202)
    assert emulator.ledger.connections_opened == 4
    ahead = connection.SPELL
    for _ in range(4):
        assert await harness.ask(sink) == Delivered(202)
    assert emulator.ledger.connections_opened == 5


async def test_the_rest_of_an_answer_that_spoils_the_next_request_spoils_one(direct_harness: Harness) -> None:
    """It comes so late that nobody can tell in time; from then on no connection carries a second request."""
    harness = direct_harness

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(ACCEPTED)
        await peer.request()
        await peer.say(b"...and more than was promised")
        await peer.gone()

    sink = await harness.sink(await harness.serve(handler))
    verdicts = [await harness.ask(sink) for _ in range(5)]
    assert [isinstance(verdict, Delivered) for verdict in verdicts] == [True, False, True, True, True]
    assert isinstance(verdicts[1], Retry)
    assert verdicts[1].ambiguous
    assert harness.connections == 4


@pytest.mark.parametrize("at_once", [pytest.param(1, marks=pytest.mark.slow), 8])
async def test_a_server_that_closes_after_each_answer_without_a_word_costs_next_to_nothing(
    harness: Harness, at_once: int
) -> None:
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.CLOSE))
    sink = await harness.sink(emulator.endpoint, max_in_flight=8)
    verdicts = await many(harness, sink, 200, at_once)
    repeated = [verdict for verdict in verdicts if isinstance(verdict, Retry)]
    assert all(verdict.stale for verdict in repeated), "a failure of the destination is something else"
    assert len(repeated) <= 3 + at_once
    assert len(emulator.ledger.accepted) <= 200 + len(repeated)


async def test_a_request_that_died_on_a_used_connection_is_ambiguous_and_told_from_one_on_a_fresh_one(
    harness: Harness,
) -> None:
    """Whether it reached anybody cannot be seen from here, so it may be a duplicate; but it is no outage."""

    async def handler(peer: Peer) -> None:
        if peer.number == 0:
            await peer.request()
            await peer.say(ACCEPTED)
        await peer.request()

    sink = await harness.sink(await harness.serve(handler))
    assert await harness.ask(sink) == Delivered(202)
    on_a_used_one = await harness.ask(sink)
    on_a_fresh_one = await harness.ask(sink)
    assert isinstance(on_a_used_one, Retry)
    assert isinstance(on_a_fresh_one, Retry)
    assert (on_a_used_one.reason, on_a_used_one.ambiguous, on_a_used_one.stale) == ("connection", True, True)
    assert (on_a_fresh_one.reason, on_a_fresh_one.ambiguous, on_a_fresh_one.stale) == ("connection", True, False)


async def test_a_timeout_on_a_used_connection_is_the_destinations(harness: Harness) -> None:
    emulator = await harness.emulator()
    sink = await harness.sink(emulator.endpoint, timeout=0.3)
    assert await harness.ask(sink) == Delivered(202)
    emulator.set_faults(Fault(kind=FaultKind.HANG))
    verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.stale) == ("timeout", False)


async def test_where_one_connection_was_found_dead_the_idle_ones_are_not_tried_one_by_one(
    direct_harness: Harness,
) -> None:
    """A load balancer that restarts takes all of them along, and tells of some."""
    harness = direct_harness
    emulator = await harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.05))
    sink = await harness.sink(emulator.endpoint, max_in_flight=8)
    for attempt in [harness.send(sink) for _ in range(8)]:
        await harness.answers.of(attempt)
    emulator.set_faults(Fault(kind=FaultKind.DROP_BEFORE_READING, count=8))
    verdicts = [await harness.ask(sink) for _ in range(2)]
    assert [isinstance(verdict, Retry) and verdict.stale for verdict in verdicts] == [True, False]
