"""The replicas of `track-bridge selftest`, while they come and go."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.sandbox.child_processes import ChildProcesses
from bridge.sandbox.emulator import Emulator, Fault, FaultKind
from bridge.selftest.replicas import Fleet
from tests.component.service.conftest import Configure
from tests.support.service import events
from tests.support.service.embedded import Broker
from tests.support.waiting import until

REBALANCE_IN_PROGRESS = 27


@pytest.mark.slow(reason="starts several interpreters", seconds=2)
async def test_a_replica_may_join_while_the_others_are_asked(configure: Configure, tmp_path: Path) -> None:
    with ChildProcesses() as processes:
        fleet = Fleet(processes, configure(), tmp_path)
        fleet.start(0)
        log = tmp_path / "replica-1.1.log"
        await until("it listens", lambda: '"listening"' in log.read_text())
        looking = asyncio.create_task(fleet.look())
        await asyncio.sleep(0)  # it has asked, and can only be answered in a later turn
        fleet.start(1)
        await looking
        assert fleet.running == 2
        assert fleet.problems == []
        await fleet.stop_all()
        assert fleet.problems == []


@pytest.mark.slow(reason="starts several interpreters", seconds=2)
async def test_what_may_have_been_sent_twice_is_known_of_a_replica_that_stopped_before_it_was_asked(
    configure: Configure, broker: Broker, api: Emulator, tmp_path: Path
) -> None:
    api.set_faults(Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, count=2))
    broker.produce(events.orders(10))
    with ChildProcesses() as processes:
        fleet = Fleet(processes, configure(), tmp_path)
        fleet.start(0)
        await until("all have arrived, two of them twice", lambda: len(api.ledger.accepted) == 12)
        await fleet.stop_all()
        assert fleet.ambiguous == 2
        assert fleet.problems == []
