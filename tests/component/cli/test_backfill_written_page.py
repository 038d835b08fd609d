"""docs/backfill.md up to its check: every command is run, and prints what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.backfill.written_page import PAGE, run, undated

pytestmark = pytest.mark.slow(reason="runs every command of a page", seconds=9)


def test_the_commands_of_the_page_print_what_it_says(tmp_path: Path) -> None:
    ran = run(PAGE.read_text(encoding="utf-8"), tmp_path)

    assert len(ran) >= 3
    for block, printed in ran:
        for (command, said), found in zip(block.commands, printed, strict=True):
            assert undated(found) == undated(said), command
