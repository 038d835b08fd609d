"""The httpx sink behind a proxy: events arrive, the password shows nowhere, the proxy's failures are told apart."""

from __future__ import annotations

import asyncio
import base64
from time import monotonic
from typing import TYPE_CHECKING

import pytest

from bridge.config.sections import Track
from bridge.model import Delivered, Retry
from bridge.track.build import build_credentials, build_sink
from bridge.track.credentials import FixedKey
from bridge.track.dial import ProxyError
from bridge.track.direct import DirectSink
from bridge.track.httpx_sink import HttpxSink

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.track.conftest import Harness, Peer


class Proxy:
    """Tunnels CONNECT and forwards plain requests, like every HTTP proxy; remembers the heads it was sent."""

    def __init__(self) -> None:
        self.heads: list[bytes] = []

    async def __call__(self, peer: Peer) -> None:
        head = await peer.reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        method, target, _ = head.split(b" ", 2)
        address = target if method == b"CONNECT" else target.split(b"/")[2]
        host, _, port = address.decode().rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            if method == b"CONNECT":
                await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
            else:
                writer.write(head.replace(b"http://" + address, b"", 1))
            await asyncio.gather(_pipe(peer.reader, writer, b"http://" + address), _pipe(reader, peer.writer))
        finally:
            writer.transport.abort()


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter, left_out: bytes = b"http://") -> None:
    """Copy; a plain request's target loses the server's address, which is for proxies only."""
    while data := await source.read(65536):
        target.write(data.replace(left_out, b"", 1))
    target.transport.abort()


async def plain_server(harness: Harness, handler: object) -> str:
    secure, harness.secure = harness.secure, False
    endpoint = await harness.serve(handler)  # type: ignore[arg-type] # any handler
    harness.secure = secure
    return endpoint.removeprefix("http://")


async def test_events_go_through_the_proxy_with_its_password(proxy_harness: Harness) -> None:
    emulator = await proxy_harness.emulator()
    proxy = Proxy()
    address = await plain_server(proxy_harness, proxy)
    sink = await proxy_harness.sink(emulator.endpoint, proxy=f"http://user:hunter2@{address}")
    for _ in range(3):
        assert await proxy_harness.ask(sink) == Delivered(202)
    assert len(emulator.ledger.accepted) == 3
    assert len(proxy.heads) == 1, "one connection carries them all"
    assert b"Basic " + base64.b64encode(b"user:hunter2") in proxy.heads[0]
    if proxy_harness.secure:
        assert b"NX-emulator" not in proxy.heads[0], "the key is inside the tunnel"
    assert (sink.stats.server_certificate_ends(monotonic()) is not None) == proxy_harness.secure


async def test_a_proxy_that_refuses_is_no_verdict_on_the_event(proxy_harness: Harness) -> None:
    async def handler(peer: Peer) -> None:
        await peer.reader.readuntil(b"\r\n\r\n")
        await peer.say(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    emulator = await proxy_harness.emulator()
    address = await plain_server(proxy_harness, handler)
    sink = await proxy_harness.sink(emulator.endpoint, proxy=f"http://user:hunter2@{address}")
    verdict = await proxy_harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert (verdict.reason, verdict.ambiguous) == ("connection", False)
    assert "407" in verdict.detail
    assert "hunter2" not in repr(verdict)
    assert emulator.ledger.requests == 0


async def test_a_proxy_that_is_not_there_is_named_without_its_password(
    proxy_harness: Harness, full_backlog: str
) -> None:
    sink = await proxy_harness.sink("https://api.invalid", proxy=f"http://user:hunter2@{full_backlog}", timeout=0.3)
    verdict = await proxy_harness.ask(sink)
    assert isinstance(verdict, Retry)
    assert not verdict.ambiguous
    assert verdict.detail.endswith(f"through the proxy {full_backlog}")
    assert "hunter2" not in verdict.detail


@pytest.mark.parametrize(("client", "proxy", "expected"), [
    ("auto", None, DirectSink), ("auto", "http://127.0.0.1:1", HttpxSink), ("direct", "http://127.0.0.1:1", DirectSink),
    ("httpx", None, HttpxSink), ("httpx", "http://127.0.0.1:1", HttpxSink),
])  # fmt: skip
def test_auto_takes_httpx_where_a_proxy_is_set(client: str, proxy: str | None, expected: type) -> None:
    track = Track.model_validate({"endpoint": "https://api.example", "api_key": "NX-1", "client": client})
    credentials = build_credentials(track)
    assert isinstance(build_sink(track, max_in_flight=4, credentials=credentials, proxy=proxy), expected)


@pytest.mark.parametrize("scheme", ["ftp://", "socks5://", "", "http://:1/"])
def test_a_proxy_that_cannot_be_used_is_refused_without_its_password(scheme: str) -> None:
    track = Track.model_validate({"endpoint": "https://api.example", "api_key": "NX-1"})
    with pytest.raises(ProxyError, match="proxy") as refused:
        build_sink(track, max_in_flight=4, credentials=FixedKey("NX-1"), proxy=f"{scheme}user:hunter2@h")
    assert "hunter2" not in str(refused.value)


def test_the_key_comes_from_the_file_where_one_is_set(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("NX-file")
    track = Track.model_validate({"endpoint": "https://api.example", "api_key_file": str(tmp_path / "key")})
    assert build_credentials(track).header == b"Authorization: Token NX-file"
