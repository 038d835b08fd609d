"""docs/tutorial.md as a newcomer types it: its commands in their order, in a folder with nothing in it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from tests.support.docs import commands

PAGE = commands.text_of("tutorial")
NOT_RUN = {
    "install": "it takes an index of packages; tests/repo/test_package.py installs the wheel",
    "emulator": "it goes on until Ctrl-C; an emulator of the test answers in its place",
    "playground": "it goes on until Ctrl-C; tests/component/cli/test_playground.py runs it with a mapping of its own",
    "kafka": "it takes a cluster; the parser takes each line, and tests/component/cli/test_run_and_status.py runs them",
}
"""Blocks by name, and why they are not."""
ADDRESS = "http://127.0.0.1:8080"


@pytest.mark.slow
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


def test_the_page_names_the_key_and_the_address_of_the_emulator() -> None:
    assert f"USERPILOT_API_KEY={DEFAULT_KEY}" in PAGE
    assert f"<{ADDRESS}>" in PAGE
