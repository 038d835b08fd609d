"""The network between the bridge and its two sides fails in the ways networks do."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start, StartProcess
from tests.support.proxy import Conditions, Counts, Link, Proxy, ThreadedProxy
from tests.support.service import ledger
from tests.support.service.embedded import Broker
from tests.support.service.events import orders
from tests.support.service.in_process import Service
from tests.support.service.replica import Replica
from tests.support.waiting import until

CLIENTS = pytest.mark.parametrize("client", ["direct", "httpx"])
TIMEOUT = 2.0
NOT_SOON = 6.0
"""A timeout, where none may be out before all the rest is done: also on a machine that is busy with something else."""


@pytest.fixture
async def to_api(api: Emulator) -> AsyncIterator[Proxy]:
    """A proxy in front of the API."""
    async with Proxy(("127.0.0.1", api.port)) as proxy:
        yield proxy


async def started(start: Start, to_api: Proxy, client: str, in_flight: int = 8, patience: float = TIMEOUT) -> Service:
    return await start(
        track={"endpoint": f"http://{to_api.address}", "client": client, "timeout": f"{patience}s"},
        delivery={"max_in_flight": in_flight},
    )


def timeouts(service: Service) -> int:
    return service.now().tally.retries.get("timeout", 0)


# --- bridge and API ----------------------------------------------------------------------------------------


@CLIENTS
@pytest.mark.slow(reason="waits for the timeout of requests twice", seconds=8)
async def test_half_open_connections_are_found_by_the_timeout_and_no_request_waits_behind_one(
    broker: Broker, api: Emulator, to_api: Proxy, start: Start, client: str
) -> None:
    service = await started(start, to_api, client, patience=NOT_SOON)
    broker.produce(orders(1, users=1))
    await service.until_done(1)
    to_api.conditions = Conditions(link=Link.HALF_OPEN)
    broker.produce(orders(100, users=100))

    # One connection is good. What is not on a half-open one goes over it, long before any time is out.
    await service.until(
        "all but those on half-open connections arrived",
        lambda: len(api.ledger.accepted) == 101 - (to_api.counts.opened - 1),
    )
    stuck = to_api.counts.opened - 1
    assert timeouts(service) == 0
    assert stuck < 8

    to_api.conditions = Conditions()
    await service.until_done(101)
    assert timeouts(service) == stuck
    assert len(ledger.places(api.ledger.accepted)) == 101
    assert not ledger.repeated(api.ledger.accepted)


@pytest.mark.slow(reason="waits for the timeout of requests twice", seconds=8)
@CLIENTS
async def test_connections_that_died_unseen_hold_up_only_what_was_given_to_them(
    broker: Broker, api: Emulator, to_api: Proxy, start: Start, client: str
) -> None:
    service = await started(start, to_api, client, in_flight=16, patience=NOT_SOON)
    to_api.conditions = Conditions(latency=0.05)  # long enough for several requests to be under way together
    broker.produce(orders(20, users=20))
    await service.until_done(20)
    to_api.conditions = Conditions(link=Link.BLACKHOLE)
    broker.produce(orders(4, users=4))
    await service.until("some died", lambda: service.now().in_flight_requests == 4)
    await until("bytes vanished", lambda: to_api.counts.swallowed > 0)
    to_api.conditions = Conditions()
    broker.produce(orders(100, users=100)[4:])
    await service.until("all others arrived", lambda: len(api.ledger.accepted) >= 20 + 96)
    assert timeouts(service) == 0
    await service.until_done(120)
    assert timeouts(service) > 0
    assert len(ledger.places(api.ledger.accepted)) == 120


@pytest.mark.slow(reason="waits for the timeout of requests in a network that swallows them", seconds=6)
@CLIENTS
@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        (Conditions(reset_after=20), "connection"),
        (Conditions(bytes_per_second=1), "timeout"),
        (Conditions(link=Link.REFUSED), "connection"),
        (Conditions(link=Link.BLACKHOLE), "timeout"),
    ],
    ids=["reset mid-answer", "one byte a second", "refused", "blackhole"],
)
async def test_every_event_arrives_in_order_once_the_network_is_well_again(
    broker: Broker, api: Emulator, to_api: Proxy, start: Start, client: str, conditions: Conditions, reason: str
) -> None:
    service = await started(start, to_api, client)
    broker.produce(orders(20))
    await service.until_done(20)
    to_api.cut()
    to_api.conditions = conditions
    broker.produce(orders(100))
    await service.until(f"requests failed: {reason}", lambda: service.now().tally.retries.get(reason, 0) > 0)
    to_api.conditions = Conditions()
    await service.until_done(120)
    accepted = api.ledger.accepted
    assert len(ledger.places(accepted)) == 120
    assert not ledger.overtaken(accepted)
    assert ledger.repeated(accepted).total() <= service.now().tally.ambiguous


@CLIENTS
async def test_latency_is_no_failure(broker: Broker, api: Emulator, to_api: Proxy, start: Start, client: str) -> None:
    to_api.conditions = Conditions(latency=0.1)
    service = await started(start, to_api, client, in_flight=32)
    broker.produce(orders(200))
    await service.until_done(200)
    assert len(api.ledger.accepted) == 200
    assert not service.now().tally.retries


@CLIENTS
@pytest.mark.slow(reason="opens a connection for each request", seconds=2)
async def test_connections_that_are_closed_behind_each_answer_cost_neither_budget_nor_an_outage(
    broker: Broker, api: Emulator, to_api: Proxy, start: Start, client: str
) -> None:
    to_api.conditions = Conditions(closes_after_answer=True)
    service = await started(start, to_api, client)
    broker.produce(orders(300, users=100))
    await service.until_done(300)

    assert len(ledger.places(api.ledger.accepted)) == 300
    assert ledger.overtaken(api.ledger.accepted) == []
    assert api.ledger.requests <= 300 + 3 + 8, "three are enough to learn from, and those then in flight"
    assert service.lines.events("outage_began") == []
    assert broker.letters() == []


@CLIENTS
@pytest.mark.parametrize("status", [202, 400])
@pytest.mark.slow(reason="opens a connection for each request", seconds=3)
async def test_surplus_answers_lose_no_event_and_make_no_dead_letter(
    broker: Broker, api: Emulator, start: Start, client: str, status: int
) -> None:
    body = b"" if status == 202 else None
    api.set_faults(Fault(kind=FaultKind.SURPLUS, status=status, body=body, interval=0.0, probability=0.05), seed=5)
    service = await start(track={"client": client, "timeout": f"{TIMEOUT}s"}, delivery={"max_in_flight": 8})
    broker.produce(orders(400, users=100))
    await service.until_done(400)

    assert len(ledger.places(api.ledger.accepted)) == 400
    assert ledger.overtaken(api.ledger.accepted) == []
    assert api.ledger.unheard == 0
    assert broker.letters() == []


@CLIENTS
async def test_answers_that_a_network_doubles_are_nobodys(
    broker: Broker, api: Emulator, to_api: Proxy, start: Start, client: str
) -> None:
    to_api.conditions = Conditions(repeats_answers=True)
    service = await started(start, to_api, client)
    broker.produce(orders(200, users=100))
    await service.until_done(200)

    assert to_api.counts.repeated >= 200
    assert len(ledger.places(api.ledger.accepted)) == 200
    assert sum(ledger.repeated(api.ledger.accepted).values()) == 0
    assert broker.letters() == []


# --- bridge and Kafka -----------------------------------------------------------------------------------------


@pytest.fixture
def to_kafka(broker: Broker) -> Iterator[ThreadedProxy]:
    """A proxy in front of the embedded broker, which tells its clients to come that way."""
    host, _, port = broker.bootstrap.rpartition(":")
    with ThreadedProxy((host, int(port))) as proxy:
        broker.embedded.advertise("127.0.0.1", proxy.port)
        yield proxy


PATIENCE = {"session.timeout.ms": 3000, "heartbeat.interval.ms": 300, "socket.timeout.ms": 2000}


async def behind(to_kafka: ThreadedProxy, replica: StartProcess) -> Replica:
    """In a process of its own: against brokers that stay silent a stop ends the process at once, by design."""
    return await replica(kafka={"bootstrap_servers": to_kafka.address, "properties": PATIENCE})


async def all_arrived(api: Emulator, count: int) -> None:
    await until(f"{count} arrived", lambda: len(ledger.places(api.ledger.accepted)) >= count, within=60)


async def all_committed(broker: Broker, count: int) -> None:
    async def look() -> bool:
        return await asyncio.to_thread(broker.position) == count

    await until("positions are committed", look, within=60)


@pytest.mark.parametrize("end", ["silent", "reset"])
@pytest.mark.slow(reason="waits for the timeout of requests to Kafka", seconds=6)
async def test_connections_to_kafka_that_died_are_found_and_every_event_arrives(
    broker: Broker, api: Emulator, to_kafka: ThreadedProxy, replica: StartProcess, end: str
) -> None:
    await behind(to_kafka, replica)
    broker.produce(orders(200))
    await all_arrived(api, 200)
    broker.produce(orders(400)[200:])
    to_kafka.set(Conditions(link=Link.BLACKHOLE))
    if end == "reset":
        to_kafka.cut()
    await until("bytes vanished", lambda: to_kafka.counts.swallowed > 0)
    to_kafka.set(Conditions())
    await all_arrived(api, 400)
    await all_committed(broker, 400)
    assert not ledger.overtaken(api.ledger.accepted)


@pytest.mark.parametrize(
    ("conditions", "struck"),
    [
        (Conditions(latency=0.1), lambda counts: counts.answers > 2000),
        (Conditions(reset_after=20), lambda counts: counts.reset >= 4),
        (Conditions(bytes_per_second=1), lambda counts: counts.answers > 0),
        (Conditions(link=Link.REFUSED), lambda counts: counts.refused >= 4),
    ],
    ids=["latency", "reset mid-answer", "one byte a second", "refused"],
)
@pytest.mark.slow(reason="waits until the client has found its brokers again", seconds=3)
async def test_every_event_arrives_in_order_once_the_network_to_kafka_is_well_again(
    broker: Broker,
    api: Emulator,
    to_kafka: ThreadedProxy,
    replica: StartProcess,
    conditions: Conditions,
    struck: Callable[[Counts], bool],
) -> None:
    service = await behind(to_kafka, replica)
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.05))  # so that positions are to be committed meanwhile
    broker.produce(orders(400))
    await all_arrived(api, 20)
    before = dataclasses.replace(to_kafka.counts)
    to_kafka.set(conditions)
    if conditions.latency == 0.0:
        to_kafka.cut()  # what is made anew is what it strikes
    await until("it struck", lambda: struck(since(before, to_kafka.counts)), within=60)
    assert (await service.get("/livez")).status_code == 200
    to_kafka.set(Conditions())
    await all_arrived(api, 400)
    await all_committed(broker, 400)
    assert not ledger.overtaken(api.ledger.accepted)


def since(before: Counts, now: Counts) -> Counts:
    """What was counted in between."""
    names = [field.name for field in dataclasses.fields(Counts)]
    return Counts(**{name: getattr(now, name) - getattr(before, name) for name in names})


@pytest.mark.slow(reason="waits for the timeout of requests to Kafka", seconds=3)
async def test_a_half_open_kafka_does_not_hold_up_what_was_read_from_it(
    broker: Broker, api: Emulator, to_kafka: ThreadedProxy, replica: StartProcess
) -> None:
    service = await behind(to_kafka, replica)
    broker.produce(orders(1))
    await all_arrived(api, 1)
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.1))
    broker.produce(orders(100))
    await service.until("they are read", lambda status: status["accounting"]["consumed"] == 101)
    to_kafka.set(Conditions(link=Link.HALF_OPEN))
    to_kafka.cut()
    api.set_faults()
    await all_arrived(api, 101)
    assert (await service.get("/livez")).status_code == 200
    to_kafka.set(Conditions())
    await all_committed(broker, 101)
    assert not ledger.overtaken(api.ledger.accepted)


@pytest.mark.slow(reason="waits for all that a stop may take", seconds=23)
async def test_a_stop_while_kafka_is_silent_ends(
    broker: Broker, api: Emulator, to_kafka: ThreadedProxy, replica: StartProcess
) -> None:
    service = await behind(to_kafka, replica)
    broker.produce(orders(50))
    await all_arrived(api, 50)
    to_kafka.set(Conditions(link=Link.BLACKHOLE))
    assert await service.terminate() in {0, 3}
