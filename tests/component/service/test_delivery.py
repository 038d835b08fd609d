"""The main job: what becomes of records, and that every one of them is accounted for at every moment."""

from __future__ import annotations

import json
import re

import pytest

from bridge.mapping.absent_keys import KeyCount
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.waiting import until

IDENTITY = ("delivered", "filtered", "dead_lettered", "already_done", "released", "in_flight")
"""What consumed records are, one of them each."""


async def test_every_event_is_delivered_in_order_and_its_position_committed(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.002))
    broker.produce(events.orders(2000))
    service = await start()

    await service.until_done(2000)
    await service.stop()

    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 2000
    assert ledger.overtaken(api.ledger.accepted) == []
    assert api.ledger.overlaps == []
    assert api.ledger.max_in_flight > 1
    assert broker.position() == 2000
    assert broker.letters() == []


async def test_each_record_gets_what_the_mapping_says_of_it(broker: Broker, api: Emulator, start: Start) -> None:
    broken = [b'{"type": "order.completed", "data": {', b"\xff\xfe{\x00}\x00", b"", b"[1, 2, 3]", b'{"a": NaN}']
    nobody = events.record("order.completed", "", 1)
    values = [
        *events.orders(100),
        events.view("u-1", 1),
        None,
        *broken,
        nobody,
        events.record("never.heard.of", "u", 1),
    ]
    broker.produce(values)
    service = await start()

    await service.until_done(len(values))

    records = service.now().tally
    assert records.delivered == len(api.ledger.accepted) == 100
    assert _filtered(service) == {"rule": 1, "tombstone": 1, "unmapped": 1}
    assert records.dead_lettered == len(broken) + 1
    await service.stop()
    assert broker.position() == len(values)
    letters = broker.letters()
    assert sorted(letter.value for letter in letters) == sorted([*broken, nobody])
    reasons = [letter.header("reason") for letter in letters]
    assert sorted(reasons) == ["undecodable"] * len(broken) + ["unmappable"]


async def test_records_that_a_header_filters_are_passed_and_counted_like_all_others(
    broker: Broker, api: Emulator, start: Start
) -> None:
    def produce(kind: bytes, count: int) -> None:
        broker.produce([events.order(f"u-{n % 9}", n) for n in range(count)], headers={"type": kind})

    service = await start(mapping={"event_type": "header:type"})
    for kind in (b"order.completed", b"page.viewed", b"never.heard.of"):
        produce(kind, 4)
    await service.until_done(12)

    for _ in range(3):  # from here on what is filtered is known by its header
        produce(b"page.viewed", 200)
        produce(b"order.completed", 50)
        produce(b"never.heard.of", 100)
        broker.produce([None] * 5, headers={"type": b"page.viewed"})
    await service.until_done(1077)

    assert service.now().tally.delivered == len(api.ledger.accepted) == 154
    assert _filtered(service) == {"rule": 604, "unmapped": 304, "tombstone": 15}
    assert (await service.status())["accounting"]["gap"] == 0
    await service.stop()
    assert broker.position() == 1077


async def test_records_that_their_first_member_filters_are_passed_and_counted_like_all_others(
    broker: Broker, api: Emulator, start: Start
) -> None:
    service = await start(mapping={"event_type": "type"})
    viewed = [b'{"type":"page.viewed","id":%d}' % number for number in range(100)]
    broker.produce(viewed[:1])
    await service.until_done(1)

    for _ in range(3):  # from here on what is filtered is told without decoding it
        broker.produce(viewed)
        broker.produce([events.order(f"u-{n % 9}", n) for n in range(50)])
        broker.produce([b'{"type":"page.viewed","data":{"type":"order.completed"}}', None])
    await service.until_done(457)

    assert service.now().tally.delivered == len(api.ledger.accepted) == 150
    assert _filtered(service) == {"rule": 304, "tombstone": 3}
    assert (await service.status())["accounting"]["gap"] == 0
    await service.stop()
    assert broker.position() == 457


async def test_a_record_with_two_events_is_done_when_both_are(broker: Broker, api: Emulator, start: Start) -> None:
    slow = Fault(kind=FaultKind.HANG, event_name="Gift Received")
    api.set_faults(slow)
    broker.produce([events.gift("u-1", 1)], partition=0)
    service = await start(track={"timeout": "3s"})
    await service.until("the first event is in", lambda: len(api.ledger.accepted) == 1)

    assert service.now().tally.buffered == 1
    assert service.now().tally.delivered == 0

    api.set_faults()
    await service.until_done(1)
    assert [event.event_name for event in api.ledger.accepted] == ["Order Completed", "Gift Received"]
    await service.stop()
    assert broker.committed()[0][0] == 1


async def test_each_event_of_a_record_has_a_dead_letter_of_its_own(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=422, event_name="Gift Received"))
    broker.produce([events.gift("u-1", 1), events.gift("", 2)], partition=0)
    service = await start()

    await service.until_done(2)
    await service.stop()

    letters = [
        (each.header("origin-offset"), each.header("output"), each.header("reason")) for each in broker.letters()
    ]
    assert sorted(letters) == [("0", "1", "rejected"), ("1", "0", "unmappable"), ("1", "1", "rejected")]
    assert len(api.ledger.accepted) == 1
    assert broker.committed()[0][0] == 2


@pytest.mark.slow(reason="scrapes under load", seconds=4)
async def test_the_accounting_holds_at_every_scrape_under_load(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(
        Fault(kind=FaultKind.STATUS, status=400, probability=0.02),
        Fault(kind=FaultKind.STATUS, status=500, probability=0.02),
        Fault(kind=FaultKind.ORDINARY, delay=0.002),
    )
    values = [v for n in range(800) for v in (events.order(f"u-{n % 50}", n), events.view("u", n), events.gift("u", n))]
    broker.produce(values)
    service = await start(dead_letter={"hold_after": 0}, delivery={"max_buffered": 300})
    scrapes = 0
    open_records = set()

    async def adds_up_until_all_is_done() -> bool:
        nonlocal scrapes
        now = service.now().tally
        if now.consumed == len(values) and now.buffered == 0:
            return True
        scraped = (await service.get("/metrics")).text
        counts = _totals(scraped)
        assert counts["consumed"] == sum(counts[name] for name in IDENTITY), scraped
        said = (await service.status())["accounting"]
        assert said["gap"] == 0
        assert said["consumed"] == sum(said[name] for name in IDENTITY)
        open_records.add(counts["in_flight"])
        scrapes += 1
        return False

    await until("all is done", adds_up_until_all_is_done, within=60)
    assert scrapes > 10
    assert len(open_records) > 3, "the load was over before it was looked at"
    records = service.now().tally
    assert records.delivered + records.dead_lettered == 1600
    assert records.filtered == 800


def _filtered(service: Service) -> dict[str, int]:
    """Records by the reason for which they were left out."""
    return {reason.value: count for reason, count in service.now().tally.filtered_by_reason().items() if count}


def _totals(scraped: str) -> dict[str, int]:
    """The accounting's counters, summed over their labels."""
    totals = dict.fromkeys(("consumed", *IDENTITY), 0)
    for name, number in re.findall(
        r"^track_bridge_records_(\w+?)(?:_total)?(?:\{[^}]*\})? (\S+)$", scraped, re.MULTILINE
    ):
        if name in totals:
            totals[name] += int(float(number))
    return totals


async def test_that_the_first_events_are_delivered_is_said_once(broker: Broker, start: Start) -> None:
    service = await start()
    assert service.lines.events("first_delivered") == []

    broker.produce(events.orders(3))
    await service.until("it is said", lambda: bool(service.lines.events("first_delivered")))
    broker.produce(events.orders(3))
    await service.until_done(6)
    await service.stop()
    [said] = service.lines.events("first_delivered")
    assert 1 <= said["delivered"] <= 3
    assert said["seconds"] > 0


async def test_a_mapping_that_matches_nothing_is_said_once(broker: Broker, start: Start) -> None:
    broker.produce([events.record(f"misspelt.{number % 3}", "u", number) for number in range(1500)])
    service = await start()

    await service.until_done(1500)
    await service.until("the warning is there", lambda: bool(service.lines.events("nothing_mapped")), within=10)

    broker.produce([events.record("misspelt.again", "u", number) for number in range(500)])
    await service.until_done(2000)
    await service.stop()
    [warning] = service.lines.events("nothing_mapped")
    assert warning["records"] >= 1000
    assert set(warning["types"]) <= {"misspelt.0", "misspelt.1", "misspelt.2", "misspelt.again"}
    assert warning["types"]


async def test_a_mapping_that_matches_something_is_not_warned_of(broker: Broker, start: Start) -> None:
    broker.produce([*events.orders(1), *(events.record("misspelt", "u", number) for number in range(1500))])
    service = await start()

    await service.until_done(1501)
    await service.stop()

    assert service.lines.events("nothing_mapped") == []


@pytest.mark.slow(reason="maps thousands of events, in three spells", seconds=16)
async def test_a_metadata_key_that_vanishes_is_said_once_counted_and_said_again_when_it_is_back(
    broker: Broker, start: Start
) -> None:
    def orders(field: str) -> list[bytes]:
        return [
            json.dumps({"type": "order.completed", "data": {"user": f"u-{number}", field: number}}).encode()
            for number in range(30)
        ]

    service = await start()
    broker.produce(orders("n"))
    await service.until(
        "the key is missed if it goes",
        lambda: ("order.completed", "n") in service.bridge._parts.notices.keys.there,
        within=20,
    )
    broker.produce(orders("number"))
    await service.until("it is told", lambda: bool(service.lines.events("metadata_key_vanished")), within=20)
    broker.produce(orders("number"))
    await service.until_done(90)
    broker.produce(orders("n") * 10)
    await service.until("it is back", lambda: bool(service.lines.events("metadata_key_returned")), within=20)
    await service.until_done(390)
    await service.stop()

    [vanished] = service.lines.events("metadata_key_vanished")
    assert (vanished["route"], vanished["key"], vanished["reads"]) == ("order.completed", "n", "data.n")
    assert vanished["events"] >= 20
    [returned] = service.lines.events("metadata_key_returned")
    assert (returned["route"], returned["key"]) == ("order.completed", "n")
    assert service.now().keys["order.completed", "n"] == KeyCount(events=390, absent=60)
