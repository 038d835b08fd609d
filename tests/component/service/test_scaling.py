"""The number an autoscaler may follow, on the running service: it asks for a replica only where one would help."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.waiting import until

BACKLOG = 2000
SLOW = Fault(kind=FaultKind.ORDINARY, delay=0.2)


async def scraped(service: Service, name: str) -> float:
    """An unlabelled metric as Prometheus would see it."""
    for family in text_string_to_metric_families((await service.get("/metrics")).text):
        for sample in family.samples:
            if sample.name == name:
                return sample.value
    raise AssertionError(f"/metrics has no {name}")


async def called_for(service: Service) -> bool:
    return await scraped(service, "track_bridge_scaling_backlog") > 0


async def test_a_backlog_that_only_the_answers_time_holds_up_calls_for_replicas(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(SLOW)
    broker.produce(events.orders(BACKLOG))
    service = await start(delivery={"max_in_flight": 2})

    await service.until("it sends", lambda: len(api.ledger.accepted) > 0)
    await service.until("the ends are known", lambda: any(row.lag for row in service.now().partitions))
    assert await called_for(service)


async def test_a_backlog_that_waits_for_the_budget_calls_for_none(broker: Broker, start: Start) -> None:
    broker.produce(events.orders(BACKLOG))
    service = await start(delivery={"rate_limit": "120/min"})

    await service.until("it is the rate that keeps them", lambda: service.now().rate.limited_seconds > 1)
    await service.until("the ends are known", lambda: any(row.lag for row in service.now().partitions))
    assert not await called_for(service)


async def test_an_outage_takes_the_call_back(broker: Broker, api: Emulator, start: Start) -> None:
    api.set_faults(SLOW)
    broker.produce(events.orders(BACKLOG))
    service = await start(delivery={"max_in_flight": 2})
    await service.until("the ends are known", lambda: any(row.lag for row in service.now().partitions))

    api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    await service.until("it is an outage", lambda: bool(service.lines.events("outage_began")))

    async def calls_no_more() -> bool:
        return not await called_for(service)

    # A slow answer to what was under way before is a success, and ends the first outage at once.
    await until("the call is taken back", calls_no_more)
    assert sum(row.lag or 0 for row in service.now().partitions) > 0
