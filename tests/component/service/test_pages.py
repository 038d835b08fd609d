"""What an operator and a supervisor see over HTTP, and what nobody may see anywhere."""

from __future__ import annotations

import json
import platform
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import trustme
from prometheus_client.parser import text_string_to_metric_families

from bridge.holds import Reason
from bridge.ops.snapshot import ClosedGate
from bridge.sandbox.broker import JOIN_GROUP, OFFSET_FETCH
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.service.watches import file_watch
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.settings import API_KEY

COORDINATOR_NOT_AVAILABLE = 15


async def test_the_four_pages_of_a_bridge_at_work(broker: Broker, api: Emulator, start: Start) -> None:
    broker.produce([*events.orders(100), events.view("u", 1), b"broken", events.record("never.heard.of", "u", 1)])
    service = await start()
    await service.until_done(103)
    await service.until("the ends are known", lambda: all(row.lag == 0 for row in service.now().partitions), within=10)

    assert (await service.get("/livez")).json() == {"live": True, "reasons": []}
    assert (await service.get("/readyz")).json() == {"ready": True, "reasons": []}
    status = await service.status()
    jsonschema.validate(status, json.loads((resources.files("bridge") / "schemas" / "status.schema.json").read_text()))
    assert status["state"] == "idle"
    assert status["group"] == "bridge"
    assert [(row["topic"], row["partition"], row["lag"], row["why"]) for row in status["partitions"]] == [
        ("orders", partition, 0, "idle") for partition in range(4)
    ]
    assert sum(row["position"] for row in status["partitions"]) == 103
    assert status["unmapped"] == {"records": 1, "types": [{"type": "never.heard.of", "records": 1}]}
    routes = {row["route"]: row for row in status["routes"]}
    assert routes["order.completed"]["delivered"] == 100
    assert routes["gift.ordered[0]"]["matched"] == 0
    assert status["dead_letters"]["by_reason"] == {"undecodable": 1}

    answer = await service.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    samples = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }
    assert samples["track_bridge_records_consumed_total",] == 103
    assert samples["track_bridge_records_delivered_total",] == 100
    assert samples["track_bridge_records_filtered_total", ("reason", "rule")] == 1
    assert samples["track_bridge_records_filtered_total", ("reason", "unmapped")] == 1
    assert samples["track_bridge_records_filtered_total", ("reason", "tombstone")] == 0
    assert len(api.ledger.accepted) == 100


async def test_a_bridge_is_ready_once_the_group_has_let_it_in(broker: Broker, start: Start) -> None:
    broker.embedded.fail(JOIN_GROUP, *[COORDINATOR_NOT_AVAILABLE] * 1000)
    service = await start(kafka={"group_protocol": "classic"})  # whose JoinGroup is refused

    readiness = await service.get("/readyz")
    assert readiness.status_code == 503
    assert [reason["reason"] for reason in readiness.json()["reasons"]] == ["not_joined"]
    assert (await service.get("/livez")).status_code == 200
    assert (await service.status())["state"] == "starting"

    broker.embedded.stop_failing(JOIN_GROUP)
    await service.until("it joined", lambda: service.now().vitals.joined)
    assert (await service.get("/readyz")).status_code == 200


async def test_the_key_is_nowhere_although_the_api_repeats_it(
    broker: Broker, api: Emulator, start: Start, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(API_KEY)
    told = json.dumps({"errors": [{"error_code": API_KEY, "message": f"Token {API_KEY} is not welcome"}]})
    headers = {"x-request-id": API_KEY, "www-authenticate": f"Token {API_KEY}"}
    api.set_faults(
        Fault(kind=FaultKind.STATUS, status=400, body=told, headers=headers, user_id="u-1"),
        Fault(kind=FaultKind.STATUS, status=500, body=told, headers=headers, user_id="u-2", count=3),
        Fault(kind=FaultKind.STATUS, status=429, body=told, headers=headers, user_id="u-3", count=1),
        Fault(kind=FaultKind.STATUS, status=401, body=told, headers=headers, user_id="u-4"),
        Fault(kind=FaultKind.STATUS, status=302, headers={"location": f"/{API_KEY}"}, user_id="u-5", count=2),
        Fault(kind=FaultKind.RAW, body=f"HTTP/1.1 {API_KEY}\r\n\r\n", close=True, user_id="u-6", count=2),
    )
    broker.produce(events.orders(100, users=10), partition=0)
    service = await start(
        track={"api_key": None, "api_key_file": str(key), "auth": {"hold_after": 2}},
        observability={"log_level": "debug"},
        dead_letter={"hold_after": 0},
    )

    await service.until_done(100)
    api.set_faults(Fault(kind=FaultKind.STATUS, status=401, body=told, headers=headers))
    broker.produce(events.orders(10), partition=0)
    await service.until("it is held", lambda: service.now().vitals.unauthorized is not None)
    seen = [service.lines.text, repr(service.bridge).encode(), repr(service.now()).encode()]
    seen += [(await service.get(path)).content for path in ("/livez", "/readyz", "/metrics", "/status")]
    api.set_faults()
    await service.until_done(110)
    await service.stop()

    letters = broker.letters()
    assert {letter.header("reason") for letter in letters} >= {"rejected", "unauthorized"}
    seen += [b"".join((letter.key, letter.value, *letter.headers.values())) for letter in letters]
    seen += [service.lines.text, *(metadata.encode() for _, metadata in broker.committed().values())]
    assert any(b"is not welcome" in text for text in seen), "the API's words were not even looked at"
    assert [text for text in seen if API_KEY.encode() in text] == []


async def test_metrics_say_what_runs_and_what_becomes_of_the_files_it_was_given(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_watch, "EVERY", 0.05)
    monkeypatch.setenv("TRACK_BRIDGE_REVISION", "0f2eb97c")
    ca, key = tmp_path / "ca.pem", tmp_path / "key"
    trustme.CA().cert_pem.write_to_path(str(ca))
    key.write_text(API_KEY)
    service = await start(track={"api_key": None, "api_key_file": str(key), "ca_file": str(ca)})
    await service.until("both were looked at", lambda: len(service.now().certificates) == 2)
    readable = (await service.get("/metrics")).text
    key.unlink()
    await service.until("the key file is missed", lambda: service.now().key.problem_since is not None)

    assert "track_bridge_key_file_unreadable 0.0" in readable
    for source in ("used", "file"):
        name = "track_bridge_certificate_not_after_timestamp_seconds"
        assert f'{name}{{certificate="track_ca",source="{source}"}} ' in readable
    (built,) = [line for line in readable.splitlines() if line.startswith("track_bridge_build_info")]
    assert 'revision="0f2eb97c"' in built
    assert f'python="{platform.python_version()}"' in built
    assert "unknown" not in built


async def test_values_of_the_records_are_not_logged(broker: Broker, api: Emulator, start: Start) -> None:
    secret = "person@shop.example"
    api.set_faults(Fault(kind=FaultKind.STATUS, status=422, user_id=secret, count=2))
    broker.produce(
        [
            *(events.order(secret, number) for number in range(5)),
            events.record("order.completed", "", 1, note=secret),
            json.dumps({"type": secret, "data": {}}).encode() + b"broken",
        ],
        partition=0,
    )
    service = await start(observability={"log_level": "debug"}, dead_letter={"hold_after": 0})

    await service.until_done(7)
    metrics = (await service.get("/metrics")).content
    await service.stop()

    assert len(broker.letters()) == 4
    assert secret.encode() not in service.lines.text
    assert secret.encode() not in metrics


@pytest.mark.slow(reason="a view of the others gets stale", seconds=4)
async def test_a_share_that_nobody_knows_is_not_told_as_a_limit_to_be_raised(broker: Broker, start: Start) -> None:
    broker.produce(events.orders(8))
    service = await start(delivery={"rate_limit": "6000/min"})
    await service.until_done(8)
    broker.embedded.fail(OFFSET_FETCH, *[COORDINATOR_NOT_AVAILABLE] * 1000)
    await service.until("the view is old", lambda: (service.now().rate.view_age or 0.0) > 3.5, within=15)
    broker.produce(events.orders(400))

    def limited() -> list[ClosedGate]:
        return [block for block in service.now().blocks if block.gate is Reason.RATE_LIMITED]

    await service.until("the rate keeps them", lambda: bool(limited()) and "not known" in limited()[0].sentence)
    status = await service.status()
    (said,) = [concern for concern in status["ends_by_itself"] if concern["reason"] == "rate_limited"]
    assert "share of the rate budget is not known" in said["details"][0]
    assert "coordinator of the group" in said["action"]
    assert "raised" not in json.dumps([status["sentence"], said])
