"""What the log says of a life in order, and of brokers that refuse what the bridge could do without."""

from __future__ import annotations

import pytest

from bridge.sandbox.broker import OFFSET_COMMIT, OFFSET_FETCH
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import PARTITIONS, Broker
from tests.support.service.settings import GROUP, LETTERS, RESTARTABLE

GROUP_AUTHORIZATION_FAILED = 30


async def test_a_life_in_order_is_told_from_the_first_event_to_the_last(broker: Broker, start: Start) -> None:
    broker.produce(events.orders(10))
    service = await start()
    await service.until_done(10)
    await service.stop()

    (started,) = service.lines.events("started")
    assert (started["group"], started["topics"], started["dead_letter_topic"]) == (GROUP, ["orders"], LETTERS)
    assert len(service.lines.events("assigned")) == 1
    (stopping,) = service.lines.events("stopping")
    (stopped,) = service.lines.events("stopped")
    assert (stopping["cause"], stopped["delivered"]) == ("the test is over", 10)


@pytest.mark.parametrize("reason", ["start_from", "committed"])
async def test_every_start_of_a_partition_is_told_with_its_reason(broker: Broker, start: Start, reason: str) -> None:
    broker.produce(events.orders(10), partition=1)
    if reason == "committed":
        before = await start(kafka=RESTARTABLE)
        await before.until("it is done", lambda: broker.position() == 10)
        await before.stop()
    service = await start(kafka=RESTARTABLE)
    await service.until("it has its partitions", lambda: len(service.now().partitions) == PARTITIONS)

    starts = service.lines.events("partition_started")
    assert {(each["topic"], each["reason"], each["by_us"]) for each in starts} == {("orders", reason, True)}
    at = {each["partition"]: each["offset"] for each in starts}
    assert (len(starts), at) == (PARTITIONS, {0: 0, 1: 10 if reason == "committed" else 0, 2: 0, 3: 0})


async def test_a_commit_that_brokers_refuse_is_told_with_the_reason(broker: Broker, start: Start) -> None:
    service = await start()
    await service.until("it has its partitions", lambda: bool(service.now().partitions))
    broker.embedded.fail(OFFSET_COMMIT, *[GROUP_AUTHORIZATION_FAILED] * 3)
    broker.produce(events.orders(10))
    await service.until_done(10)
    await service.until("the refusal is told", lambda: bool(service.lines.events("commit_failed")))

    assert service.lines.events("commit_failed")[0]["detail"].startswith("refused: ")
    assert service.now().consumer.commit_errors.total() >= len(service.lines.events("commit_failed"))
    await service.until("it is committed all the same", lambda: broker.position() == 10)


async def test_a_group_whose_positions_may_not_be_read_is_told_once(broker: Broker, start: Start) -> None:
    service = await start(delivery={"rate_limit": "600/min"})
    await service.until("it has its partitions", lambda: bool(service.now().partitions))
    broker.embedded.fail(OFFSET_FETCH, *[GROUP_AUTHORIZATION_FAILED] * 10)
    await service.until("the refusal is told", lambda: bool(service.lines.events("rate_view_refused")))
    assert "DESCRIBE" in service.lines.events("rate_view_refused")[0]["message"]
    assert len(service.lines.events("rate_view_refused")) <= 2, "the group's and the replays'"
