"""From the plan to `track-bridge backfill check --offline`: no API key, and nothing personal on the screen."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from tests.component.cli.conftest import TOPIC, Cli

Config = Callable[..., str]
Produce = Callable[..., None]


def event(number: int, *, time: str = "2026-10-01T08:00:00Z") -> bytes:
    data = {"user_id": "ada@example.org", "amount": 4217}
    return json.dumps({"type": "order.completed", "id": f"e{number}", "time": time, "data": data}).encode()


async def written(cli: Cli, folder: Path, path: str) -> None:
    for words in (("plan", str(folder), "--cut"), ("write", str(folder))):
        ran = await cli("backfill", *words, "-c", path)
        assert ran.code == 0, ran.err


async def test_the_chain_ends_with_check_where_there_is_no_key(
    cli: Cli, config: Config, key_file: Path, produce: Produce, tmp_path: Path
) -> None:
    produce(0, event(0), event(1), b"{")
    path = config(f"  api_key_file: {key_file}\n", "")
    folder = tmp_path / "run"
    await written(cli, folder, path)

    ran = await cli("backfill", "check", str(folder), "--offline", "-c", path)

    assert ran.code == 0, ran.err
    assert "Order Completed     2" in ran.out
    assert "2026-10-01     2" in ran.out
    assert "1 output could not be mapped" in ran.out
    assert ran.out.endswith("Nothing blocks.\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["stage"], manifest["checked"]["blocking"]) == ("checked", [])

    again = await cli("backfill", "check", str(folder), "-c", path)
    assert (again.code, again.err) == (0, "")
    assert "backfill submit" in again.out.splitlines()[-1]


async def test_what_is_hidden_in_dead_letters_is_hidden_in_samples(
    cli: Cli, config: Config, produce: Produce, tmp_path: Path
) -> None:
    produce(0, event(0))
    path = config("dead_letter:\n", "dead_letter:\n  redact: [data.user_id]\n")
    await written(cli, tmp_path / "run", path)

    ran = await cli("backfill", "check", str(tmp_path / "run"), "-c", path)

    assert "4217" in ran.out
    assert "ada@example.org" not in ran.out
    assert "ada@example.org" not in (tmp_path / "run" / "manifest.json").read_text()
    assert b"ada@example.org" in (tmp_path / "run" / "events-00001.ndjson").read_bytes()


async def test_a_finding_that_blocks_ends_with_1(cli: Cli, config: Config, produce: Produce, tmp_path: Path) -> None:
    produce(0, event(0), event(0), event(1, time="2999-01-01T00:00:00Z"))
    path = config()
    await written(cli, tmp_path / "run", path)

    ran = await cli("backfill", "check", str(tmp_path / "run"), "--json", "-c", path)

    assert ran.code == 1
    found = json.loads(ran.out)
    assert (found["future"], found["repeated_events"]) == (1, 1)
    assert len(found["blocking"]) == 2
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["checked"]["blocking"] == found["blocking"]
    ran = await cli("backfill", "check", str(tmp_path / "run"), "-c", path)
    assert "--canary 100 --despite-findings" in ran.out.splitlines()[-1]


async def test_what_is_not_written_is_not_checked(cli: Cli, config: Config, tmp_path: Path, produce: Produce) -> None:
    produce(0, event(0))
    path = config()
    assert (await cli("backfill", "plan", str(tmp_path / "run"), "--cut", "--topic", TOPIC, "-c", path)).code == 0

    ran = await cli("backfill", "check", str(tmp_path / "run"), "-c", path)

    assert ran.code == 2
    assert "backfill write" in ran.err
