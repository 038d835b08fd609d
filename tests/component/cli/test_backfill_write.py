"""`track-bridge backfill write` as a program: killed, continued, and refused where the plan is of something else."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from bridge.sandbox.broker import EmbeddedKafka
from tests.component.cli.conftest import TOPIC, Cli
from tests.support.prepared.client import program
from tests.support.waiting import patience

Config = Callable[..., str]
EACH = 8_000
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (700_000, 700_000))
from bridge.cli import entry
sys.exit(entry.run(sys.argv[1:]))
"""
"""`bridge` with an operating system that lets no file grow beyond that."""


def events(count: int) -> list[bytes]:
    return [
        json.dumps(
            {"type": "order.completed", "id": str(number), "time": "2024-07-28T08:55:35Z",
             "data": {"user_id": f"u{number % 50}", "amount": number}}
        ).encode()
        for number in range(count)
    ]  # fmt: skip


@pytest.fixture
def history(kafka: EmbeddedKafka) -> None:
    """Eight thousand events in each of three partitions, many of a user in the same second."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    for partition in range(3):
        for value in events(EACH):
            producer.produce(TOPIC, value=value, partition=partition)
        assert producer.flush(20) == 0


def files(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.suffix in {".ndjson", ".ids"}}


def manifest(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found


async def killed(folder: Path, path: str) -> None:
    """Once something more is recorded than before."""
    before = [each["next"] for each in manifest(folder)["ranges"]]
    process = await program("backfill", "write", str(folder), "-c", path)
    async with patience("more is recorded, or it ends"):
        while process.returncode is None and [each["next"] for each in manifest(folder)["ranges"]] == before:
            await asyncio.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    await process.wait()


@pytest.mark.usefixtures("history")
@pytest.mark.slow(reason="writes a history four times", seconds=9)
async def test_killed_three_times_it_writes_the_bytes_of_one_run(cli: Cli, config: Config, tmp_path: Path) -> None:
    path = config()
    for name in ("whole", "killed"):
        planned = await cli("backfill", "plan", str(tmp_path / name), "--cut", "--file-size", "1MB", "-c", path)
        assert planned.code == 0, planned.err
    whole = await cli("backfill", "write", str(tmp_path / "whole"), "-c", path)
    assert whole.code == 0, whole.err

    for _ in range(3):
        await killed(tmp_path / "killed", path)
    ran = await cli("backfill", "write", str(tmp_path / "killed"), "--json", "-c", path)

    assert (ran.code, json.loads(ran.out)["rows"]) == (0, {"events": 3 * EACH})
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert manifest(tmp_path / "killed")["files"] == manifest(tmp_path / "whole")["files"]
    assert not list((tmp_path / "killed").glob("*.part"))

    again = await cli("backfill", "write", str(tmp_path / "killed"), "-c", path)
    assert again.code == 0
    assert "24,000 records of 24,000 offsets written" in again.out


@pytest.mark.usefixtures("history")
@pytest.mark.slow(reason="reads a history for each plan", seconds=2)
async def test_a_plan_of_another_mapping_or_group_is_refused(cli: Cli, config: Config, tmp_path: Path) -> None:
    folder = str(tmp_path / "run")
    assert (await cli("backfill", "plan", folder, "--cut", "-c", config())).code == 0

    other = await cli("backfill", "write", folder, "-c", config("amount: data.amount", "amount: data.total"))
    assert other.code == 2
    assert "The mapping has changed since the plan was made" in other.err
    group = await cli("backfill", "write", folder, "-c", config("group_id: cli", "group_id: other"))
    assert group.code == 2
    assert "The plan was made for the group cli" in group.err
    assert manifest(tmp_path / "run")["stage"] == "planned"


@pytest.mark.usefixtures("history")
@pytest.mark.slow(reason="reads a history for each directory", seconds=2)
async def test_what_is_no_run_directory_is_left_as_it_is(cli: Cli, config: Config, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()

    ran = await cli("backfill", "write", str(tmp_path / "else"), "-c", config())

    assert ran.code == 2
    assert "there is no manifest.json in it" in ran.err
    assert not list((tmp_path / "else").iterdir())


@pytest.mark.usefixtures("history")
@pytest.mark.slow(reason="fills a disk, and writes a history again", seconds=10)
async def test_a_disk_without_room_is_a_sentence_and_the_run_continues_when_there_is_some(
    cli: Cli, config: Config, tmp_path: Path
) -> None:
    """As a quota does it: no file may have more than 700,000 bytes, and three partitions make 4 MB."""
    path = config()
    for name in ("whole", "full"):
        planned = await cli("backfill", "plan", str(tmp_path / name), "--cut", "-c", path)
        assert planned.code == 0, planned.err
    whole = await cli("backfill", "write", str(tmp_path / "whole"), "-c", path)
    assert whole.code == 0

    limited = await asyncio.create_subprocess_exec(
        sys.executable, "-c", LIMITED, "backfill", "write", str(tmp_path / "full"), "-c", path,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, told = await limited.communicate()

    assert limited.returncode == 3, told
    assert f"The disk of {tmp_path / 'full'} is full" in told.decode()
    assert b"Traceback" not in told
    ran = await cli("backfill", "write", str(tmp_path / "full"), "-c", path)
    assert ran.code == 0, ran.err
    assert files(tmp_path / "full") == files(tmp_path / "whole")
