"""Dead letters are written before anything completes, and a run of them holds their topic."""

from __future__ import annotations

import pytest

from bridge.sandbox.broker import PRODUCE
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.settings import LETTERS, RESTARTABLE

NO_WRITE_ACL = 29
RENAMED = {"user_id": "data.customer_id"}
"""What a mapping looks like after the producers renamed the field."""


async def test_letters_that_cannot_be_written_stop_the_intake_until_they_can(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broken = b"not json"
    broker.produce([broken, *events.orders(10)])
    broker.embedded.fail(PRODUCE, *[NO_WRITE_ACL] * 1000)
    service = await start(delivery={"max_buffered": 8})

    await service.until("it is not ready", lambda: service.now().vitals.dead_letters is not None)
    readiness = await service.get("/readyz")
    assert readiness.status_code == 503
    assert [reason["reason"] for reason in readiness.json()["reasons"]] == ["dead_letters_unwritable"]
    assert LETTERS in readiness.json()["reasons"][0]["message"]
    assert (await service.get("/livez")).status_code == 200
    await service.until("what was taken is sent", lambda: service.now().in_flight_requests == 0)
    consumed = service.now().tally.consumed
    failures = service.now().tally.letter_failures
    await service.until("it is tried again", lambda: service.now().tally.letter_failures >= failures + 3)
    assert service.now().tally.consumed == consumed
    assert service.now().tally.buffered >= 1
    status = await service.status()
    assert status["state"] == "held"
    assert "dead_letters_unwritable" in {row["why"] for row in status["partitions"]}
    assert broker.position() < 11

    broker.embedded.stop_failing(PRODUCE)
    await service.until_done(11)
    assert (await service.get("/readyz")).status_code == 200
    await service.stop()
    assert [letter.value for letter in broker.letters()] == [broken]
    assert len(api.ledger.accepted) == 10
    assert broker.position() == 11
    assert [event["reason"] for event in service.lines.events("held")] == ["dead_letters_unwritable"]
    refused = service.lines.events("dead_letter_refused")
    assert len(refused) == service.now().tally.letter_failures
    assert {(event["topic"], event["offset"]) for event in refused} == {("orders", 0)}
    assert all(LETTERS in event["detail"] for event in refused)
    assert [event["offset"] for event in service.lines.events("dead_letter")] == [0]
    assert [event["reason"] for event in service.lines.events("released")] == ["dead_letters_unwritable"]


@pytest.mark.slow(reason="takes ten thousand records", seconds=3)
async def test_a_renamed_field_costs_hold_after_letters_of_a_backlog_of_ten_thousand(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(10_000))
    broker.produce(events.orders(200), topic="other")
    mapping = {"per_topic": {"orders": RENAMED}}
    service = await start(topics=("orders", "other"), mapping=mapping, kafka=RESTARTABLE)

    await service.until("the topic is held", lambda: bool(service.now().held_topics))
    await service.until("the other topic is done", lambda: service.now().tally.delivered == 200)
    status = await service.status()
    assert status["state"] == "held"
    assert [held["topic"] for held in status["held_topics"]] == ["orders"]
    assert "user_id: data.customer_id is missing" in status["held_topics"][0]["detail"]
    assert {(row["topic"], row["why"]) for row in status["partitions"]} == {
        ("orders", "dead_letter_hold"),
        ("other", "idle"),
    }
    assert (await service.get("/readyz")).status_code == 200
    broker.produce(events.orders(50), topic="other")
    await service.until("it goes on", lambda: service.now().tally.delivered == 250)
    await service.stop()

    letters = broker.letters()
    assert len(letters) == service.now().tally.dead_lettered == 100
    assert {letter.header("origin-topic") for letter in letters} == {"orders"}
    assert broker.position("orders") == 100
    assert broker.position("other") == 250
    [held] = service.lines.events("held")
    assert (held["reason"], held["topic"]) == ("dead_letter_hold", "orders")

    mended = await start(topics=("orders", "other"), kafka=RESTARTABLE)
    await mended.until("the rest is delivered", lambda: len(api.ledger.accepted) == 250 + 9_900)
    await mended.stop()
    assert broker.position("orders") == 10_000
    assert len(broker.letters()) == 100


@pytest.mark.parametrize("hold_after", [1, 7])
async def test_rejections_in_a_row_hold_the_topic_as_well(
    broker: Broker, api: Emulator, start: Start, hold_after: int
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400))
    broker.produce(events.orders(500))
    service = await start(dead_letter={"hold_after": hold_after})

    await service.until("the topic is held", lambda: bool(service.now().held_topics))
    await service.stop()

    assert len(broker.letters()) == hold_after


async def test_letters_with_deliveries_between_them_hold_nothing(broker: Broker, api: Emulator, start: Start) -> None:
    broker.produce([v for n in range(300) for v in (b"not json", events.order(f"u-{n % 20}", n))], partition=0)
    service = await start(dead_letter={"hold_after": 3})

    await service.until_done(600)
    await service.stop()

    assert len(broker.letters()) == len(api.ledger.accepted) == 300
    assert service.now().held_topics == []


async def test_a_letter_has_the_bytes_of_its_record_and_the_headers_of_both_dialects(
    broker: Broker, api: Emulator, start: Start
) -> None:
    body = '{"errors": [{"error_code": "invalid_event", "message": "Invalid input"}]}'
    api.set_faults(Fault(kind=FaultKind.STATUS, status=400, body=body))
    broker.produce([events.order("u-1", 1)], partition=2)
    service = await start()

    await service.until_done(1)
    await service.stop()

    [letter] = broker.letters()
    assert (letter.key, letter.value) == (b"0", events.order("u-1", 1))
    assert letter.header("origin-topic") == "orders"
    assert (letter.header("origin-partition"), letter.header("origin-offset")) == ("2", "0")
    assert letter.header("origin-group") == "bridge"
    assert (letter.header("http-status"), letter.header("error-code")) == ("400", "invalid_event")
    assert letter.header("route") == "order.completed"
    assert letter.headers["__connect.errors.topic"] == b"orders"
    assert letter.headers["__connect.errors.offset"] == b"0"
