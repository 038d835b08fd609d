"""What the log says of a life in order, and of brokers that refuse what the bridge could do without."""

from __future__ import annotations

from bridge.sandbox.broker import OFFSET_COMMIT, OFFSET_FETCH
from tests.component.service.conftest import Start
from tests.service import events
from tests.service.embedded import Broker
from tests.service.settings import GROUP, LETTERS

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


async def test_a_commit_that_brokers_refuse_is_told_with_the_reason(broker: Broker, start: Start) -> None:
    service = await start()
    await service.until("it has its partitions", lambda: bool(service.now().partitions))
    broker.embedded.fail(OFFSET_COMMIT, *[GROUP_AUTHORIZATION_FAILED] * 3)
    broker.produce(events.orders(10))
    await service.until_done(10)
    await service.until("the refusal is told", lambda: bool(service.lines.events("commit_failed")))

    assert service.lines.events("commit_failed")[0]["detail"].startswith("refused: ")
    assert service.now().group.commit_failures >= len(service.lines.events("commit_failed"))
    await service.until("it is committed all the same", lambda: broker.position() == 10)


async def test_a_group_whose_positions_may_not_be_read_is_told_once(broker: Broker, start: Start) -> None:
    service = await start(delivery={"rate_limit": "600/min"})
    await service.until("it has its partitions", lambda: bool(service.now().partitions))
    broker.embedded.fail(OFFSET_FETCH, *[GROUP_AUTHORIZATION_FAILED] * 10)
    await service.until("the refusal is told", lambda: bool(service.lines.events("rate_view_refused")))
    assert "DESCRIBE" in service.lines.events("rate_view_refused")[0]["message"]
    assert len(service.lines.events("rate_view_refused")) <= 2, "the group's and the replays'"
