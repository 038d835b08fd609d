"""The pages begin with what ought to be read, and say what is missing and why."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.sandbox.emulator import Emulator
from tests.component.service.conftest import Start
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.service.in_process import Service
from tests.support.service.settings import SESSION


def topic(service: Service, name: str) -> Any:
    return next((view for view in service.now().group_view.topics if view.topic == name), None)


@pytest.mark.slow(reason="a topic that is missing is told after half a minute", seconds=38)
async def test_a_topic_that_does_not_exist_is_on_every_page_while_another_one_is_delivered(
    broker: Broker, api: Emulator, start: Start
) -> None:
    broker.produce(events.orders(10))
    service = await start(topics=["orders", "nowhere"])
    assert [view.topic for view in service.now().group_view.topics] == ["orders", "nowhere"]
    await service.until_done(10)
    await service.until("it is noticed", lambda: topic(service, "nowhere").problem is not None, within=40)

    status = await service.status()
    assert status["state"] == "held"
    assert "topic nowhere does not exist" in status["sentence"]
    assert [(row["topic"], row["problem"]) for row in status["topics"]] == [
        ("orders", None),
        ("nowhere", "topic_missing"),
    ]
    readiness = await service.get("/readyz")
    assert readiness.status_code == 200
    assert [reason["reason"] for reason in readiness.json()["reasons"]] == ["topic_missing"]
    metrics = (await service.get("/metrics")).text
    assert 'track_bridge_topic_problem{reason="topic_missing",topic="nowhere"} 1.0' in metrics
    assert 'track_bridge_topic_problem{reason="topic_missing",topic="orders"} 0.0' in metrics
    [held] = service.lines.events("held")
    assert (held["reason"], held["topic"], held["partition"]) == ("topic_missing", "nowhere", None)
    assert len(api.ledger.accepted) == 10

    broker.embedded.create_topic("nowhere", 2)
    await service.until("it is there", lambda: topic(service, "nowhere").problem is None, within=60)
    await service.until("that is said", lambda: bool(service.lines.events("released")))
    assert [event["topic"] for event in service.lines.events("released")] == ["nowhere"]


async def test_a_partition_that_is_held_has_the_lag_and_the_age_of_what_waits_in_it(
    broker: Broker, start: Start
) -> None:
    broker.produce(events.orders(12), partition=2)
    service = await start(kafka={"start_from": "error"})

    def waiting() -> Any:
        return next((each for each in service.now().partitions if each.partition.partition == 2), None)

    def is_known() -> bool:
        seen = waiting()
        return seen is not None and seen.lag == 12 and seen.oldest is not None and seen.oldest.timestamp is not None

    await service.until("lag and age are known", is_known, within=40)
    now = service.now()
    assert waiting().oldest_age(now.at) > now.at - service.now().started_at
    assert topic(service, "orders").lag == 12
    metrics = (await service.get("/metrics")).text
    assert 'track_bridge_partition_lag_records{partition="2",topic="orders"} 12.0' in metrics
    assert 'track_bridge_partition_undone_records{partition="2",topic="orders"} 12.0' in metrics
    assert 'track_bridge_group_lag_records{topic="orders"} 12.0' in metrics


@pytest.mark.slow(reason="two replicas share a group out, which takes the embedded broker a session", seconds=22)
async def test_two_mappings_in_one_group_are_told_by_the_members_of_both(
    broker: Broker, api: Emulator, start: Start
) -> None:
    classic = {"group_protocol": "classic", "properties": SESSION}
    first = await start(kafka=classic)
    await first.until("it has its partitions", lambda: len(first.now().partitions) == 4)
    second = await start(kafka=classic, mapping={"events": {"order.completed": {"event_name": "Another"}}})
    await second.until("it has some", lambda: len(second.now().partitions) == 2, within=60)

    def told() -> bool:
        broker.produce(events.orders(4))  # whoever works commits
        return bool(first.lines.events("mappings_differ")) and bool(second.lines.events("mappings_differ"))

    await first.until("both say it", told, within=60)
    [event] = first.lines.events("mappings_differ")
    mine = second.now().group_view.mapping
    assert list(event["others"]) == [f"{mine:09d}"]
    await first.until("the other's partitions are named", lambda: len(others(first)) == 2)
    assert others(first) == {str(each.partition) for each in second.now().partitions}
    status = await first.status()
    assert status["group_view"]["other_mappings"][0]["mapping"] == f"{mine:09d}"
    assert "track_bridge_group_other_mappings 1.0" in (await first.get("/metrics")).text
    assert {accepted.event_name for accepted in api.ledger.accepted} == {"Order Completed", "Another"}


def others(service: Service) -> set[str]:
    return {str(each) for partitions in service.now().group_view.other_mappings.values() for each in partitions}
