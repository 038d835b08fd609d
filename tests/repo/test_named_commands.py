"""Commands that sentences name can be copied: complete, and such as the real parser takes."""

import re
import shlex
from pathlib import Path

import pytest

from bridge import commands
from bridge.commands import Invocation, Operand, command, completed
from bridge.holds import REASONS, Reason
from tests.repo import named_commands

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = list(named_commands.of_code())


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_invocation", Invocation("track-bridge", "my files/prod.yaml"))


@pytest.mark.parametrize("named", NAMED, ids=lambda named: f"{named.where} {' '.join(named.words)}")
def test_every_command_a_sentence_names_is_one_that_the_parser_takes(
    named: named_commands.Named, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_invocation", Invocation("bridge", "bridge.yaml"))
    named_commands.parse(shlex.split(command(*named.words))[1:])


def test_every_command_a_sentence_names_is_completed_when_it_is_told() -> None:
    """Use `commands.command(...)`, or `commands.completed(...)` on a text with the command between backticks."""
    assert len(NAMED) > 30
    assert [f"{each.where}: track-bridge {' '.join(each.words)}" for each in NAMED if not each.is_completed] == []


def test_no_command_is_completed_before_the_process_knows_how_it_was_called() -> None:
    """What runs when a module is imported runs before ``-c`` is read."""
    assert list(named_commands.on_import("A = f'{command()}'\ndef f(a=completed('')): ...")) == [1, 2]
    assert list(named_commands.on_import("def f(): return command()\nB = lambda: command()\n")) == []
    found = [
        f"{file.relative_to(named_commands.PACKAGE)}:{line}"
        for file in named_commands.PACKAGE.rglob("*.py")
        for line in named_commands.on_import(file.read_text(encoding="utf-8"))
    ]
    assert found == []


@pytest.mark.usefixtures("called")
def test_what_begins_with_a_dash_is_taken_for_no_option() -> None:
    said = [
        command("map", Operand("-x.ndjson"), "--topic", "t"),
        completed("`track-bridge map FILE --topic t`", FILE="-x.ndjson"),
    ]
    said[1] = said[1].strip("`")
    for line in said:
        assert line == "track-bridge map --topic t -c 'my files/prod.yaml' -- -x.ndjson"
    named_commands.parse(shlex.split(said[0])[1:])


@pytest.mark.usefixtures("called")
def test_a_command_has_the_program_and_the_configuration_it_was_called_with() -> None:
    assert command("dlq", "show", "0:17") == "track-bridge dlq show 0:17 -c 'my files/prod.yaml'"
    assert command("map", "a file", "--topic", "TOPIC") == (
        "track-bridge map 'a file' --topic TOPIC -c 'my files/prod.yaml'"
    )
    assert (
        completed("Run `track-bridge check`, or wait.") == "Run `track-bridge check -c 'my files/prod.yaml'`, or wait."
    )
    assert completed("`track-bridge dlq show ID` says why", ID="0:17").startswith("`track-bridge dlq show 0:17 -c ")


def test_without_a_configuration_given_there_is_none_to_give() -> None:
    assert command("topics", "create") == "track-bridge topics create"


@pytest.mark.usefixtures("called")
def test_what_to_do_about_a_hold_names_the_whole_command() -> None:
    assert "`track-bridge check -c 'my files/prod.yaml'`" in REASONS[Reason.NOT_JOINED].action


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_block_of_a_page_is_one_that_the_parser_takes(page: Path) -> None:
    for block in re.findall(r"```(?:sh|bash|console|shell)?\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
        joined = block.replace("\\\n", " ")
        for line in re.findall(r"^(?:\$ )?(?:track-)?bridge (.+)$", joined, re.MULTILINE):
            words = shlex.split(re.sub(r"[|>;&].*", "", line), comments=True)
            if words and not words[0].startswith("-"):
                named_commands.parse(words)
