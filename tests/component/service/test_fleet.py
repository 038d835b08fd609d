"""The replicas of `bridge selftest`, while they come and go."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bridge.cli.selftest.replicas import Fleet
from bridge.sandbox.keeper import Keeper
from tests.component.service.conftest import Configure
from tests.service.waiting import until


async def test_a_replica_may_join_while_the_others_are_asked(configure: Configure, tmp_path: Path) -> None:
    with Keeper() as keeper:
        fleet = Fleet(keeper, configure(), tmp_path)
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
