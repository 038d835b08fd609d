"""docs/tutorial.md as a newcomer types it: its commands in their order, in a folder with nothing in it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from pathlib import Path

import pytest

from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from tests.support.docs import commands

PAGE = commands.text_of("tutorial")
NOT_RUN = {
    "install": "it takes an index of packages; tests/repo/test_package.py installs the wheel",
    "emulator": "it goes on until Ctrl-C; an emulator of the test answers in its place",
    "playground": "it goes on until Ctrl-C, as `top` does; the test below types the others beside it",
    "kafka": "it takes a cluster; the parser takes each line, and tests/component/cli/test_run_and_status.py runs them",
}
"""Blocks by name, and why they are not."""
ADDRESS = "http://127.0.0.1:8080"


@pytest.mark.slow(reason="runs every command of the tutorial", seconds=8)
async def test_what_the_tutorial_says_is_typed_works_and_prints_what_it_shows(tmp_path: Path) -> None:
    blocks = commands.blocks(PAGE)
    assert {each.about for each in blocks} - {""} == set(NOT_RUN)
    script = "\n".join(each.text for each in blocks if not each.about)
    assert ADDRESS in script
    async with Emulator() as api:
        typed = script.replace(ADDRESS, api.endpoint).replace("NX-emulator", DEFAULT_KEY)
        environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", typed, cwd=tmp_path, env=environ, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        out, _ = await process.communicate()
        printed = out.decode()
        assert process.returncode == 0, printed
        assert [event.user_id for event in api.ledger.accepted] == ["u-17"]
    for shown in re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        assert shown in printed


@pytest.mark.slow(reason="starts the playground twice", seconds=17)
async def test_the_playground_delivers_the_tutorials_records_by_the_proposed_mapping_and_then_by_the_edited_one(
    tmp_path: Path,
) -> None:
    start, beside = (each.text for each in commands.blocks(PAGE) if each.about == "playground")
    records, proposal = [each.text for each in commands.blocks(PAGE) if not each.about][:2]
    (edit,) = (each.text.splitlines()[0] for each in commands.blocks(PAGE) if each.text.startswith("sed "))
    elsewhere = {name: value for name, value in os.environ.items() if not name.startswith("USERPILOT_")}
    environ = {**elsewhere, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    async def typed(text: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "bash", "-euc", text, cwd=tmp_path, env=environ, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    process = await typed(records + proposal + "exec " + start)
    told = ""

    async def hears(sentence: str) -> None:
        nonlocal told
        assert process.stdout is not None
        while sentence not in told:
            line = (await process.stdout.readline()).decode()
            assert line, told
            told += line

    try:
        await hears("6 records of yours put into Kafka")
        lines = [each for each in beside.splitlines() if " top " not in each]
        out = ""
        while "delivered" not in out:  # of a record that waits, explain ends with 1 and says so
            looking = await typed(f"{lines[0]}\n{lines[1]} || true\n")
            out = (await looking.communicate())[0].decode()
        assert "track-bridge" in out
        copy = (tmp_path / "playground" / "bridge.yaml").read_text()
        assert copy.startswith("# Made from ../bridge.yaml: edit that one")
        proposed = (tmp_path / "bridge.yaml").read_text()
        (tmp_path / "bridge.yaml").write_text(proposed.replace("Order Completed", "Order Paid", 1))
        await hears("Refused, what ran runs on: bridge.yaml: 1 example of the mapping does not hold")
        (tmp_path / "bridge.yaml").write_text(proposed)
        await hears("bridge.yaml is right again.")
        await (await typed(edit)).communicate()
        await hears("The changed mapping works")
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode in {0, 130}
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def test_the_page_names_the_key_and_the_address_of_the_emulator() -> None:
    assert f"USERPILOT_API_KEY={DEFAULT_KEY}" in PAGE
    assert f"<{ADDRESS}>" in PAGE


def test_a_block_that_is_pasted_whole_asks_nothing() -> None:
    pasted = "\n".join(each.text for each in commands.blocks(PAGE))
    assert re.findall(r"^track-bridge topics create (?!--yes).*", pasted, re.MULTILINE) == []


def test_the_installation_leaves_the_checkout_what_make_runs() -> None:
    """A copy beside it would go stale in the same environment."""
    assert "pip install -e " in commands.block(PAGE, "install")
