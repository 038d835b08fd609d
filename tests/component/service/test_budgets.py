"""The rates of events and of users, of a bridge that runs: each is kept to, and neither stands still."""

from __future__ import annotations

import itertools

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.sandbox.emulator import Emulator
from bridge.sandbox.emulator.ledger import CountedAs
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker

EVENTS = {"order.completed": [{"identify": True}, {"event_name": "Order Completed"}]}
RATES = ("unlimited", "1200/min")


def delivery(rate: str, identify_rate: str, *, shared: bool = False) -> dict[str, object]:
    return {"rate_limit": rate, "identify_rate_limit": identify_rate, "shared_rate_limit": shared}


@pytest.mark.parametrize(
    "rates", [delivery(*rates, shared=shared) for shared in (False, True) for rates in itertools.product(RATES, RATES)]
)
async def test_users_and_events_are_sent_whichever_of_the_rates_has_a_limit(
    rates: dict[str, object], broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(10))
    service = await start(delivery=rates, mapping={"events": EVENTS})
    await service.until("all are sent", lambda: len(api.ledger.accepted) == 10)
    assert len(api.ledger.identified) == 10
    assert not api.ledger.before_identify(answered=True)


@pytest.mark.slow(reason="sends twenty users at five a second", seconds=5)
async def test_identifies_keep_to_their_own_rate_while_events_have_none(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(100, users=100))
    service = await start(delivery=delivery("unlimited", "300/min"), mapping={"events": EVENTS})
    await service.until("some were sent", lambda: len(api.ledger.identified) >= 20)
    at = [each.at for each in api.ledger.identified]
    assert len(at) - 1 <= 5.0 * (at[-1] - at[0]) + 1
    assert api.ledger.busiest(budget=CountedAs.TRACK) > 0


async def test_the_part_of_each_rate_is_told_by_kind_and_how_old_the_view_is_where_only_users_have_one(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(10))
    service = await start(delivery=delivery("unlimited", "300/min"), mapping={"events": EVENTS})
    await service.until("all are sent", lambda: len(api.ledger.accepted) == 10)
    shares = {
        sample.labels["kind"]: sample.value
        for family in text_string_to_metric_families((await service.get("/metrics")).text)
        for sample in family.samples
        if sample.name == "track_bridge_kind_rate_share"
    }
    assert shares["track"] == float("inf")
    assert 4.5 <= shares["identify"] == shares["company"] <= 5.0
    age = service.now().rate.view_age
    assert age is not None
    assert age < 60.0
