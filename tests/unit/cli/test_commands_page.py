"""docs/commands.md is built from the commands, and its questions name such as the parser takes."""

from __future__ import annotations

import shlex
from pathlib import Path

from scripts import commands_page
from scripts.reference_tables import refreshed
from tests.repo import named_commands
from tests.support.docs import commands

PAGE = Path(__file__).parents[3] / "docs" / "commands.md"


def test_the_page_says_of_every_command_what_its_help_says() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert refreshed(text, {commands_page.BLOCK: commands_page.listed()}) == text, (
        "write it again with: make docs (or python -m scripts.commands_page docs/commands.md)"
    )
    assert [name for name in named_commands.names() if f"### `track-bridge {name}`" not in text] == [
        name for name in named_commands.names() if any(each.startswith(f"{name} ") for each in named_commands.names())
    ]


def test_every_command_among_the_questions_is_taken_by_the_parser() -> None:
    questions = PAGE.read_text(encoding="utf-8").partition("## One by one")[0]
    named = [each for each in commands.spans(questions) if each.program == "track-bridge"]
    assert len(named) > 15
    for each in named:
        named_commands.parse(shlex.split(each.text)[1:])
