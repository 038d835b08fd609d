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

    def start(self, number: int) -> None:
        """It is there."""

    async def stop(self, number: int) -> None:
        """It is gone."""


def faults(replicas: Any) -> Faults:
    return Faults(
        replicas,
        Emulator(),
        None,
        always=[],
        crashes=CrashLog(uncommitted=1.0, session=6.0, counts_rebalances=False),
        key_file=Path("key"),
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
