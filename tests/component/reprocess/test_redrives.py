"""Replicas that all send letters again after a spell of refused keys: each letter once, at one share of the limit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import Emulator
from tests.support.reprocess import redriving
from tests.support.reprocess.redriving import EARLIER, IN_FLIGHT, PARTITIONS, Scene
from tests.support.service.embedded import Broker
from tests.support.service.settings import LETTERS


@pytest.fixture
def kafka() -> Iterator[EmbeddedKafka]:
    """One that notices within seconds that a member died."""
    topics = {"orders": PARTITIONS, LETTERS: PARTITIONS, f"{LETTERS}.resolutions": PARTITIONS}
    with EmbeddedKafka(topics, rebalance_delay=0.0, member_timeout=2.0) as embedded:
        yield embedded


@pytest.fixture
async def scene(kafka: EmbeddedKafka, api: Emulator, tmp_path: Path) -> AsyncIterator[Scene]:
    def fill(values: Iterable[bytes]) -> None:
        Broker(kafka).produce(values)

    async with AsyncExitStack() as stack:
        yield await redriving.begin(stack, tmp_path, kafka.bootstrap, api, fill, orders="orders", letters=LETTERS)


@pytest.mark.slow(reason="redrives of several replicas at a slow rate", seconds=75)
@pytest.mark.timeout(300)
async def test_redrives_of_all_replicas_send_each_letter_once_and_use_one_share_of_the_limit(scene: Scene) -> None:
    await redriving.recover(scene)
    seen = await redriving.watched(
        scene, lambda: redriving.all_arrived(scene) and all(map(redriving.quiet, scene.replicas))
    )
    ledger = await redriving.settled(scene)
    assert set(scene.arrived("history").values()) == {1}
    assert max(scene.arrived("orders").values()) == 1, "what this spell let through was sent once, too"
    assert ledger["ended"] == {"replayed": scene.redriven(), "discarded": 0}
    assert ledger["failed_again"] == 0
    assert seen.takes_one_share, "two redrives take no more off the live traffic than one"


@pytest.mark.slow(reason="a redrive of several replicas, and the session of the one that is killed", seconds=55)
@pytest.mark.timeout(300)
async def test_a_replica_killed_in_its_redrive_leaves_no_letter_open_and_repeats_at_most_what_was_in_flight(
    scene: Scene,
) -> None:
    await redriving.recover(scene)
    await redriving.watched(scene, lambda: len(scene.arrived("history")) >= EARLIER // 4)
    await scene.replicas[1].kill()
    await redriving.watched(scene, lambda: redriving.all_arrived(scene) and redriving.quiet(scene.replicas[0]))
    ledger = await redriving.settled(scene)
    arrived = scene.arrived("history")
    assert sum(arrived.values()) - EARLIER <= IN_FLIGHT
    assert ledger["ended"]["replayed"] >= EARLIER
    assert (ledger["ended"]["discarded"], ledger["failed_again"]) == (0, 0)
