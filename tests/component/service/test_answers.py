"""What each answer of the API does: the rows of docs/what-happens.md, brought about on the running service."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from bridge.model import LetterReason
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.settings import API_KEY


@pytest.mark.parametrize("status", [400, 413, 422, 418])
async def test_a_refused_request_becomes_a_dead_letter_and_the_others_go_on(
    broker: Broker, api: Emulator, start: Start, status: int
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=status, user_id="u-3"))
    broker.produce(events.orders(100))
    service = await start()

    await service.until_done(100)
    await service.stop()

    assert len(api.ledger.accepted) == 95
    letters = broker.letters()
    assert {(letter.header("reason"), letter.header("http-status")) for letter in letters} == {
        ("rejected", str(status))
    }
    assert sorted(letter.value for letter in letters) == sorted(events.order("u-3", n) for n in range(3, 100, 20))
    assert broker.position() == 100


@pytest.mark.parametrize(
    ("status", "may_have_been_accepted"),
    [(302, False), (408, True), (425, False), (429, False), (500, True), (503, True)],
)
async def test_a_passing_failure_is_tried_again_and_loses_nothing(
    broker: Broker, api: Emulator, start: Start, status: int, *, may_have_been_accepted: bool
) -> None:
    headers = {"Location": f"{api.endpoint}/v1/track"} if status == 302 else {}
    api.set_faults(Fault(kind=FaultKind.STATUS, status=status, headers=headers, count=5))
    broker.produce(events.orders(100))
    service = await start()

    await service.until_done(100)
    await service.stop()

    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 100
    assert ledger.overtaken(api.ledger.accepted) == []
    assert service.now().tally.ambiguous == (5 if may_have_been_accepted else 0)
    assert api.ledger.answers[str(status)] == 5
    assert broker.letters() == []
    assert broker.position() == 100


@pytest.mark.parametrize(
    "kind", [FaultKind.DROP_AFTER_READING, FaultKind.HANG, FaultKind.RESET_AFTER_HEADERS, FaultKind.TRUNCATE]
)
async def test_an_answer_that_never_came_is_sent_again_and_counted(
    broker: Broker, api: Emulator, start: Start, kind: FaultKind
) -> None:
    api.set_faults(Fault(kind=kind, status=202, accepts=True, count=4))
    broker.produce(events.orders(60))
    service = await start(track={"timeout": "3s"})

    await service.until_done(60)

    assert len(ledger.places(api.ledger.accepted)) == 60
    assert ledger.overtaken(api.ledger.accepted) == []
    repeats = ledger.repeated(api.ledger.accepted).total()
    # The head of an answer that says 202 is an answer, however the rest of it ends.
    assert repeats == service.now().tally.ambiguous
    assert repeats == (4 if kind in (FaultKind.DROP_AFTER_READING, FaultKind.HANG) else repeats)
    assert service.now().tally.delivered == 60


async def test_retry_after_stops_everybody_until_then(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=429, headers={"Retry-After": "1"}, skip=20, count=1))
    broker.produce(events.orders(200))
    service = await start(delivery={"max_in_flight": 1})

    await service.until("the API was asked to wait for", lambda: api.ledger.answers["429"] == 1)
    status = await service.status()
    assert [block["reason"] for block in status["blocked"]] == ["retry_after"]
    assert status["state"] == "waiting"
    assert {row["why"] for row in status["partitions"] if row["open_records"]} == {"retry_after"}
    assert (await service.get("/readyz")).status_code == 200

    await service.until_done(200)
    times = [event.at for event in api.ledger.accepted]
    assert max(later - earlier for earlier, later in pairwise(times)) >= 1.0
    [waited] = service.lines.events("asked_to_wait")
    assert waited["seconds"] == 1.0


@pytest.mark.slow(reason="waits for the backoff of three failures, in twelve cases", seconds=4)
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "asks", ["0", "-1", "1e-9", "NaN", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
)
async def test_nothing_an_answer_says_makes_the_bridge_send_sooner_than_it_would_by_itself(
    broker: Broker, api: Emulator, start: Start, status: int, asks: str
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=status, headers={"Retry-After": asks}))
    broker.produce(events.orders(2000, users=2000))
    service = await start(
        delivery={"retry": {"initial_backoff": "300ms", "max_backoff": "300ms", "max_retry_after": "1s"}}
    )
    began = time.monotonic()
    await service.until("some were sent", lambda: api.ledger.requests >= 10)
    await asyncio.sleep(1.5)
    rounds = (time.monotonic() - began) / 0.3 + 2
    assert api.ledger.requests <= 64 * rounds

    api.set_faults()
    await service.until_done(2000)
    assert len(ledger.places(api.ledger.accepted)) == 2000


async def test_a_date_to_wait_for_is_read_by_the_clock_of_the_api(broker: Broker, api: Emulator, start: Start) -> None:
    """Its clock is two hours behind: the date it names is past by ours."""
    there = datetime.now(UTC) - timedelta(hours=2)
    headers = {"Date": http_date(there), "Retry-After": http_date(there + timedelta(seconds=2))}
    api.set_faults(Fault(kind=FaultKind.STATUS, status=429, headers=headers, count=1))
    broker.produce(events.orders(20))
    service = await start()
    await service.until_done(20)
    [waited] = service.lines.events("asked_to_wait")
    assert waited["seconds"] == 2.0


def http_date(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


async def test_an_outage_is_probed_one_request_at_a_time_and_nothing_is_given_up(
    broker: Broker, api: Emulator, start: Start
) -> None:
    orders = events.orders(500)
    broker.produce(orders[:20])
    service = await start(delivery={"retry": {"max_attempts": 2}})
    await service.until_done(20)

    api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    broker.produce(orders[20:])  # only now: a quick machine delivers all of them in no time
    await service.until("it is an outage", lambda: bool(service.lines.events("outage_began")))
    await service.until("what was under way is answered", lambda: service.now().in_flight_requests <= 1)
    api.ledger.max_in_flight = 0
    before = api.ledger.requests
    await service.until("it was probed", lambda: api.ledger.requests >= before + 5)
    assert api.ledger.max_in_flight == 1
    status = await service.status()
    assert status["state"] == "waiting"
    assert "outage" in {block["reason"] for block in status["blocked"]}
    assert (await service.get("/readyz")).status_code == 200
    assert (await service.get("/livez")).status_code == 200

    api.set_faults()
    await service.until_done(500)
    await service.stop()
    assert len(service.lines.events("outage_ended")) == 1
    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 500
    assert ledger.overtaken(api.ledger.accepted) == []
    assert broker.letters() == []


@pytest.mark.slow(reason="waits for all attempts of an event", seconds=3)
async def test_an_event_that_keeps_failing_while_others_succeed_is_given_up_and_the_users_next_goes_on(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(
        Fault(kind=FaultKind.STATUS, status=500, when=lambda event: event is not None and event.metadata["n"] == 7),
        Fault(kind=FaultKind.ORDINARY, delay=0.005),
    )
    broker.produce(events.orders(6000, users=100), partition=0)
    service = await start(delivery={"retry": {"max_attempts": 3}})

    await service.until("the poison is out", lambda: service.now().tally.dead_lettered == 1)
    await service.until_done(6000)
    await service.stop()

    [letter] = broker.letters()
    assert letter.value == events.order("u-7", 7)
    assert letter.header("reason") == "retries_exhausted"
    assert letter.header("http-status") == "500"
    assert int(letter.header("attempts")) >= 3
    assert len(api.ledger.accepted) == 5999
    assert len(service.lines.events("poison")) == 1
    assert broker.committed()[0][0] == 6000


async def test_a_bad_key_costs_five_letters_and_a_rotated_file_goes_on_by_itself(
    broker: Broker, api: Emulator, start: Start, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("NX-an-old-key\n")
    broker.produce(events.orders(500))
    service = await start(track={"api_key": None, "api_key_file": str(key)})

    await service.until("it is held", lambda: service.now().vitals.unauthorized is not None)
    readiness = await service.get("/readyz")
    assert readiness.status_code == 503
    assert [reason["reason"] for reason in readiness.json()["reasons"]] == ["unauthorized"]
    assert (await service.get("/livez")).status_code == 200
    status = await service.status()
    assert status["state"] == "held"
    assert {row["why"] for row in status["partitions"]} == {"unauthorized"}
    probes = api.ledger.requests
    await service.until("one real event probes it", lambda: api.ledger.requests >= probes + 2)

    key.write_text(API_KEY + "\n")
    await service.until_done(500)
    await service.until("it is ready", lambda: service.now().vitals.unauthorized is None)
    assert (await service.get("/readyz")).status_code == 200
    await service.until("the new key is told of", lambda: len(service.lines.events("key_reloaded")) == 1)
    await service.stop()

    assert service.now().tally.letters[LetterReason.UNAUTHORIZED] == len(broker.letters()) == 5
    assert {letter.header("http-status") for letter in broker.letters()} == {"401"}
    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 495
    assert ledger.overtaken(api.ledger.accepted) == []
    assert [event["reason"] for event in service.lines.events("held")] == ["unauthorized"]
    assert [event["reason"] for event in service.lines.events("released")] == ["unauthorized"]
    assert broker.position() == 500


async def test_a_key_that_is_replaced_before_it_is_refused_costs_no_letter(
    broker: Broker, api: Emulator, start: Start, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(API_KEY)
    broker.produce(events.orders(200))
    service = await start(track={"api_key": None, "api_key_file": str(key)}, delivery={"max_in_flight": 4})
    await service.until("it works", lambda: len(api.ledger.accepted) > 10)

    key.write_text("NX-the-next-key")
    api.keys = frozenset({"NX-the-next-key"})
    await service.until_done(200)
    await service.stop()

    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 200
    assert broker.letters() == []


@pytest.mark.parametrize("status", [403, 404, 405])
async def test_a_wrong_address_burns_no_more_than_a_wrong_key(
    broker: Broker, api: Emulator, start: Start, status: int
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=status))
    broker.produce(events.orders(300))
    service = await start()

    await service.until("it is held", lambda: service.now().vitals.unauthorized is not None)
    probes = api.ledger.requests
    await service.until("it is probed", lambda: api.ledger.requests >= probes + 3)
    await service.until("its letters are written", lambda: service.now().tally.dead_lettered >= 5)
    assert service.now().tally.dead_lettered == 5
    assert service.now().tally.delivered == 0

    api.set_faults()
    await service.until_done(300)
    await service.stop()
    assert len(api.ledger.accepted) == 295
    assert [letter.header("http-status") for letter in broker.letters()] == [str(status)] * 5


async def test_with_hold_after_zero_every_refusal_of_the_key_is_a_letter(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.keys = frozenset({"NX-another"})
    broker.produce(events.orders(50))
    service = await start(track={"auth": {"hold_after": 0}}, dead_letter={"hold_after": 0})

    await service.until_done(50)

    assert service.now().tally.letters[LetterReason.UNAUTHORIZED] == 50
    assert service.now().vitals.unauthorized is None


async def test_of_partitions_that_one_users_records_hold_back_those_alone_are_not_done(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=500, user_id="u-3"))
    broker.produce(events.orders(100))
    service = await start()

    def undone() -> int:
        return sum(each.undone or 0 for each in service.now().partitions)

    await service.until("all others are delivered", lambda: len(api.ledger.accepted) == 95)
    await service.until("the ends of the logs are known", lambda: undone() == 5, within=20)
    assert sum(each.lag or 0 for each in service.now().partitions) > 5
    assert "track_bridge_partition_undone_records{" in (await service.get("/metrics")).text
