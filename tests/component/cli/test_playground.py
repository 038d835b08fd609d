"""`track-bridge playground` as a stranger runs it: an own record gets its 202, and nothing is left behind."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.waiting import patience, until

MAPPED = '"user_id":"me","event_name":"Feature Used"'
MINE = {"type": "feature.used", "id": "mine-1", "data": {"user_id": "me", "feature": "mine"}}


@asynccontextmanager
async def playing(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The process, and what it printed until it was up."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bridge", "playground", "--folder", str(folder), "--rate", "0"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    try:
        told = ""
        async with patience("the playground says what happens", within=120, explain=lambda: told):
            while "What happens:" not in told:
                line = (await process.stdout.readline()).decode()
                assert line, told
                told += line
        yield process, told
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def of_this(folder: Path) -> list[int]:
    """Processes whose command line names the folder."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdecimal():
            try:
                line = (each / "cmdline").read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in line:
                found.append(int(each.name))
    return found


async def nothing_is_left(folder: Path) -> None:
    await until(
        "no process and no folder is left",
        lambda: not of_this(folder) and not folder.exists(),
        within=60,
        explain=lambda: f"processes: {of_this(folder)}",
    )


@pytest.mark.slow(reason="starts the playground with all its processes", seconds=9)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
async def test_a_record_of_ones_own_is_accepted_and_ctrl_c_ends_all_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "playground"
    async with playing(folder) as (process, told):
        found = re.search(r"Track API +(http://127\.0\.0\.1:\d+)/", told)
        assert found is not None, told
        assert len(re.findall(r"^ {1,2}\d+\. ", told, re.MULTILINE)) == 10
        async with httpx.AsyncClient(base_url=found[1], trust_env=False, timeout=60) as client:
            answer = await client.post("/_records/app.activity", content=json.dumps(MINE), params={"key": "me"})
            assert answer.status_code == 200
            assert re.match(r"app\.activity/\d+/\d+; what becomes of it: ", answer.text)
            assert (await client.post("/_records/playground.dlq", content=b"{}")).status_code == 404

            async def accepted() -> str:
                return (await client.get("/_emulator/accepted")).text

            async def delivered() -> bool:
                return MAPPED in await accepted()

            await until("the record is delivered", delivered, within=90, explain=accepted)
        process.send_signal(signal.SIGINT)
        out, _ = await process.communicate()
    assert process.returncode == 0, out.decode()
    assert "nothing is left behind." in out.decode()
    assert of_this(folder) == []
    assert not folder.exists()


@pytest.mark.slow(reason="starts the playground with all its processes", seconds=6)
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
async def test_after_a_kill_of_the_playground_neither_processes_nor_files_are_left(tmp_path: Path) -> None:
    folder = tmp_path / "playground"
    async with playing(folder) as (process, _):
        assert len(of_this(folder)) >= 2
        process.kill()
        await process.communicate()
        await nothing_is_left(folder)
