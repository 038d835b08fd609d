"""docs/dead-letters.md tells the truth: from the alert to the resolution, each command prints what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.reprocess import page


@pytest.mark.slow(
    reason="runs every command of a page, and a group that was left opens after a session",
    seconds=75,
)
@pytest.mark.timeout(600)
async def test_every_command_of_the_page_prints_what_the_page_says(tmp_path: Path) -> None:
    listed = list(page.commands(page.PAGE.read_text(encoding="utf-8")))
    assert {"stats", "list", "show", "replay", "discard", "export", "import"} <= {each.words[2] for each in listed}
    for command, printed in zip(listed, await page.run(listed, tmp_path), strict=True):
        assert page.agrees(command.lines, printed), (
            f"{' '.join(command.words)} printed\n\n" + "\n".join(printed) + "\n\nWrite the page anew with: python -m "
            "tests.support.reprocess.page"
        )
