"""Replicas that all send letters again after a spell of refused keys, on a real Kafka."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.sandbox.emulator import Emulator
from tests.support.kafka.client import Kafka
from tests.support.reprocess import redriving
from tests.support.reprocess.redriving import EARLIER, IN_FLIGHT, LIMIT, PARTITIONS, Scene
from tests.support.service.settings import API_KEY


@pytest.fixture
async def scene(kafka: Kafka, tmp_path: Path) -> AsyncIterator[Scene]:
    orders, letters = kafka.create_topic("orders", PARTITIONS), kafka.create_topic("letters", PARTITIONS)
    kafka.create_topic_named(f"{letters}.resolutions", PARTITIONS, cleanup_policy="compact")

    def fill(values: Iterable[bytes]) -> None:
        kafka.produce(orders, [(str(number), value) for number, value in enumerate(values)])

    async with Emulator(keys=[API_KEY]) as api, AsyncExitStack() as stack:
        yield await redriving.begin(stack, tmp_path, kafka.bootstrap, api, fill, orders=orders, letters=letters)


@pytest.mark.timeout(600)
async def test_a_replica_killed_in_its_redrive_leaves_no_letter_open_and_the_budget_is_kept(scene: Scene) -> None:
    already = len(scene.api.ledger.accepted)
    await redriving.recover(scene)
    seen = await redriving.watched(scene, lambda: len(scene.arrived("history")) >= EARLIER // 4)
    await scene.replicas[1].kill()
    await redriving.watched(scene, lambda: redriving.all_arrived(scene) and redriving.quiet(scene.replicas[0]))
    ledger = await redriving.settled(scene)
    arrived = scene.arrived("history")
    assert sum(arrived.values()) - EARLIER <= IN_FLIGHT
    assert ledger["ended"]["replayed"] >= EARLIER
    assert (ledger["ended"]["discarded"], ledger["failed_again"]) == (0, 0)
    assert seen.takes_one_share, "two redrives take no more off the live traffic than one"
    accepted = scene.api.ledger.accepted[already:]
    senders = 4
    assert len(accepted) <= LIMIT * (accepted[-1].at - accepted[0].at) + senders, "live and redriven, all together"


@pytest.mark.timeout(600)
async def test_each_letter_is_sent_once_by_one_of_the_replicas(scene: Scene) -> None:
    await redriving.recover(scene)
    await redriving.watched(scene, lambda: redriving.all_arrived(scene) and all(map(redriving.quiet, scene.replicas)))
    ledger = await redriving.settled(scene)
    assert set(scene.arrived("history").values()) == {1}
    assert ledger["ended"] == {"replayed": scene.redriven(), "discarded": 0}
    assert "h-1" not in scene.replicas[0].log_text() + scene.replicas[1].log_text(), "no user is in a log"
