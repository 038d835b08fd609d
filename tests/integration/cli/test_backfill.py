"""History from a real Kafka to the emulated Import API, killed on the way: each record is imported once.

`FAULTS=full` (`make faults`) takes 1,000,000 records, otherwise a short form.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from tests.support.backfill.chain import chain, produce
from tests.support.kafka.client import Kafka
from tests.support.service.ground import IS_FULL

RECORDS = 1_000_000 if IS_FULL else 20_000
FILE_SIZE = "20MB" if IS_FULL else "400KB"
KILLS = 3


@pytest.mark.timeout(1800)
async def test_history_that_is_killed_on_the_way_and_whose_answers_are_lost_is_imported_once(
    kafka: Kafka, tmp_path: Path
) -> None:
    topic, group = kafka.create_topic("orders", 3), kafka.name("group")
    await asyncio.to_thread(produce, kafka.bootstrap, topic, 3, RECORDS)
    async with Emulator() as api:
        run = chain(tmp_path, api, DEFAULT_KEY, bootstrap=kafka.bootstrap, topic=topic, group=group)
        await run.written(RECORDS, KILLS, FILE_SIZE)
        await run.run("check")
        await run.submitted(KILLS)
        run.each_row_is_imported_once(RECORDS)
        assert "Not as it was sent" not in await run.run("verify")
        assert api.imports.conflicts + sum(job.type != "import" for job in api.imports.jobs)
