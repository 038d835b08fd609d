"""docs/backfill.md tells the truth: each command of "Submit" and "Verify" prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backfill import page


@pytest.mark.slow(reason="runs every command of a page", seconds=14)
@pytest.mark.timeout(300)
async def test_every_command_of_the_page_prints_what_the_page_says(tmp_path: Path) -> None:
    listed = list(page.blocks(page.PAGE.read_text(encoding="utf-8")))
    words = {command.split()[2] for block in listed for command, _ in block.commands}
    assert {"submit", "status", "verify"} <= words
    for block, printed in zip(listed, await page.run(listed, tmp_path), strict=True):
        for (command, lines), out in zip(block.commands, printed, strict=True):
            assert page.agrees(lines, out), (
                f"{command} printed\n\n" + "\n".join(out) + "\n\nWrite the page anew with: python -m "
                "tests.support.backfill.page"
            )
