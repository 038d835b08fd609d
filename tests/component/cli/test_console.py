"""`track-bridge console` as a process beside a running bridge."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import httpx
import pytest

from tests.component.cli.test_run_and_status import Running, running
from tests.support.prepared.client import Program, program
from tests.support.terminal import at_a_terminal
from tests.support.waiting import patience

Config = Callable[..., str]
__all__ = ["running"]


def written(path: Path, replica: str) -> Path:
    path.write_text(f"console: {{listen: '127.0.0.1:0', instances: ['{replica}']}}\n{path.read_text()}")
    return path


@pytest.fixture
async def console(running: Running, config: Config) -> AsyncIterator[tuple[Program, str]]:
    path = written(Path(config()), running.url)
    process = await program("console", "-c", str(path))
    assert process.stdout is not None
    line = json.loads(await process.stdout.readline())
    assert line["event"] == "console_listening", line
    yield process, line["url"]
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    await process.communicate()


async def test_it_shows_the_running_bridge_and_ends_at_once_while_somebody_watches(
    console: tuple[Program, str],
) -> None:
    process, url = console
    async with httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as client:
        page = (await client.get("/")).text
        assert "1 of 1" in page
        assert (await client.get("/readyz")).text == "ok\n"
        async with client.stream("GET", "/live/now") as stream:
            pieces = stream.aiter_text()
            seen = await anext(pieces)
            while "data-part" not in seen:
                seen += await anext(pieces)
            process.send_signal(signal.SIGTERM)
            async with patience("the stream and the process end"):
                async for piece in pieces:
                    seen += piece
                events = (await process.communicate())[0].decode()
    assert process.returncode == 0
    assert [json.loads(line)["event"] for line in events.splitlines()][-2:] == ["console_stopping", "console_stopped"]


@pytest.mark.slow(reason="starts an interpreter at a terminal of its own", seconds=3)
async def test_its_terminal_that_is_gone_ends_it_and_sighup_alone_does_not(
    running: Running, config: Config, tmp_path: Path
) -> None:
    """Nobody could stop by Ctrl-C any more what went on, and its port would stay taken."""
    path = written(Path(config()), running.url)
    with at_a_terminal("console", "-c", str(path), log=tmp_path / "at-a-terminal.log") as console:
        await console.says('"console_listening"')
        os.kill(console.pid, signal.SIGHUP)
        await console.says('"console_needs_restart"')
        console.hang_up()
        assert await console.ended() == 0
    last = [json.loads(line) for line in console.written().splitlines()[-2:]]
    assert [(line["event"], line.get("cause")) for line in last] == [
        ("console_stopping", "SIGHUP"),
        ("console_stopped", None),
    ]
