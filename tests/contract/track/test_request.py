"""The request on the wire, compared with the documentation's own example: written by hand, not by the serializer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from bridge import __version__
from bridge.config.keys.endpoint import normalise
from bridge.model import TRACK, Delivered, Unauthorized
from bridge.track.credentials import FixedKey, KeyFile
from bridge.track.request import Endpoint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.contract.track.conftest import Harness, Peer

DOCUMENTED_BODY = """{"user_id": "unique_user_id", "event_name": "user_subscribed",
       "metadata": {"plan": "free", "created_at": "1519205055"}}"""


async def test_the_request_is_the_documented_one_to_the_letter(harness: Harness) -> None:
    seen: list[tuple[bytes, bytes]] = []

    async def handler(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    endpoint = await harness.serve(handler)
    sink = await harness.sink(endpoint, credentials=FixedKey("YOUR_API_KEY"))
    assert await harness.ask(sink, DOCUMENTED_BODY.encode()) == Delivered(202)
    head, body = seen[0]
    line, *headers = head.decode("ascii").rstrip("\r\n").split("\r\n")
    assert line == "POST /v1/track HTTP/1.1"
    assert sorted(headers) == sorted([
        f"Host: {endpoint.partition('://')[2]}",
        f"User-Agent: track-bridge/{__version__}",
        "X-API-Version: 2020-09-22",
        "Content-Type: application/json",
        "Authorization: Token YOUR_API_KEY",
        f"Content-Length: {len(body)}",
    ])  # fmt: skip
    assert json.loads(body) == {
        "user_id": "unique_user_id",
        "event_name": "user_subscribed",
        "metadata": {"plan": "free", "created_at": "1519205055"},
    }


async def test_a_body_beyond_ascii_arrives_byte_for_byte(harness: Harness) -> None:
    emulator = await harness.emulator()
    body = '{"user_id":"ü-1","event_name":"Käse 🧀","metadata":{"a":"\\u0000"}}'.encode()
    assert await harness.ask(await harness.sink(emulator.endpoint), body) == Delivered(202)
    assert [event.body for event in emulator.ledger.accepted] == [body]


async def test_a_large_body_arrives_whole(harness: Harness) -> None:
    emulator = await harness.emulator()
    body = b'{"user_id":"u","event_name":"e","metadata":{"a":"' + b"x" * 500_000 + b'"}}'
    assert await harness.ask(await harness.sink(emulator.endpoint), body) == Delivered(202)
    assert emulator.ledger.accepted[0].body == body


async def test_a_rotated_key_is_used_from_the_next_request_on(harness: Harness, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("NX-old\n")
    key = KeyFile(file)
    emulator = await harness.emulator(keys=["NX-old"])
    sink = await harness.sink(emulator.endpoint, credentials=key)
    assert await harness.ask(sink) == Delivered(202)
    emulator.keys = frozenset({"NX-new"})
    refused = await harness.ask(sink)
    assert isinstance(refused, Unauthorized)
    assert refused.key == 1
    file.write_text("NX-new\n")
    assert key.refresh() == 2
    assert await harness.ask(sink) == Delivered(202)
    assert emulator.ledger.connections_opened == 1


@pytest.mark.parametrize("spelling", [
    "https://analytex-eu.userpilot.io", "https://analytex-eu.userpilot.io/", "https://analytex-eu.userpilot.io/v1",
    "https://analytex-eu.userpilot.io/v1/", "analytex-eu.userpilot.io", "HTTPS://Analytex-EU.userpilot.io:443",
])  # fmt: skip
def test_every_spelling_of_a_host_ends_at_one_url(spelling: str) -> None:
    endpoint = Endpoint.parse(normalise(spelling))
    assert endpoint.url(TRACK.path) == "https://analytex-eu.userpilot.io/v1/track"
    assert (endpoint.host, endpoint.port, endpoint.authority) == (
        "analytex-eu.userpilot.io", 443, "analytex-eu.userpilot.io",
    )  # fmt: skip


@pytest.mark.parametrize("text", ["", "not a url", "ftp://h", "https://", "https://h/v1/track"])
def test_what_is_no_base_url_is_refused_and_never_becomes_another_host(text: str) -> None:
    with pytest.raises(ValueError, match="not a base URL"):
        Endpoint.parse(text)


def test_an_ipv6_endpoint_keeps_its_brackets_in_the_host_header_only() -> None:
    endpoint = Endpoint.parse("http://[::1]:8080")
    assert (endpoint.host, endpoint.port, endpoint.authority) == ("::1", 8080, "[::1]:8080")
