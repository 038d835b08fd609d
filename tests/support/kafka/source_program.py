"""A source in a process of its own, to be killed: it keeps chosen offsets open and says when its map is committed.

``python -m tests.support.kafka.source_program BOOTSTRAP GROUP TOPIC COUNT OFFSET…``
"""

from __future__ import annotations

import asyncio
import sys

from tests.support.kafka.completing import Completing, running, settings


async def main(bootstrap: str, group: str, topic: str, count: int, kept: set[int]) -> None:
    """Read `count` records, complete all but the kept ones, commit, and wait to be killed."""
    consumption = Completing(keep=lambda record: record.offset in kept)
    async with running(settings(bootstrap, group, [topic]), consumption) as source:
        await consumption.until(lambda: len(consumption.records) == count)
        for _ in range(2):
            # Positions are stored before a commit is made: the second proof comes after the last position.
            consumption.store()
            consumption.proofs.clear()
            source.send_heartbeat()
            await consumption.until(lambda: bool(consumption.proofs))
        sys.stdout.write("committed\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), {int(each) for each in sys.argv[5:]}))
