"""A marked key, a marked password and marked payloads go through every fault; afterwards nobody has seen them."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import pytest

from bridge.config import load
from bridge.sandbox.broker import FETCH, OFFSET_COMMIT, PRODUCE
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.service.main import secrets_of
from tests.component.service.conftest import Start
from tests.support.service import settings
from tests.support.service.embedded import Broker, Letter
from tests.support.service.in_process import Service
from tests.support.service.objects import objects_of
from tests.support.waiting import until

KEY, NEXT_KEY = "NX-MARKED/9d41c7e2+x", "NX-MARKED/second-5b0d"
PASSWORD = 'MARKED-sasl-"55aa\\'
PAYLOAD = "MARKED-payload"
SECRETS = ("NX-MARKED", "9d41c7e2", "second-5b0d", "MARKED-sasl", quote(KEY, safe=""))
ENCODED = tuple(base64.b64encode(text.encode()).decode().rstrip("=")[:-2] for text in (KEY, NEXT_KEY, PASSWORD))
COORDINATOR_LOADS, NOT_LEADER = 14, 6

ECHO = json.dumps({"errors": [{"error_code": KEY, "message": f"no: Token {KEY}", "details": PAYLOAD, "error": KEY}]})
ESCAPED = ECHO.replace("N", "\\u004e").replace("/", "\\/")


def answers() -> list[Fault]:
    """Every way in which the emulator can fail, each repeating the key where it can."""
    spoken = {
        "X-Request-Id": f"r-{KEY}",
        "Location": f"https://u:{quote(KEY, safe='')}@h.example/{KEY}",
        "Retry-After": "0",
    }
    statuses = [301, 302, 400, 403, 404, 405, 407, 408, 413, 422, 425, 429, 500, 503, 599]
    faults = [Fault(kind=FaultKind.STATUS, status=each, body=ECHO, headers=spoken, count=1) for each in statuses]
    faults += [Fault(kind=FaultKind.STATUS, status=400, body=body, count=1) for body in (ESCAPED, KEY, ECHO[:60])]
    faults += [Fault(kind=FaultKind.STATUS, status=401, body=ECHO, headers=spoken, count=7)]
    broken = [FaultKind.DROP_AFTER_READING, FaultKind.RESET_AFTER_HEADERS, FaultKind.TRUNCATE, FaultKind.HANG]
    faults += [Fault(kind=kind, status=500, body=ECHO, headers=spoken, count=1) for kind in broken]
    faults += [Fault(kind=FaultKind.DRIP, status=400, body=KEY, interval=0.0, count=1)]
    faults += [Fault(kind=FaultKind.RAW, body=f"{KEY}\r\n{ECHO}", count=1)]
    return [*faults, Fault(kind=FaultKind.DROP_BEFORE_READING, count=1)]


def records() -> list[bytes]:
    """Some that are delivered, some that become letters for every reason the mapping has."""
    marked = {"user": PAYLOAD, "n": PAYLOAD}
    bad: list[bytes] = [
        PAYLOAD.encode(),
        json.dumps({"type": "order.completed", "data": {"user": {PAYLOAD: PAYLOAD}}}).encode(),
        json.dumps({"type": "order.completed", "data": {"user": None, "n": PAYLOAD}}).encode(),
        json.dumps({"type": "order.completed", "data": {"user": "u", "n": PAYLOAD * 9000}}).encode(),
    ]
    good = [
        json.dumps({"type": "order.completed", "data": {**marked, "user": f"{PAYLOAD}-{n}"}}).encode()
        for n in range(80)
    ]
    return [value for pair in zip(good, (bad * 20), strict=True) for value in pair]


async def through_every_fault(service: Service, broker: Broker, api: Emulator, key: Path | None) -> None:
    """Records, and faults of the API, the broker and the key file while they are on their way."""
    api.set_faults(*answers())
    broker.produce(records())
    await service.until("every fault was met", lambda: _met(api))
    broker.embedded.fail(PRODUCE, *[NOT_LEADER] * 3)
    broker.embedded.fail(OFFSET_COMMIT, *[COORDINATOR_LOADS] * 3)
    broker.embedded.fail(FETCH, *[NOT_LEADER] * 3)
    broker.produce(records())
    await service.until_done(320)
    broker.embedded.down()
    if key is not None:
        api.keys = frozenset({NEXT_KEY})
        _replace(key, f"{KEY}\r\nX-Injected: {KEY}")  # refused, told of, and not repeated
    broker.embedded.up()
    broker.produce(records())
    if key is not None:
        await service.until("the broken file is told of", lambda: bool(service.lines.events("key_unreadable")))
        _replace(key, NEXT_KEY)
    await service.until_done(480)


def _replace(key: Path, content: str) -> None:
    key.write_text(content)


def _met(api: Emulator) -> bool:
    return api.ledger.answers[FaultKind.DROP_BEFORE_READING] == 1 and api.ledger.answers["401"] >= 7


@pytest.mark.slow(reason="goes through every fault of the API one after the other", seconds=9)
@pytest.mark.parametrize(("client", "place"), [("direct", "file"), ("httpx", "value")])
async def test_no_secret_is_anywhere_after_every_fault(
    broker: Broker, api: Emulator, start: Start, tmp_path: Path, client: str, place: str
) -> None:
    api.keys = frozenset({KEY})
    key = tmp_path / "key" if place == "file" else None
    if key is not None:
        _replace(key, KEY + "\n")
    service = await start(
        track={
            "client": client,
            "timeout": "5s",  # an answer that comes too late on a busy machine is a fault that was not met
            "api_key": None if key else KEY,
            "api_key_file": str(key) if key else None,
        },
        kafka={"properties": {"sasl.password": PASSWORD, "ssl.key.password": PASSWORD}},
        dead_letter={"hold_after": 0},
        observability={"log_level": "debug"},
    )
    await through_every_fault(service, broker, api, key)

    pages = {
        path: (await service.get(path)).text for path in ("/", "/livez", "/readyz", "/metrics", "/status", "/none")
    }
    shown = "\n".join(f"{each!r} {each!s}" for each in objects_of(service.bridge))
    await service.stop()
    log = service.lines.text.decode()
    letters = broker.letters()

    assert {letter.header("reason") for letter in letters} >= {
        "undecodable",
        "unmappable",
        "invalid",
        "rejected",
        "unauthorized",
    }
    for name in (
        "Redactor(",
        "kafka=Kafka(",
        "SecretStr(" if key is None else "KeyFile(",
        "Dispatcher",
        "OffsetTracker(",
    ):
        assert name in shown, f"the walk went past {name}"
    for where, text in {**pages, "the log": log, "an object": shown, "a letter": _text_of(letters)}.items():
        for secret in (*SECRETS, *ENCODED):
            assert secret not in text, f"{secret} in {where}: {_around(text, secret)}"
        if where != "a letter":
            assert PAYLOAD not in text, f"a payload in {where}: {_around(text, PAYLOAD)}"
    for letter in letters:
        # The request is kept for `track-bridge dlq show`, beside the record it was made of; nothing else does.
        kept = "bridge.dead-letter.request"
        added = {name: value for name, value in letter.headers.items() if name.startswith(("bridge.", "__connect"))}
        ours = [value for name, value in added.items() if name != kept]
        assert PAYLOAD.encode() not in b"".join(ours)


def _text_of(letters: Sequence[Letter]) -> str:
    return "\n".join(f"{letter.key!r} {letter.value!r} {letter.headers!r}" for letter in letters)


def _around(text: str, found: str) -> str:
    at = text.index(found)
    return text[max(0, at - 200) : at + 60]


async def test_a_defect_whose_text_holds_secrets_is_told_without_them(start: Start) -> None:
    service = await start(
        track={"api_key": KEY}, kafka={"properties": {"sasl.password": PASSWORD}}, observability={"log_level": "debug"}
    )

    def breaks() -> None:
        raise RuntimeError(f"Authorization: Token {KEY}; {PASSWORD}") from ValueError(f"{KEY} {PASSWORD!r}")

    asyncio.get_running_loop().call_soon(breaks)
    assert (await service.running).code == 70
    await until("it is told", lambda: b"RuntimeError" in service.lines.text)

    text = service.lines.text.decode()
    for secret in SECRETS:
        assert secret not in text


def test_every_property_that_holds_a_secret_and_the_proxys_password_are_kept_out_of_the_log(tmp_path: Path) -> None:
    names = (
        "sasl.password",
        "ssl.key.pem",
        "sasl.oauthbearer.client.secret",
        "sasl.oauthbearer.assertion.private.key.passphrase",
    )
    sections = settings.layered(
        settings.base("localhost:1", "https://api.example", ["orders"]),
        {"kafka": {"properties": {name: f"MARKED-{name}" for name in names}}},
    )
    config = load.read(settings.write(tmp_path / "bridge.yaml", sections), {}).config
    assert config is not None

    hidden = secrets_of(config, proxy="http://user:MARKED%2Fproxy@proxy.example:3128")

    assert set(hidden) == {*(f"MARKED-{name}" for name in names), "MARKED%2Fproxy", "MARKED/proxy", settings.API_KEY}
