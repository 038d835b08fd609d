"""What the direct sink's own pool promises: warm connections first, nobody behind a dead one, idle ones dropped."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest

from bridge.counts import DURATION_BOUNDS
from bridge.model import Delivered
from bridge.sandbox.emulator import Fault, FaultKind
from bridge.track.credentials import FixedKey
from bridge.track.dial import failure_sentence
from bridge.track.direct import DirectSink
from bridge.track.request import Endpoint

if TYPE_CHECKING:
    from tests.contract.track.conftest import Harness, Peer

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


async def test_the_connection_used_last_is_used_next(direct_harness: Harness) -> None:
    served: list[int] = []

    async def handler(peer: Peer) -> None:
        while True:
            await peer.request()
            served.append(peer.number)
            await peer.say(ACCEPTED)

    sink = await direct_harness.sink(await direct_harness.serve(handler))
    for attempt in [direct_harness.send(sink) for _ in range(3)]:
        await direct_harness.answers.of(attempt)
    served.clear()
    for _ in range(5):
        await direct_harness.ask(sink)
    assert len(set(served)) == 1, "the others stay idle and can be dropped"


async def test_an_idle_connection_is_dropped_before_the_server_would(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator()
    sink = await direct_harness.sink(emulator.endpoint, idle_limit=0.1)
    assert await direct_harness.ask(sink) == Delivered(202)
    await direct_harness.until(lambda: emulator.ledger.connections == 0)
    assert sink.stats.connections_closed == {"idle": 1}
    assert await direct_harness.ask(sink) == Delivered(202)


async def test_a_request_takes_a_freed_connection_rather_than_wait_for_one_that_does_not_come(
    direct_harness: Harness,
) -> None:
    """The second connection's handshake never ends; the request behind it goes out on the first."""
    stuck = False

    async def handler(peer: Peer) -> None:
        while True:
            await peer.request()
            await direct_harness.until(lambda: stuck)
            await peer.say(ACCEPTED)

    endpoint = await direct_harness.serve(handler)
    sink = await direct_harness.sink(endpoint, timeout=30)
    assert isinstance(sink, DirectSink)
    first = direct_harness.send(sink)
    await direct_harness.until(lambda: sink.stats.connections == 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        sink._dialer._endpoint = Endpoint("http", "127.0.0.1", silent.getsockname()[1])
        second = direct_harness.send(sink)
        stuck = True
        assert await direct_harness.answers.of(first) == Delivered(202)
        assert await direct_harness.answers.of(second) == Delivered(202)
        for filler in fillers:
            filler.close()
    assert direct_harness.connections == 1


async def test_no_more_connections_are_opened_than_requests_may_be_in_flight(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.02))
    sink = await direct_harness.sink(emulator.endpoint, max_in_flight=3)
    attempts = [direct_harness.send(sink) for _ in range(12)]
    for attempt in attempts:
        assert await direct_harness.answers.of(attempt) == Delivered(202)
    assert emulator.ledger.connections_opened == 3
    assert emulator.ledger.max_in_flight == 3


async def test_waiting_requests_outlive_a_server_that_closes_after_each_answer(direct_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")

    sink = await direct_harness.sink(await direct_harness.serve(handler), max_in_flight=2)
    attempts = [direct_harness.send(sink) for _ in range(8)]
    for attempt in attempts:
        assert await direct_harness.answers.of(attempt) == Delivered(202)
    assert sink.stats.connections_closed.get("server_asked") == 8


async def test_an_answer_that_came_while_the_process_was_stopped_beats_the_deadline(direct_harness: Harness) -> None:
    """After a pause of the whole process the sockets are read before requests are declared overdue."""
    emulator = await direct_harness.emulator()
    sink = await direct_harness.sink(emulator.endpoint, timeout=1.0)
    assert await direct_harness.ask(sink) == Delivered(202)
    attempt = direct_harness.send(sink)
    time.sleep(1.4)  # noqa: ASYNC251 - the stopped process
    assert await direct_harness.answers.of(attempt) == Delivered(202)


async def test_durations_and_answers_are_counted(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator()
    sink = await direct_harness.sink(emulator.endpoint)
    await direct_harness.ask(sink)
    emulator.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    await direct_harness.ask(sink)
    assert sink.stats.by_status == {202: 1, 503: 1}
    assert sum(sink.stats.duration_buckets) == 2
    assert len(sink.stats.duration_buckets) == len(DURATION_BOUNDS) + 1
    assert sink.stats.duration_sum > 0
    assert (sink.stats.connections, sink.stats.connections_opened) == (1, 1)


async def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    direct_harness: Harness, full_backlog: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = await direct_harness.emulator()
    dead = ("127.0.0.1", int(full_backlog.rpartition(":")[2]))
    sink = await direct_harness.sink(emulator.endpoint, timeout=1.0)
    assert isinstance(sink, DirectSink)
    real = socket.getaddrinfo

    def two_addresses(*arguments: object, **options: object) -> list[object]:
        found = list(real(*arguments, **options))  # type: ignore[arg-type]
        return [(*found[0][:4], dead), *found]

    monkeypatch.setattr(socket, "getaddrinfo", two_addresses)
    assert await direct_harness.ask(sink) == Delivered(202)
    assert await direct_harness.ask(sink) == Delivered(202), "the address that works is known by now"


def test_a_name_that_does_not_resolve_names_the_setting() -> None:
    error = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    sentence = failure_sentence(error, Endpoint("https", "analytex.example", 443))
    assert sentence == "the host analytex.example of track.endpoint does not resolve: Name or service not known"


def test_an_https_endpoint_without_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="TLS"):
        DirectSink(Endpoint("https", "h", 443), FixedKey("NX-1"), timeout=1, max_in_flight=1)
