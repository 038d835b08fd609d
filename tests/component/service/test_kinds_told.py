"""Users before their events, as a running service tells of them: pages, metrics and log."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.waiting import until

PAGE = Path(__file__).parents[3] / "docs" / "users.md"
IDENTIFYING = {"unknown_users": "identify"}
FORGETTING = {"events": {"user.deleted": {"forget": True}}}


def of(status: dict[str, list[dict[str, object]]], kind: str) -> dict[str, object]:
    [found] = [each for each in status["kinds"] if each["kind"] == kind]
    return found


async def nobody_waits(service: Service) -> bool:
    return bool((await service.status())["users"]["waiting_events"] == 0)


async def test_while_identify_is_down_known_users_go_on_and_status_log_and_metrics_name_it(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(40))
    service = await start(track=IDENTIFYING)
    await service.until_done(40)

    api.set_faults(Fault(kind=FaultKind.STATUS, status=503, path="/v1/identify"))
    broker.produce([events.order(f"new-{n}", n) for n in range(30)])
    await service.until("identify is down", lambda: bool(service.lines.events("kind_outage_began")))
    broker.produce(events.orders(40))
    await service.until("known users go on", lambda: len(api.ledger.accepted) == 80)
    status = await service.status()
    [said] = re.findall(r"^> (identify is down.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert status["sentence"].startswith(said), "docs/users.md quotes it"
    assert status["blocked"] == []
    assert (of(status, "identify")["why"], of(status, "track")["why"]) == ("outage", None)
    assert {row["why"] for row in status["partitions"] if row["open_records"]} == {"identify_waits"}
    page = (await service.get("/metrics")).text
    assert 'track_bridge_kind_blocked{kind="identify",reason="outage"} 1.0' in page
    assert 'track_bridge_blocked{reason="outage"} 0.0' in page
    assert "track_bridge_events_awaiting_identify 30.0" in page
    [began] = service.lines.events("kind_outage_began")
    assert (began["kind"], service.lines.events("outage_began")) == ("identify", [])

    api.set_faults()
    await service.until_done(110)
    [ended] = service.lines.events("kind_outage_ended")
    assert ended["kind"] == "identify"
    await until("the page, which is kept for a moment, says it", partial(nobody_waits, service))
    status = await service.status()
    assert status["users"]["identified"] == 50
    assert (of(status, "track")["accepted"], of(status, "identify")["accepted"]) == (110, 50)


async def test_a_user_whom_the_api_refuses_is_told_of_once(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, path="/v1/identify", user_id="bad"))
    broker.produce([events.order("bad", n) for n in range(4)] + events.orders(20))
    service = await start(track=IDENTIFYING)
    await service.until_done(24)

    [told] = service.lines.events("identify_refused")
    assert (told["status"], told["topic"]) == (400, "orders")
    status = await service.status()
    assert (status["users"]["refused"], of(status, "identify")["dead_lettered"]) == (4, 4)
    assert "bad" not in str(told)


async def test_a_user_who_is_forgotten_is_told_of_at_debug(broker: Broker, start: Start) -> None:
    broker.produce([events.record("user.deleted", "ann", 0), events.order("ann", 1)])
    service = await start(track=IDENTIFYING, mapping=FORGETTING, observability={"log_level": "debug"})
    await service.until_done(2)

    [told] = service.lines.events("user_forgotten")
    assert (told["level"], told["topic"]) == ("debug", "orders")
    assert "ann" not in str(told)
    assert (await service.status())["users"]["forgotten"] == 1
