from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.support.waiting import patience

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, logging, sys
from bridge.kafka.admin.committed import GroupReader
from bridge.sandbox.broker import EmbeddedKafka
from tests.support.kafka.completing import settings

OFFSET_FETCH = 9

async def main() -> None:
    with EmbeddedKafka({"orders": 2}) as kafka:
        reader = GroupReader(settings(kafka.bootstrap, "group", ["orders"]), logging.getLogger("kafka"))
        assert await reader.metadata() == {}
        kafka.fail(OFFSET_FETCH, int(sys.argv[1]))
        try:
            print("answered", await reader.metadata())
        except OSError as error:
            print("told", error)

asyncio.run(main())
"""


@pytest.mark.parametrize("code", [14, 15, 16], ids=["loading", "unavailable", "moved"])
async def test_a_coordinator_that_loads_or_moves_is_asked_again_and_never_ends_the_process(code: int) -> None:
    """In a process of its own: what is promised here is that there is one afterwards."""
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(code), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    async with patience("the process ends", within=60):
        said, _ = await program.communicate()
    assert program.returncode == 0
    assert said.decode().split()[0] in {"answered", "told"}
