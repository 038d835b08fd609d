"""How many duplicates the self-test allows after what it did."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.emulator import Emulator
from bridge.selftest.bounds import Bound, CrashLog
from bridge.selftest.faults import Faults
from bridge.selftest.schedule import Disturbance, DisturbanceKind


class Replicas:
    """Come and go at once."""

    running = 1

    def __init__(self, ambiguous: int = 0) -> None:
        self.ambiguous = ambiguous
        self.told: list[str] = []

    def start(self, number: int) -> None:
        self.told.append(f"start {number}")

    async def stop(self, number: int) -> None:
        self.told.append(f"stop {number}")

    async def kill(self, number: int) -> None:
        self.told.append(f"kill {number}")

    def freeze(self, number: int) -> None:
        self.told.append(f"freeze {number}")

    def thaw(self, number: int) -> None:
        self.told.append(f"thaw {number}")


class Broker:
    """Does as it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def order(self, line: str) -> None:
        self.told.append(line)


def faults(replicas: Any, broker: Any = None, key_file: Path = Path("key")) -> Faults:
    return Faults(
        replicas,
        Emulator(),
        broker,
        always=[],
        crashes=CrashLog(uncommitted=1.0, session=6.0, counts_rebalances=False),
        key_file=key_file,
        replicas=1,
        tell=lambda _sentence: None,
    )


@pytest.mark.parametrize("kind", [DisturbanceKind.STOP, DisturbanceKind.JOIN])
async def test_a_stop_and_a_joining_replica_cost_nothing_on_a_real_cluster(kind: DisturbanceKind) -> None:
    happened = faults(Replicas())
    now = time.monotonic()

    await happened.run([Disturbance(0.0, kind, 0.0, 0)])

    arrivals = [now - 10.0, now - 0.5, now, now + 60.0]
    assert happened.bound(arrivals, max_in_flight=8) == Bound(0, 0)


def test_what_the_replicas_say_of_answers_that_never_came_counts_where_the_api_knows_of_fewer() -> None:
    assert faults(Replicas(ambiguous=3)).bound([], max_in_flight=8) == Bound(3, 0)


@pytest.mark.parametrize(
    ("kind", "replicas_told", "broker_told"),
    [
        (DisturbanceKind.KILL, ["kill 2", "start 2"], []),
        (DisturbanceKind.FREEZE, ["freeze 2", "thaw 2"], []),
        (DisturbanceKind.BROKER_DOWN, [], ["down -1", "up -1"]),
    ],
)
async def test_what_may_cost_duplicates_is_done_taken_back_and_allowed_for(
    kind: DisturbanceKind, replicas_told: list[str], broker_told: list[str]
) -> None:
    replicas, broker = Replicas(), Broker()
    happened = faults(replicas, broker)
    now = time.monotonic()
    await happened.run([Disturbance(0.0, kind, 0.0, 2)])
    assert (replicas.told, broker.told) == (replicas_told, broker_told)
    assert [each.kind for each in happened.happened] == [kind]
    bound = happened.bound([now - 0.5, now], max_in_flight=8)
    assert bound != Bound(0, 0), "what was accepted just before may come twice"


async def test_letters_are_refused_by_the_broker_that_has_them() -> None:
    broker = Broker()
    await faults(Replicas(), broker).run([Disturbance(0.0, DisturbanceKind.LETTERS_REFUSED, 0.0, 0)])
    [order] = broker.told
    assert order.startswith("fail-at ")


async def test_a_rotated_key_is_the_only_one_that_the_api_takes_and_is_put_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("old\n")
    happened = faults(Replicas(), key_file=file)
    await happened.run([Disturbance(0.0, DisturbanceKind.KEY_ROTATION, 0.0, 0)])
    assert happened._api.keys == frozenset([file.read_text().strip()])
