"""An operator holds, moves and releases what replicas on a real Kafka read, under both group protocols."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.formats import offset_map
from bridge.formats.commit_mark import unmarked
from bridge.formats.operator_hold import of_metadata
from tests.integration.service.conftest import Stage
from tests.integration.service.test_stops import PROTOCOLS, orders
from tests.support.kafka.client import Kafka
from tests.support.service import ledger
from tests.support.service.replica import Replica, assigned


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="control-", ignore_cleanup_errors=True) as name:
        yield Path(name)


async def bridge(file: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and document of a command beside the replica with this configuration."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", *words, "--yes", "--json", "-c", str(file)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    assert b"Traceback" not in err, err
    return process.returncode, json.loads(out) if out else {"said": err.decode()}


def by_outcome(document: dict[str, Any], outcome: str) -> list[int]:
    return [row["partition"] for row in document["partitions"] if row["outcome"] == outcome]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
async def test_a_hold_outlives_a_kill_and_moves_with_its_partitions(
    kafka: Kafka, stage: Stage, folder: Path, protocol: str
) -> None:
    scene = await stage(kafka, partitions=4, kafka=PROTOCOLS[protocol])
    files, replicas = [], []
    for number in range(2):
        socket = {"control_socket": str(folder / f"{number}.sock")}
        file = scene.configure(observability=socket)
        files.append(file)
        replicas.append(await scene._stack.enter_async_context(Replica(file, file.with_suffix(".log"))))
    first, second = replicas
    for replica in replicas:
        await replica.until("it has its share", lambda status: assigned(status) == 2)
    await scene.produce(orders(400))
    await scene.until_delivered(400)
    await scene.until_committed(400)

    code, told = await bridge(files[0], "hold", scene.topic, "--reason", "sends the wrong name")
    held = by_outcome(told, "done")
    assert (code, len(held), len(by_outcome(told, "elsewhere"))) == (1, 2, 2)
    assert all(row["owner"] for row in told["partitions"] if row["outcome"] == "elsewhere")
    await first.kill()
    await second.until("it has all", lambda status: assigned(status) == 4, within=90)
    await scene.produce(orders(400))
    positions = await asyncio.to_thread(kafka.committed, scene.group)
    before = {number: positions[scene.topic, number] for number in held}
    await second.until(
        "the others are delivered",
        lambda status: (
            all(
                row["why"] in ("idle", "held_by_operator")
                for row in status["partitions"]
                if row["topic"] == scene.topic
            )
            and len(scene.api.ledger.accepted) > 400
        ),
        within=60,
    )
    positions = await asyncio.to_thread(kafka.committed, scene.group)
    for number in held:
        offset, text = positions[scene.topic, number]
        assert offset == before[number][0], "it is held wherever it is"
        hold = of_metadata(text)
        assert hold is not None
        assert hold.reason == "sends the wrong name"

    where = f"{scene.topic}/{held[0]}"
    again = before[held[0]][0]
    code, told = await bridge(files[1], "offsets", "set", where, "--to", "earliest")
    assert (code, told.get("set")) == (0, True), told
    offset, text = (await asyncio.to_thread(kafka.committed, scene.group))[scene.topic, held[0]]
    assert offset == 0
    assert of_metadata(text) is not None
    assert not unmarked(text) or offset_map.decode(unmarked(text)) is not None
    code, told = await bridge(files[1], "release", scene.topic)
    assert (code, by_outcome(told, "done")) == (1, held), "the others were not held"
    await scene.until_delivered(800)
    await scene.until_committed(800)
    await scene.until_accepted(800 + again)
    assert await second.terminate() == 0
    assert len(scene.api.ledger.accepted) == 800 + again, "what was set back is sent again, and nothing else"
    assert ledger.places(scene.api.ledger.accepted) == scene.places()
