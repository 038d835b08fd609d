"""A name with several addresses, and one that moves: what both sinks do. The resolver is the test's."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from bridge.config.sections import Track
from bridge.model import Delivered, Retry
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator, Fault, FaultKind
from bridge.track.build import build_credentials, build_sink
from tests.support.waiting import patience

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bridge.track.dial import Address
    from tests.contract.track.conftest import AnySink, Harness

HOSTS = ("127.0.0.1", "127.0.0.2", "::1")


class Name:
    """Resolves to what it is told, and counts how often it is asked."""

    def __init__(self, *ports: int) -> None:
        self.points_to(*ports)
        self.asked = 0

    def points_to(self, *ports: int) -> None:
        self.ports = ports
        """On the first, second and third loopback address; 0: not there."""

    async def __call__(self, _host: str, _port: int) -> Sequence[Address]:
        self.asked += 1
        return [
            found
            for host, port in zip(HOSTS, self.ports, strict=False)
            if port
            for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]


@pytest.fixture
async def servers(harness: Harness) -> list[Emulator]:
    """One behind each address."""
    return [await harness.emulator(host=host) for host in HOSTS]


async def sink_for(harness: Harness, name: Name, **settings: float) -> AnySink:
    return await harness.sink(
        f"{'https' if harness.secure else 'http'}://localhost:1",
        resolve=name,
        **settings,  # type: ignore[arg-type]
    )


def requests(servers: list[Emulator]) -> list[int]:
    return [server.ledger.requests for server in servers]


async def test_each_of_several_addresses_is_tried_within_one_request(harness: Harness, servers: list[Emulator]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        sink = await sink_for(harness, Name(unused.getsockname()[1], servers[1].port, servers[2].port))
        assert await harness.ask(sink) == Delivered(202)
    assert requests(servers) == [0, 1, 0]
    assert sink.stats.by_failure == {}


async def test_an_address_with_a_bad_certificate_is_left_for_the_next_one(tls_harness: Harness) -> None:
    harness = tls_harness
    good = await harness.emulator(host=HOSTS[1])

    async def handler(_peer: object) -> None:
        raise AssertionError("a request got through to a server whose certificate fails")

    endpoint = await harness.serve(handler, harness.authority.server_context("other.example"))
    name = Name(int(endpoint.rpartition(":")[2]), good.port)
    sink = await sink_for(harness, name)
    for _ in range(3):
        assert await harness.ask(sink) == Delivered(202)
    assert harness.connections <= 1, "it is not tried again for a while"


async def test_where_no_address_will_do_the_sentence_says_what_the_one_that_answers_says_and_which_were_tried(
    tls_harness: Harness,
) -> None:
    harness = tls_harness

    async def handler(_peer: object) -> None:
        raise AssertionError("a request got through to a server whose certificate fails")

    context = harness.authority.server_context("other.example")
    endpoint = await harness.serve(handler, context)
    with socket.socket() as unused:
        unused.bind((HOSTS[1], 0))
        sink = await sink_for(harness, Name(int(endpoint.rpartition(":")[2]), unused.getsockname()[1]))
        verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous, verdict.stale) == ("connection", False, False)
    assert "the certificate of localhost was refused" in verdict.detail
    assert "127.0.0.1" in verdict.detail
    assert "127.0.0.2" in verdict.detail


async def test_a_name_that_moved_is_followed_within_the_age_of_a_connection_while_the_old_address_answers(
    harness: Harness, servers: list[Emulator]
) -> None:
    name = Name(servers[0].port)
    sink = await sink_for(harness, name, max_age=0.3)
    assert await harness.ask(sink) == Delivered(202)
    name.points_to(0, servers[1].port)
    async with patience("the new address is asked", within=10):
        while servers[1].ledger.requests < 3:
            assert await harness.ask(sink) == Delivered(202)
    before = servers[0].ledger.requests
    for _ in range(5):
        assert await harness.ask(sink) == Delivered(202)
    assert servers[0].ledger.requests == before
    assert sink.stats.by_failure == {}


async def test_a_connection_within_its_age_is_not_replaced_and_nothing_is_resolved(
    harness: Harness, servers: list[Emulator]
) -> None:
    name = Name(servers[0].port)
    sink = await sink_for(harness, name)
    for _ in range(5):
        assert await harness.ask(sink) == Delivered(202)
    assert name.asked == 1
    assert servers[0].ledger.connections_opened == 1


@pytest.mark.parametrize("client", ["direct", "httpx"])
async def test_the_age_is_the_configured_one(direct_harness: Harness, client: str) -> None:
    harness = direct_harness
    server = await harness.emulator()
    track = {
        "endpoint": server.endpoint, "api_key": DEFAULT_KEY, "client": client, "connection_max_age": "200ms",
        "ca_file": str(harness.authority.file),
    }  # fmt: skip
    configured = Track.model_validate(track)
    sink: AnySink = build_sink(configured, max_in_flight=4, credentials=build_credentials(configured))
    await sink.start(harness.answers)
    assert await harness.ask(sink) == Delivered(202)
    await asyncio.sleep(0.25)
    assert await harness.ask(sink) == Delivered(202)
    await sink.close()
    assert server.ledger.connections_opened == 2


async def test_a_request_on_its_way_is_not_cut_off_by_its_connections_age(
    harness: Harness, servers: list[Emulator]
) -> None:
    servers[0].set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.4))
    sink = await sink_for(harness, Name(servers[0].port), max_age=0.1)
    assert await harness.ask(sink) == Delivered(202)
    assert await harness.ask(sink) == Delivered(202)
    assert servers[0].ledger.connections_opened == 2


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_a_gateways_failure_at_one_address_of_several_makes_it_try_another(
    harness: Harness, servers: list[Emulator], status: int
) -> None:
    servers[0].set_faults(Fault(kind=FaultKind.STATUS, status=status))
    sink = await sink_for(harness, Name(*(server.port for server in servers)))
    first = await harness.ask(sink)
    assert isinstance(first, Retry)
    assert first.status == status
    for _ in range(5):
        assert await harness.ask(sink) == Delivered(202)
    assert requests(servers) == [1, 5, 0]


async def test_idle_connections_to_an_address_that_fails_carry_no_further_request(
    harness: Harness, servers: list[Emulator]
) -> None:
    servers[0].set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.05))
    sink = await sink_for(harness, Name(servers[0].port, servers[1].port))
    for attempt in [harness.send(sink) for _ in range(4)]:
        assert await harness.answers.of(attempt) == Delivered(202)
    servers[0].set_faults(Fault(kind=FaultKind.STATUS, status=503))
    assert isinstance(await harness.ask(sink), Retry)
    for _ in range(4):
        assert await harness.ask(sink) == Delivered(202)
    assert requests(servers) == [5, 4, 0]


async def test_where_all_addresses_fail_connections_are_kept_and_each_is_tried_again(
    harness: Harness, servers: list[Emulator]
) -> None:
    for server in servers:
        server.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    sink = await sink_for(harness, Name(*(server.port for server in servers)))
    for _ in range(30):
        assert isinstance(await harness.ask(sink), Retry)
    assert all(requests(servers))
    assert sum(server.ledger.connections_opened for server in servers) <= 6
    for server in servers:
        server.set_faults()
    assert await harness.ask(sink) == Delivered(202)


async def test_an_address_that_accepts_connections_and_never_answers_is_left(
    harness: Harness, servers: list[Emulator]
) -> None:
    servers[0].set_faults(Fault(kind=FaultKind.HANG))
    sink = await sink_for(harness, Name(servers[0].port, servers[1].port), timeout=0.4)
    verdict = await harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("timeout", True)
    assert await harness.ask(sink) == Delivered(202)
    assert requests(servers) == [1, 1, 0]


async def test_one_address_alone_keeps_its_connections_whatever_it_answers(
    harness: Harness, servers: list[Emulator]
) -> None:
    servers[0].set_faults(Fault(kind=FaultKind.STATUS, status=503))
    sink = await sink_for(harness, Name(servers[0].port))
    for _ in range(5):
        assert isinstance(await harness.ask(sink), Retry)
    assert servers[0].ledger.connections_opened == 1


async def test_the_certificate_must_be_the_names_whatever_the_address(tls_harness: Harness) -> None:
    """The address is in the certificate, the name is not: who moved the name's address gets nothing."""
    harness = tls_harness
    context = harness.authority.server_context("127.0.0.1")

    async def handler(_peer: object) -> None:
        raise AssertionError("a request got through to a server whose certificate is another's")

    endpoint = await harness.serve(handler, context)
    verdict = await harness.ask(await sink_for(harness, Name(int(endpoint.rpartition(":")[2]))))
    assert isinstance(verdict, Retry)
    assert "the certificate of localhost was refused" in verdict.detail
