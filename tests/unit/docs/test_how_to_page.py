"""Pages for people, docs/how-to.md for one: what they tell to type is complete, and what they write loads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bridge.cli import entry
from tests.repo import named_commands
from tests.support.docs import commands
from tests.support.docs.snippets import Snippet, snippets

PAGES = ("tutorial", "how-to", "upgrading", "faq", "what-happens", "try-it")
COMMANDS = [
    pytest.param(each, id=f"{page}-line-{each.line}")
    for page in PAGES
    for each in commands.commands(
        commands.text_of(page).replace("```sh kafka", "```sh").replace("```sh playground", "```sh")
    )
    if each.program == "track-bridge"
]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_taken_by_the_parser(command: commands.Command) -> None:
    words = command.words[1:]
    if words != ["--version"]:
        named_commands.parse(words)


def test_there_are_as_many_commands_as_are_read() -> None:
    assert len(COMMANDS) > 20


@pytest.mark.parametrize("snippet", snippets(commands.DOCS / "how-to.md"), ids=lambda each: f"line-{each.line}")
def test_every_configuration_of_the_page_loads(
    snippet: Snippet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(yaml.safe_dump(snippet.configuration(tmp_path / "secret")), encoding="utf-8")
    code = entry.run(["check", "--offline", "--json", "-c", str(path)])
    assert (code, json.loads(capsys.readouterr().out)["problems"]) == (0, 0)
