"""Runs docs/backfill.md from "Submit" on: its commands in their order, against an emulated Import API.

``python -m tests.support.backfill.page`` writes the page again with what they print; the test compares.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridge.backfill.manifest import RowKind
from bridge.sandbox.emulator import DEFAULT_KEY, Emulator
from bridge.sandbox.emulator.faults import Fault, FaultKind
from tests.support.backfill.chain import CONFIG
from tests.support.backfill.runs import checked_run_of

PAGE: Final = Path(__file__).parents[3] / "docs" / "backfill.md"
ROWS: Final = {RowKind.COMPANIES: [300], RowKind.USERS: [900], RowKind.EVENTS: [10_000, 2_400]}
_BLOCK: Final = re.compile(r"^<!-- run(?:: ([a-z' ]+))? -->\n```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_WAITS: Final = ("submit", "watch")
_QUICK: Final = ("--every", "20ms", "--settle", "200ms")
_VOLATILE: Final = (
    (re.compile(r"bulk:jobs:[A-Za-z0-9-]+:[0-9a-f-]{36}"), "JOB"),
    (re.compile(r"backfill-[0-9a-f]{10}-"), "backfill-RUN-"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "https://analytex.userpilot.io"),
    (re.compile(r"127\.0\.0\.1:\d+"), "analytex.userpilot.io:443"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\dZ| UTC)"), "TIME"),
    (re.compile(r" {2,}"), " "),
)
"""What differs from run to run; columns are as wide as what is in them."""
_SHOWN: Final = (
    (re.compile(r"http://127\.0\.0\.1:\d+"), "https://analytex.userpilot.io"),
    (re.compile(r"127\.0\.0\.1:\d+"), "analytex.userpilot.io:443"),
    (re.compile(r"NX-emulated"), "NX-ac54070e"),
)


@dataclass(frozen=True)
class PageBlock:
    """One block, its commands each with the lines under it, and what the API does meanwhile."""

    api: str
    commands: Sequence[tuple[str, Sequence[str]]]


def blocks(text: str) -> Iterator[PageBlock]:
    """Those of the page, in their order."""
    for api, block in _BLOCK.findall(text):
        parts = [part.splitlines() for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
        yield PageBlock(api, [(first, lines) for first, *lines in parts])


async def run(listed: Sequence[PageBlock], folder: Path) -> list[list[list[str]]]:
    """What each command of each block prints."""
    async with Emulator() as api:
        config = folder / "bridge.yaml"
        (folder / "key").write_text(DEFAULT_KEY, encoding="utf-8")
        names = {"bootstrap": "127.0.0.1:1", "group": "shop", "topic": "shop.orders"}
        config.write_text(CONFIG.format(endpoint=api.endpoint, key_file=folder / "key", **names), encoding="utf-8")
        checked_run_of(config, folder / "y25", ROWS)
        return [[await _printed(api, block.api, command, folder) for command, _ in block.commands] for block in listed]


async def _printed(api: Emulator, what: str, command: str, folder: Path) -> list[str]:
    imports = api.imports
    imports.set(missing_rows=0, polls=1)
    api.set_faults()
    match what:
        case "somebody else's job":
            imports.set(polls=3)
            imports.occupy()
            imports.set(polls=1)
        case "lost":
            api.set_faults(
                Fault(kind=FaultKind.DROP_AFTER_READING, accepts=True, count=1, path="/v1/imports"),
                Fault(kind=FaultKind.STATUS, status=502, count=1, path="/v1/imports"),
            )
        case "partial":
            imports.set(missing_rows=2)
    program, *words = shlex.split(command)
    assert program == "track-bridge"
    quick = _QUICK if words[1] in _WAITS else ()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", "from bridge.cli import main; main()", *words, *quick,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    out, _ = await process.communicate()
    return out.decode().splitlines()


def agrees(shown: Sequence[str], printed: Sequence[str]) -> bool:
    """Whether the lines say the same, apart from what differs from run to run."""
    return [_constant(line) for line in shown if line] == [_constant(line) for line in printed if line]


def _constant(line: str) -> str:
    for pattern, word in _VOLATILE:
        line = pattern.sub(word, line)
    return line.rstrip()


async def _write() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = list(blocks(text))
    with tempfile.TemporaryDirectory() as folder:
        printed = iter(await run(listed, Path(folder)))

    def again(found: re.Match[str]) -> str:
        block = next(blocks(found[0]))
        about = f"<!-- run: {block.api} -->" if block.api else "<!-- run -->"
        lines = [
            line
            for (command, _), out in zip(block.commands, next(printed), strict=True)
            for line in (f"$ {command}", *map(_shown, out))
        ]
        return "\n".join([about, "```console", *lines, "```"])

    PAGE.write_text(_BLOCK.sub(again, text), encoding="utf-8")


def _shown(line: str) -> str:
    for pattern, word in _SHOWN:
        line = pattern.sub(word, line)
    return line


if __name__ == "__main__":
    asyncio.run(_write())
