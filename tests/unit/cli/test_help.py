"""The whole tree of commands: each helps with examples that can be typed, and with the codes it may end with."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer

from bridge import exits
from bridge.backfill.manifest import BackfillSettings, PlannedRange, PlannedTopic
from bridge.backfill.planning.cluster import HistoryCluster
from bridge.backfill.planning.plan import manifest_of
from bridge.backfill.run_directory import RunDirectory
from bridge.cli.app import app
from bridge.cli.frame import startup
from bridge.cli.frame.help import about_of
from bridge.exits import ExitCode
from tests.support.backfill.runs import begun_run_of, checked_run_of
from tests.unit.cli.conftest import Cli

ROOT: Final = typer.main.get_command(app)


def _tree(group: Any = ROOT, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield above
    for name, each in getattr(group, "commands", {}).items():
        yield from _tree(each, (*above, name))


def _named(path: tuple[str, ...]) -> Any:
    command: Any = ROOT
    for name in path:
        command = command.commands[name]
    return command


ALL: Final = list(_tree())
COMMANDS: Final = [path for path in ALL if not hasattr(_named(path), "commands")]
each_of_all = pytest.mark.parametrize("path", ALL, ids=lambda path: " ".join(path) or "track-bridge")
each_command = pytest.mark.parametrize("path", COMMANDS, ids=" ".join)


def _help(cli: Cli, path: tuple[str, ...]) -> str:
    ran = cli(*path, "--help")
    assert (ran.code, ran.err) == (0, "")
    return ran.out


def _section(text: str, title: str) -> list[str]:
    _, found, rest = text.partition(f"\n{title}:\n")
    assert found, f"there is no section {title}"
    return rest.partition("\n\n")[0].splitlines()


def _parsed(line: str) -> tuple[str, ...]:
    """The command that a line calls, with all of its options understood; raises what the parser does."""
    words = shlex.split(line.partition(" > ")[0])
    assert words[0] == "track-bridge"
    context: Any = ROOT.make_context("track-bridge", words[1:])
    path: list[str] = []
    while hasattr(context.command, "commands"):
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        path.append(name)
        context = command.make_context(name, rest, parent=context)
    return tuple(path)


@each_of_all
def test_every_help_has_an_example_that_can_be_typed(cli: Cli, path: tuple[str, ...]) -> None:
    lines = [line.strip() for line in _section(_help(cli, path), "Examples")]
    examples = [line for line in lines if not line.startswith("# ")]

    assert examples
    assert len({line for line in lines if line.startswith("# ")}) >= 1, "it is not said what they do"
    for example in examples:
        assert _parsed(example)[: len(path)] == path


@each_command
def test_every_help_tells_the_codes_the_command_may_end_with_and_no_others(cli: Cli, path: tuple[str, ...]) -> None:
    text = " ".join(" ".join(_section(_help(cli, path), "Exit codes")).split())
    said = about_of(_named(path))
    expected = exits.of(said.findings, said.unreachable)

    assert text == " ".join(f"{int(code)} {meaning.replace('`', '')}" for code, meaning in expected.items())
    assert (ExitCode.FINDINGS in expected) == (said.findings is not None)
    assert (ExitCode.UNREACHABLE in expected) == (said.unreachable is not None)


@pytest.mark.parametrize("path", [path for path in ALL if path not in COMMANDS], ids=lambda path: " ".join(path) or "-")
def test_the_help_of_a_group_tells_every_code(cli: Cli, path: tuple[str, ...]) -> None:
    codes = [line.split()[0] for line in _section(_help(cli, path), "Exit codes") if line.strip()[0].isdigit()]

    assert codes == [str(int(code)) for code in ExitCode]


@pytest.mark.parametrize("columns", [80, 200])
@each_of_all
def test_every_help_fits_80_columns_with_nothing_cut_off(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr("bridge.cli.entry._program_name", lambda: "track-bridge")  # the longer of its two names
    text = _help(cli, path)

    assert [line for line in text.splitlines() if len(line) > 80] == []
    assert not re.search(r"^  [a-z-]+ .*\.\.\.$", text, re.MULTILINE), "a command's description is cut"
    assert not re.search(r"<(int|str|list|float|path)\b|range>", text), "Python's name of a type is shown"
    assert "[[" not in text, "a name has the brackets that the parser writes"


def _takes_config(path: tuple[str, ...]) -> bool:
    return any(each.name == "config" for each in _named(path).params)


@pytest.mark.parametrize("path", [path for path in COMMANDS if _takes_config(path)], ids=" ".join)
def test_the_configuration_may_be_named_before_and_after_a_command(path: tuple[str, ...]) -> None:
    line = next(line for _, line in about_of(_named(path)).examples if _parsed(f"track-bridge {line}"))
    words = [word for word in shlex.split(line) if word not in {"-c", "bridge.yaml"}]
    for place in range(len(path) + 1):
        context: Any = ROOT.make_context("track-bridge", [*words[:place], "-c", "mine.yaml", *words[place:]])
        while hasattr(context.command, "commands"):
            name, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
            context = command.make_context(name, rest, parent=context)
        assert context.params["config"] == Path("mine.yaml"), place


PRINTS_NO_RESULT: Final = {"run", "console", "playground", "top", "dlq export"}
"""The first three print a log, the fourth a screen, the last lines of JSON anyway."""


@each_command
def test_every_command_that_prints_results_prints_them_as_json_on_request(path: tuple[str, ...]) -> None:
    options = {name for each in _named(path).params for name in each.opts}

    assert ("--json" in options) == (" ".join(path) not in PRINTS_NO_RESULT)


def test_two_configurations_are_refused(cli: Cli) -> None:
    ran = cli("--config", "one.yaml", "dlq", "-c", "two.yaml", "list")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "--config is given twice, as one.yaml and as two.yaml: give the one that is meant.\n"


@pytest.mark.parametrize("path", [path for path in COMMANDS if not _takes_config(path)], ids=" ".join)
def test_a_command_that_reads_no_configuration_says_so(cli: Cli, path: tuple[str, ...]) -> None:
    ran = cli("-c", "mine.yaml", *path)

    assert (ran.code, ran.err) == (2, f"track-bridge {path[0]} reads no configuration: leave --config out.\n")


UNANSWERED: Final = {
    "init": "init --brokers 127.0.0.1:1 --topics shop.orders --output {file}.yaml",
    "check": "check",
    "map": "map --from-topic",
    "explain": "explain shop.orders/0/1",
    "send": "send --file {file} --yes",
    "status": "status --url http://127.0.0.1:1",
    "tap": "tap --url http://127.0.0.1:1",
    "hold": "hold shop.orders --reason test --yes",
    "pause": "pause shop.orders --for 15m --reason test --yes",
    "release": "release shop.orders --yes",
    "resume": "resume shop.orders --yes",
    "topics create": "topics create --dry-run",
    "offsets show": "offsets show",
    "offsets set": "offsets set shop.orders --to earliest --dry-run",
    "backfill plan": "backfill plan {folder} --cut",
    "backfill write": "backfill write {run}",
    "backfill submit": "backfill submit {checked} --no-canary --yes --every 1ms",
    "backfill watch": "backfill watch {begun} --every 1ms",
    "backfill verify": "backfill verify {begun} --timeout 1ms",
    "dlq stats": "dlq stats",
    "dlq list": "dlq list",
    "dlq show": "dlq show 0:1",
    "dlq replay": "dlq replay --dry-run",
    "dlq discard": "dlq discard 0:1 --because test --yes",
    "dlq export": "dlq export",
    "dlq import": "dlq import {file} --note test --yes",
}
"""Of each command that ends with 3, a line to type where nothing answers."""
_TOLD_ELSEWHERE: Final = {"run", "selftest", "console", "emulator"}
"""They have tests of their own: the first two take their time before they give up, the console shows what is down, and
the emulator asks for an address that another has."""


def test_every_command_that_may_end_with_3_is_tried_where_nothing_answers() -> None:
    ending = {" ".join(path) for path in COMMANDS if about_of(_named(path)).unreachable is not None}
    assert set(UNANSWERED) | _TOLD_ELSEWHERE == ending


def _planned(folder: Path, config: str) -> Path:
    """A run directory that was planned with this configuration."""
    start = startup.load(Path(config))
    ranges = [PlannedRange("shop.orders", 0, 0, 10, "all of it")]
    cluster = HistoryCluster("", {"shop.orders": PlannedTopic("", 1)}, (), {})
    directory = RunDirectory(folder)
    with directory.created():
        directory.save(manifest_of(start.config, start.mapping, cluster, ranges, BackfillSettings(), cut=False))
    return folder


@pytest.mark.parametrize("line", UNANSWERED.values(), ids=list(UNANSWERED))
def test_a_command_that_gets_no_answer_ends_with_3(
    cli: Cli, config: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr(startup, "PATIENCE", 0.2)
    path = config("https://analytex.userpilot.io", "https://127.0.0.1:1")
    file = tmp_path / "input"
    file.write_text('{"version": 1, "id": "0:1", "record_sha256": "", "key": null, "value": null, "headers": []}\n')
    runs = {
        "run": _planned(tmp_path / "planned", path),
        "checked": checked_run_of(Path(path), tmp_path / "checked").path,
        "begun": begun_run_of(Path(path), tmp_path / "begun").path,
    }
    words = shlex.split(line.format(file=file, folder=tmp_path / "run", **runs))
    ran = cli(*words, *([] if words[0] in {"status", "tap", "init"} else ["-c", path]))

    assert ran.code == ExitCode.UNREACHABLE, ran
