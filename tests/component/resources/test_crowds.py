"""Much of one kind: partitions, users, events of one user, and a backlog that is far larger than memory may grow."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from bridge.formats import commit_mark, offset_map
from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from tests.component.service.conftest import Start, StartProcess
from tests.support.service import events, ledger
from tests.support.service.embedded import Broker
from tests.support.service.settings import GROUP, LETTERS, RESTARTABLE
from tests.support.waiting import until

pytestmark = pytest.mark.slow(reason="takes thousands of records, to see that memory stays", seconds=6)

MANY = 300
IS_FULL = os.environ.get("FAULTS") == "full"
BACKLOG = 2_000_000 if IS_FULL else 100_000
USERS = 100_000


@pytest.fixture
def partitions(request: pytest.FixtureRequest) -> int:
    return int(getattr(request, "param", 4))


@pytest.fixture
def broker(partitions: int) -> Iterator[Broker]:
    """As everywhere, with as many partitions as the test asks for."""
    topics = {"orders": partitions, LETTERS: 4}
    with EmbeddedKafka(topics, rebalance_delay=0.0, member_timeout=2.0) as embedded:
        yield Broker(embedded)


@pytest.mark.parametrize("partitions", [MANY], indirect=True)
async def test_three_hundred_partitions_with_an_open_head_each_restart_without_a_repetition(
    broker: Broker, api: Emulator, start: Start
) -> None:
    for partition in range(MANY):
        broker.produce([events.order(f"u-{partition}-{n}", n) for n in range(10)], partition=partition)
    head_fails = Fault(kind=FaultKind.STATUS, status=503, when=lambda event: event is None or event.metadata["n"] == 0)
    api.set_faults(head_fails)
    service = await start(kafka=RESTARTABLE, delivery={"max_buffered": 10 * MANY, "retry": {"max_attempts": 1000}})
    await service.until("all but the heads are delivered", lambda: len(api.ledger.accepted) == 9 * MANY)
    assert service.now().consumer.commit_errors.total() == 0
    assert (await service.stop()).code == 0

    stored = committed(broker)
    assert [each.offset for each in stored] == [0] * MANY
    texts = [commit_mark.unmarked(each.metadata) for each in stored]
    assert all(len(each.metadata or "") <= offset_map.limit(MANY) for each in stored)
    assert all(found is not None and found.done == (range(1, 10),) for found in map(offset_map.decode, texts))

    api.set_faults()
    service = await start(kafka=RESTARTABLE)
    await service.until_done(10 * MANY)
    assert service.now().tally.already_done == 9 * MANY
    await service.stop()
    assert len(ledger.places(api.ledger.accepted)) == len(api.ledger.accepted) == 10 * MANY
    assert [each.offset for each in committed(broker)] == [10] * MANY


def committed(broker: Broker) -> list[TopicPartition]:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": GROUP, "log_level": 0})
    try:
        return list(consumer.committed([TopicPartition("orders", each) for each in range(MANY)], timeout=10))
    finally:
        consumer.close()


async def test_a_user_with_nine_tenths_of_the_events_holds_up_nobody_else(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.002))
    users = ["hot" if n % 10 else f"u-{n}" for n in range(1500)]
    broker.produce([events.order(user, n) for n, user in enumerate(users)], partition=0)
    service = await start(delivery={"max_buffered": 1500})

    await service.until_done(1500)
    await service.stop()

    order = [event.user_id == "hot" for event in api.ledger.accepted]
    last_of_others = max(place for place, is_hot in enumerate(order) if not is_hot)
    assert sum(order[last_of_others:]) > 900, "the others had to wait for the hot one"
    assert ledger.overtaken(api.ledger.accepted) == []
    assert len(api.ledger.accepted) == 1500


async def test_a_hot_user_that_fills_the_buffer_slows_the_intake_and_breaks_no_bound(
    broker: Broker, api: Emulator, start: Start
) -> None:
    api.set_faults(Fault(kind=FaultKind.ORDINARY, delay=0.001))
    users = ["hot" if n % 10 else f"u-{n}" for n in range(1500)]
    broker.produce([events.order(user, n) for n, user in enumerate(users)])
    service = await start(delivery={"max_buffered": 50})
    most = 0

    def is_done() -> bool:
        nonlocal most
        now = service.now()
        most = max(most, now.tally.buffered)
        return now.tally.delivered == 1500

    await service.until("everything is delivered", is_done)
    assert most <= 50
    assert ledger.overtaken(api.ledger.accepted) == []


async def test_as_many_users_as_records_are_all_served_and_all_forgotten(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce([events.order(f"u-{n}", n) for n in range(USERS)])
    api.set_faults(Fault(kind=FaultKind.STATUS, status=503))
    service = await start(
        delivery={"max_buffered": USERS, "max_buffered_bytes": "256MB"},
        # Broker, API and bridge share this process: on a busy machine a second is no sign of trouble.
        track={"timeout": "30s"},
        kafka={"drain_timeout": "40s"},
    )
    await service.until("all of them wait", lambda: service.now().tally.buffered == USERS, within=60)
    dispatcher = service.bridge._parts.dispatcher
    assert len(dispatcher.queues.keys) == USERS

    api.set_faults()
    await service.until("all are served", lambda: service.now().tally.delivered == USERS, within=90)
    assert len(dispatcher.queues.keys) == 0
    assert (service.now().tally.buffered, service.now().tally.buffered_bytes) == (0, 0)
    await service.stop()
    assert len(api.ledger.accepted) == USERS
    assert ledger.overtaken(api.ledger.accepted) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("partitions", [60], indirect=True)  # so that each holds less than the embedded broker keeps
async def test_memory_stays_flat_over_a_backlog(broker: Broker, api: Emulator, replica: StartProcess) -> None:
    padding = "x" * 900
    # The embedded broker keeps 5 MiB of each partition, in the form in which they come.
    compressed = {"compression.type": "zstd", "linger.ms": 50}
    producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **compressed})
    sent = 0
    for number in range(BACKLOG):
        kind = "page.viewed" if number % 50 else "order.completed"
        sent += kind == "order.completed"
        value = json.dumps({"type": kind, "data": {"user": f"u-{number % 999}", "n": number, "pad": padding}})
        producer.produce("orders", value, str(number))
        if not number % 1000:
            producer.poll(0)
    assert producer.flush(60) == 0

    running = await replica()
    sizes: list[int] = []

    async def is_done() -> bool:
        consumed = (await running.status())["accounting"]["consumed"]
        if consumed > BACKLOG // 10:  # the client's queues and the interpreter's arenas are full by now
            sizes.append(running.resident())
        return bool(consumed == BACKLOG and len(api.ledger.accepted) == sent)

    await until("the backlog is gone", is_done, within=800)
    assert await running.terminate() == 0
    assert max(sizes) - sizes[0] < 24_000_000, [size // 1_000_000 for size in sizes]
    assert len(ledger.places(api.ledger.accepted)) == sent
