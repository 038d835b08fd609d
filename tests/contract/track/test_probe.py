"""What `track-bridge check` finds out about the API without sending an event."""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from bridge.sandbox.emulator import DEFAULT_KEY, Fault, FaultKind
from bridge.track.credentials import FixedKey
from bridge.track.probe import ProbeFinding, ProbeResult, Step, probe
from bridge.track.request import Endpoint
from bridge.track.tls import CaFileError, client_context

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.track.dial import Address, Resolve
    from tests.contract.track.conftest import Authority, Harness, Peer


async def findings(harness: Harness, endpoint: str, key: str = DEFAULT_KEY, timeout: float = 5.0) -> list[ProbeFinding]:  # noqa: ASYNC109
    parsed = Endpoint.parse(endpoint)
    return list(await probe(parsed, FixedKey(key), timeout=timeout, tls=harness.authority.client))


def outcome(found: list[ProbeFinding]) -> list[tuple[Step, ProbeResult]]:
    return [(finding.step, finding.result) for finding in found]


REACHED_PLAIN = [(Step.RESOLVE, ProbeResult.OK), (Step.CONNECT, ProbeResult.OK)]


def reached(harness: Harness) -> list[tuple[Step, ProbeResult]]:
    return [*REACHED_PLAIN, (Step.TLS, ProbeResult.OK)] if harness.secure else REACHED_PLAIN


async def test_all_is_well_and_no_event_was_sent(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator()
    found = await findings(direct_harness, emulator.endpoint)
    assert outcome(found) == [*reached(direct_harness), (Step.KEY, ProbeResult.OK)]
    assert emulator.ledger.requests == 0


async def test_a_refused_key_is_a_failure_that_does_not_show_it(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator()
    found = await findings(direct_harness, emulator.endpoint, key="NX-wrong")
    assert outcome(found) == [*reached(direct_harness), (Step.KEY, ProbeResult.FAILED)]
    assert "401" in found[-1].sentence
    assert "NX-wrong" not in repr(found)


async def test_an_api_without_the_undocumented_check_leaves_the_key_unknown(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator(has_validate=False)
    assert outcome(await findings(direct_harness, emulator.endpoint))[-1] == (Step.KEY, ProbeResult.UNKNOWN)


@pytest.mark.parametrize(
    ("status", "result"),
    [(302, ProbeResult.FAILED), (403, ProbeResult.FAILED), (500, ProbeResult.UNKNOWN), (429, ProbeResult.UNKNOWN)],
)
async def test_other_answers_are_told_apart(direct_harness: Harness, status: int, result: ProbeResult) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\nLocation: https://other.example/\r\n\r\n" % status)
        await peer.gone()

    found = await findings(direct_harness, await direct_harness.serve(handler))
    assert outcome(found)[-1] == (Step.KEY, result)


async def test_a_host_that_does_not_answer_fails_at_connecting(direct_harness: Harness, full_backlog: str) -> None:
    scheme = "https" if direct_harness.secure else "http"
    found = await findings(direct_harness, f"{scheme}://{full_backlog}", timeout=0.3)
    assert outcome(found) == [(Step.RESOLVE, ProbeResult.OK), (Step.CONNECT, ProbeResult.FAILED)]


async def test_a_host_that_hangs_fails_at_connecting(direct_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        await peer.gone()

    found = await findings(direct_harness, await direct_harness.serve(handler), timeout=0.3)
    assert outcome(found)[-1] == (Step.CONNECT, ProbeResult.FAILED)


async def test_an_impossible_name_fails_at_resolving(direct_harness: Harness) -> None:
    found = await findings(direct_harness, f"https://{'a' * 64}.invalid")
    assert outcome(found) == [(Step.RESOLVE, ProbeResult.FAILED)]


async def test_an_unknown_authority_fails_at_tls_and_names_the_setting(tls_harness: Harness) -> None:
    emulator = await tls_harness.emulator()
    found = await probe(
        Endpoint.parse(emulator.endpoint), FixedKey(DEFAULT_KEY), timeout=5, tls=ssl.create_default_context()
    )
    assert outcome(list(found)) == [(Step.RESOLVE, ProbeResult.OK), (Step.TLS, ProbeResult.FAILED)]
    assert "track.ca_file" in found[-1].sentence


async def test_a_certificate_of_another_host_fails_at_tls(tls_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        await peer.gone()

    endpoint = await tls_harness.serve(handler, tls_harness.authority.server_context("other.example"))
    found = await findings(tls_harness, endpoint)
    assert outcome(found)[-1] == (Step.TLS, ProbeResult.FAILED)


def at(*ports: int) -> Resolve:
    """A name with an address for each port: 127.0.0.1, 127.0.0.2."""

    async def resolve(_host: str, _port: int) -> list[Address]:
        hosts = ("127.0.0.1", "127.0.0.2")
        return [
            found
            for host, port in zip(hosts, ports, strict=True)
            for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        ]

    return resolve


async def test_an_address_that_fails_beside_one_that_works_is_told_and_is_no_failure(tls_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        await peer.gone()

    bad = await tls_harness.serve(handler, tls_harness.authority.server_context("other.example"))
    good = await tls_harness.emulator(host="127.0.0.2")
    name = Endpoint("https", "localhost", 443)
    resolve = at(int(bad.rpartition(":")[2]), good.port)
    found = list(await probe(name, FixedKey(DEFAULT_KEY), timeout=5, tls=tls_harness.authority.client, resolve=resolve))
    assert outcome(found) == [*reached(tls_harness), (Step.TLS, ProbeResult.UNKNOWN), (Step.KEY, ProbeResult.OK)]
    assert "127.0.0.1, one of the 2 addresses of localhost" in found[-2].sentence


async def test_where_every_address_fails_what_the_one_that_answers_says_is_told(tls_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        await peer.gone()

    bad = await tls_harness.serve(handler, tls_harness.authority.server_context("other.example"))
    with socket.socket() as unused:
        unused.bind(("127.0.0.2", 0))
        resolve = at(int(bad.rpartition(":")[2]), unused.getsockname()[1])
        name = Endpoint("https", "localhost", 443)
        found = list(
            await probe(name, FixedKey(DEFAULT_KEY), timeout=5, tls=tls_harness.authority.client, resolve=resolve)
        )
    assert outcome(found) == [(Step.RESOLVE, ProbeResult.OK), (Step.TLS, ProbeResult.FAILED)]


async def test_behind_a_proxy_the_proxy_does_the_resolving(direct_harness: Harness, full_backlog: str) -> None:
    found = await probe(
        Endpoint.parse("https://api.invalid"),
        FixedKey(DEFAULT_KEY),
        timeout=0.3,
        tls=direct_harness.authority.client,
        proxy=f"http://user:hunter2@{full_backlog}",
    )
    assert outcome(list(found)) == [(Step.CONNECT, ProbeResult.FAILED)]
    assert full_backlog in found[0].sentence
    assert "hunter2" not in repr(found)


async def test_a_proxy_that_cannot_be_used_is_a_finding(authority: Authority) -> None:
    found = await probe(
        Endpoint.parse("https://api.invalid"),
        FixedKey(DEFAULT_KEY),
        timeout=1,
        tls=authority.client,
        proxy="socks5://user:hunter2@127.0.0.1:1",
    )
    assert outcome(list(found)) == [(Step.CONNECT, ProbeResult.FAILED)]
    assert "hunter2" not in repr(found)


async def test_a_drop_in_the_middle_is_reported_as_a_broken_connection(direct_harness: Harness) -> None:
    emulator = await direct_harness.emulator()
    emulator.set_faults(Fault(kind=FaultKind.DROP_BEFORE_READING))
    assert outcome(await findings(direct_harness, emulator.endpoint))[-1] == (Step.CONNECT, ProbeResult.FAILED)


def test_a_ca_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(CaFileError, match=r"track\.ca_file: .*ca\.pem holds no certificate in PEM form"):
        client_context(tmp_path / "ca.pem")
    with pytest.raises(CaFileError, match=r"track\.ca_file: .*absent cannot be read: No such file or directory"):
        client_context(tmp_path / "absent")
