"""A real registry that dies under load, on a real Kafka: nothing lost, order kept, no dead letter for its outage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.registry.apicurio import Apicurio, running_or_skipped
from tests.support.registry.framing import LATER, SCHEMA, order
from tests.support.service.ground import IS_FULL, Ground, protocols
from tests.support.service.marked import WatchedReplica
from tests.support.waiting import until

AWAY = 300.0 if IS_FULL else 8.0
"""Seconds."""
MAPPING = {
    "decode": "avro",
    "user_id": "user",
    "events": {"order.completed": {"event_name": "Order Completed", "metadata": {"n": "n"}}},
}


@pytest.fixture
def apicurio(tmp_path: Path) -> Iterator[Apicurio]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with running_or_skipped(folder) as registry:
        yield registry


def of(schema: int) -> Callable[[str, int], bytes]:
    return partial(order, schema)


def of_later(schema: int) -> Callable[[str, int], bytes]:
    return partial(order, schema, coupon="c")


def sections(registry: Apicurio, protocol: dict[str, str], **more: object) -> dict[str, Any]:
    return {
        "kafka": {"properties": protocol, "commit_interval": "500ms"},
        "mapping": MAPPING,
        "schema_registry": {"urls": [registry.compatible], "timeout": "2s", **more},
    }


async def is_held(replica: WatchedReplica) -> None:
    async def held() -> bool:
        return "schema_registry" in {row["why"] for row in (await replica.status())["partitions"]}

    await until("partitions wait for a schema", held, within=60)


@pytest.mark.timeout(900)
@protocols("classic", "consumer")
async def test_a_registry_killed_under_load_loses_nothing_whatever_becomes_of_the_bridge_meanwhile(
    ground: Ground, apicurio: Apicurio, protocol: dict[str, str]
) -> None:
    ground.create_topic(4)
    first = apicurio.register("orders-value", SCHEMA)
    later = apicurio.register("orders-value", LATER)
    assert first != later
    await ground.produce(800, value=of(first))
    replica = await ground.started(**sections(apicurio, protocol))
    await ground.more(200)
    await asyncio.to_thread(apicurio.kill)
    await ground.produce(400, value=of(first))
    await ground.more(1000, fault="registry away")  # what is known is decoded as before
    await ground.produce(400, value=of_later(later))
    await ground.produce(400, value=of(first))
    await is_held(replica)
    delivered = ground.delivered
    await replica.kill()
    await replica.start()  # and now it knows nothing
    await is_held(replica)
    await asyncio.sleep(AWAY)
    assert ground.delivered == delivered
    await asyncio.to_thread(apicurio.start)
    await ground.everything(within=120)
    await ground.is_committed()
    assert ground.dead_letters() == []
    assert ground.outcome.order_violations == 0
    assert replica.events("schema_registry_back")
    assert await replica.terminate() == 0


@pytest.mark.timeout(600)
@protocols("consumer")
async def test_a_bridge_started_while_the_registry_is_dead_delivers_with_the_schemas_it_kept(
    ground: Ground, apicurio: Apicurio, protocol: dict[str, str], tmp_path: Path
) -> None:
    ground.create_topic(4)
    first = apicurio.register("orders-value", SCHEMA)
    await ground.produce(200, value=of(first))
    replica = await ground.started(**sections(apicurio, protocol, cache_dir=str(tmp_path / "schemas")))
    await ground.everything()
    assert await replica.terminate() == 0
    await asyncio.to_thread(apicurio.kill)
    await ground.produce(400, value=of(first))
    await replica.start()
    await ground.everything()
    await ground.is_committed()
    assert ground.outcome.order_violations == 0
    assert ground.dead_letters() == []


@pytest.mark.timeout(600)
@protocols("consumer")
async def test_ids_that_the_registry_does_not_know_yet_are_waited_for_while_it_evolves(
    ground: Ground, apicurio: Apicurio, protocol: dict[str, str]
) -> None:
    ground.create_topic(4)
    first = apicurio.register("orders-value", SCHEMA)
    replica = await ground.started(**sections(apicurio, protocol))
    await ground.produce(200, value=of(first))
    await ground.more(200)
    await ground.produce(200, value=of_later(first + 1))  # a producer that is ahead of the registry's replica
    await ground.produce(200, value=of(first))
    await is_held(replica)
    assert apicurio.register("orders-value", LATER) == first + 1
    await ground.everything()
    await ground.is_committed()
    assert ground.dead_letters() == []
    assert ground.outcome.order_violations == 0
    assert replica.events("schema_awaited")
    assert not replica.events("schema_registry_lost")
