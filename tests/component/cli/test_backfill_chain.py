"""History from an embedded Kafka to the emulated Import API, killed on the way: each record is imported once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.sandbox.broker import EmbeddedKafka
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from tests.component.cli.conftest import TOPIC
from tests.support.backfill.chain import chain, produce

RECORDS = 3_000


@pytest.mark.slow(reason="kills each step of an import and begins it anew", seconds=12)
async def test_history_that_is_killed_on_the_way_and_whose_answers_are_lost_is_imported_once(
    kafka: EmbeddedKafka, api: Emulator, tmp_path: Path
) -> None:
    produce(kafka.bootstrap, TOPIC, 3, RECORDS)
    run = chain(tmp_path, api, DEFAULT_KEY, bootstrap=kafka.bootstrap, topic=TOPIC, group="history")
    await run.written(RECORDS, 1, "100KB")
    await run.run("check")
    await run.submitted(3)
    run.each_row_is_imported_once(RECORDS)
    assert "Not as it was sent" not in await run.run("verify")
