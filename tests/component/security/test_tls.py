"""Certificates are always checked: nothing turns it off, and each way to fail is a sentence that says what to mend."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
import trustme

from bridge.config import load
from bridge.sandbox.emulator import Emulator
from bridge.track.tls import client_context
from tests.component.cli.conftest import run
from tests.component.service.conftest import Configure, Start
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.settings import API_KEY

ROOT = Path(__file__).parents[3]
TEMPTATIONS = {
    "PYTHONHTTPSVERIFY": "0",
    "CURL_CA_BUNDLE": "",
    "REQUESTS_CA_BUNDLE": "",
    "NODE_TLS_REJECT_UNAUTHORIZED": "0",
}
"""What switches verification off elsewhere."""


class Serve(Protocol):
    """Starts an emulated API with a certificate for this name, of these days counted from today."""

    async def __call__(self, name: str, days: tuple[int, int] = (-1, 1)) -> Emulator: ...


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture
async def serve(authority: trustme.CA) -> AsyncIterator[Serve]:
    async with AsyncExitStack() as stack:

        async def started(name: str, days: tuple[int, int] = (-1, 1)) -> Emulator:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            begins, ends = (datetime.now(UTC) + timedelta(days=each) for each in days)
            authority.issue_cert(name, not_before=begins, not_after=ends).configure_cert(context)
            return await stack.enter_async_context(Emulator(keys=[API_KEY], tls=context))

        yield started


def problems(output: str) -> list[str]:
    document: dict[str, Any] = json.loads(output)
    return [each["what"] for each in document["findings"] if each["level"] == "problem"]


@pytest.mark.parametrize(
    ("name", "trusted", "why"),
    [("127.0.0.1", False, "certificate"), ("other.example", True, "not valid for '127.0.0.1'")],
    ids=["an unknown authority", "another host's certificate"],
)
async def test_a_certificate_that_fails_is_a_finding_of_check_with_a_sentence(
    serve: Serve, configure: Configure, ca_file: str, name: str, *, trusted: bool, why: str
) -> None:
    api = await serve(name)
    file = configure(track={"endpoint": api.endpoint, "ca_file": ca_file if trusted else None})
    ran = await run("check", "--json", "-c", str(file), environ=TEMPTATIONS)

    found = [each for each in problems(ran.out) if "certificate of 127.0.0.1 was refused" in each]
    assert len(found) == 1, ran.out
    assert why in found[0]
    assert "track.ca_file" in found[0]
    assert ran.code != 0
    assert api.ledger.connections_opened == 0 or api.ledger.requests == 0


@pytest.mark.parametrize(
    ("days", "why"),
    [((-3, -1), "has expired, or one that signed it has: renew it there"), ((1, 3), "is not valid yet")],
    ids=["expired", "not yet valid"],
)
async def test_a_certificate_out_of_its_time_is_called_that_by_check_and_by_the_outage(
    broker: Broker, start: Start, serve: Serve, configure: Configure, ca_file: str, days: tuple[int, int], why: str
) -> None:
    api = await serve("127.0.0.1", days)
    track = {"endpoint": api.endpoint, "ca_file": ca_file}
    ran = await run("check", "--json", "-c", str(configure(track=track)))
    [found] = [each for each in problems(ran.out) if "certificate" in each]
    assert found.startswith(f"The certificate of 127.0.0.1 {why}")
    assert ran.code == 3

    broker.produce(events.orders(20))
    service = await start(track=track)
    await service.until("it is an outage", lambda: bool(service.lines.events("outage_began")))
    status = await service.status()
    await service.stop()
    assert f"the certificate of 127.0.0.1 {why}" in json.dumps(status["blocked"])
    assert api.ledger.requests == 0
    assert broker.position() == 0
    assert broker.letters() == []


async def test_an_authority_in_ca_file_is_trusted_beside_the_systems(
    serve: Serve, configure: Configure, ca_file: str
) -> None:
    api = await serve("127.0.0.1")
    ran = await run("check", "--json", "-c", str(configure(track={"endpoint": api.endpoint, "ca_file": ca_file})))
    assert not any("certificate" in each for each in problems(ran.out)), ran.out

    plain, added = ssl.create_default_context(), client_context(Path(ca_file))
    assert added.cert_store_stats()["x509_ca"] == plain.cert_store_stats()["x509_ca"] + 1


@pytest.mark.parametrize("client", ["direct", "httpx"])
async def test_no_event_and_no_key_go_to_a_server_whose_certificate_fails(
    broker: Broker, start: Start, serve: Serve, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    for variable, value in TEMPTATIONS.items():
        monkeypatch.setenv(variable, value)
    api = await serve("127.0.0.1")
    broker.produce(events.orders(20))
    service = await start(track={"endpoint": api.endpoint, "client": client})

    await service.until("it is an outage", lambda: bool(service.lines.events("outage_began")))
    status = await service.status()
    await service.stop()

    [block] = [block for block in status["blocked"] if block["reason"] == "outage"]
    assert "the certificate of 127.0.0.1 was refused" in json.dumps(block)
    assert "track.ca_file" in json.dumps(block)
    assert api.ledger.requests == 0
    assert broker.position() == 0
    assert broker.letters() == []


def test_the_context_of_every_connection_demands_a_certificate_of_that_host(ca_file: str) -> None:
    for context in (client_context(None), client_context(Path(ca_file))):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_no_key_of_the_configuration_could_switch_it_off() -> None:
    schema = json.loads((ROOT / "schemas" / "bridge.schema.json").read_text())
    names = {name for names in _properties(schema) for name in names}
    assert "ca_file" in names
    for word in ("verify", "insecure", "skip", "trust", "self_signed"):
        assert not [name for name in names if word in name]


def _properties(node: Any) -> list[list[str]]:
    if isinstance(node, dict):
        own = [list(node["properties"])] if isinstance(node.get("properties"), dict) else []
        return own + [found for value in node.values() for found in _properties(value)]
    return [found for item in node for found in _properties(item)] if isinstance(node, list) else []


def test_for_kafka_it_cannot_be_switched_off_and_a_weaker_check_is_said_at_each_start(configure: Configure) -> None:
    off = load.read(configure(kafka={"properties": {"enable.ssl.certificate.verification": False}}), {})
    assert [each.where for each in off.problems] == ["kafka.properties.enable.ssl.certificate.verification"]
    weaker = load.read(configure(kafka={"properties": {"ssl.endpoint.identification.algorithm": "none"}}), {})
    assert [each.where for each in weaker.warnings] == ["kafka.properties.ssl.endpoint.identification.algorithm"]
