"""Users whose events fail for a reason of their own, on the running service: everybody else is served."""

from __future__ import annotations

from functools import partial

import pytest

from bridge.model import LetterReason
from bridge.sandbox.emulator import Emulator, Event, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker

EVENTS = 6000
MANY_LETTERS = {"hold_after": 0}


def is_bad(event: Event | None) -> bool:
    return event is not None and event.user_id.startswith("bad")


@pytest.mark.parametrize(
    ("status", "share", "users"),
    [(500, 0.5, 1), (408, 0.2, 1), (429, 0.3, 1), (503, 0.2, 12), (500, 0.5, 50)],
)
@pytest.mark.parametrize("partition", [0, -1], ids=["one partition", "all partitions"])
@pytest.mark.slow(reason="waits for the retries of many users, in ten cases", seconds=4)
async def test_users_whose_events_fail_hold_up_nobody_else(
    broker: Broker, api: Emulator, start: Start, status: int, share: float, users: int, partition: int
) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=status, when=is_bad))
    bad = [int((n + 1) * share) > int(n * share) for n in range(EVENTS)]
    names = [f"bad-{n % users}" if fails else f"u-{n % 60}" for n, fails in enumerate(bad)]
    broker.produce([events.order(name, n) for n, name in enumerate(names)], partition=partition)
    service = await start(delivery={"max_buffered": 800}, dead_letter=MANY_LETTERS)

    healthy = bad.count(False)
    await service.until("all the others are served", lambda: len(api.ledger.accepted) == healthy, within=60)
    await service.until("their answers are heard", lambda: service.now().tally.delivered == healthy)
    assert ledger.overtaken(api.ledger.accepted) == []
    assert set(service.now().tally.letters) <= {LetterReason.RETRIES_EXHAUSTED}

    api.set_faults()
    given_up = service.now().tally.dead_lettered
    await service.until_done(EVENTS)
    await service.stop()
    assert given_up <= len(broker.letters()) <= given_up + users
    assert len(api.ledger.accepted) + len(broker.letters()) == EVENTS


async def test_status_and_log_say_why_an_event_is_tried_again(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=is_bad))
    broker.produce([events.order(name, n) for n, name in enumerate(["bad", "bad", "u-1"])], partition=0)
    service = await start(delivery={"retry": {"initial_backoff": "50ms", "max_backoff": "30s"}})
    await service.until("it is told of", lambda: bool(service.lines.events("retrying")))

    [told] = service.lines.events("retrying")
    assert (told["topic"], told["partition"], told["offset"]) == ("orders", 0, 0)
    assert (told["attempts"], told["counted"], told["max_attempts"], told["status"]) == (3, 0, 12, 500)
    assert told["request_id"]
    retries = (await service.status())["retries"]
    assert (retries["users"], retries["records"]) == (1, 2)
    [event] = retries["events"]
    assert (event["offset"], event["behind"], event["max_attempts"]) == (0, 1, 12)
    assert event["last_answer"]["status"] == 500
    assert event["last_answer"]["request_id"] in event["last_answer"]["detail"]

    api.set_faults()
    await service.until_done(3)
    assert (service.now().failing_users, service.now().tally.behind, service.now().retries) == (0, 0, [])


def is_served(api: Emulator, events: int) -> bool:
    return len(api.ledger.accepted) >= events


@pytest.mark.slow(reason="waits for all attempts of a user's events", seconds=16)
async def test_a_user_that_fails_for_ever_is_given_up_while_events_come_and_the_others_never_wait(
    broker: Broker, api: Emulator, start: Start
) -> None:
    """Its events are half of all, and there is room for few of them."""
    api.set_faults(Fault(kind=FaultKind.STATUS, status=500, when=is_bad))
    service = await start(delivery={"max_buffered": 20}, dead_letter=MANY_LETTERS)
    values = [events.order("bad" if n % 2 else f"u-{n % 61}", n) for n in range(200)]
    for batch in range(1, 100):
        broker.produce(values, partition=0)
        await service.until("the others are served", partial(is_served, api, 100 * batch), within=30)
        if service.now().tally.dead_lettered > 100:
            break
    assert service.now().tally.dead_lettered > 100
    assert len(service.lines.events("outage_began")) == 0
