"""One table of exit codes: everything that tells them is made from it, and nothing else defines any."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import bridge
from bridge import exits
from bridge.cli.checks import findings, offsets, topics
from bridge.config.keys.scalars import StartPoint
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.model import LogRange, TopicPartition
from scripts import reference_tables
from tests.unit.cli.conftest import Cli

PACKAGE = Path(bridge.__file__).parent
README = PACKAGE.parent / "README.md"


def test_every_code_has_one_meaning() -> None:
    assert list(exits.MEANINGS) == list(ExitCode)
    assert len(set(exits.MEANINGS.values())) == len(ExitCode)


def test_the_readme_repeats_the_table() -> None:
    """So does every command's help: see test_help."""
    assert f"Exit codes: {exits.sentence()}.\n" in README.read_text(encoding="utf-8")


def test_the_operations_page_repeats_the_table() -> None:
    page = (PACKAGE.parent / "docs/operations.md").read_text(encoding="utf-8")
    assert reference_tables.exit_codes() in page
    assert reference_tables.findings() in page
    assert reference_tables.kinds() in page


def test_each_kind_of_finding_has_a_code_of_its_own_whose_tens_are_the_plain_one() -> None:
    entries = list(exits.KINDS.values())
    assert list(exits.KINDS) == list(exits.FindingKind)
    assert [each.detailed // 10 for each in entries] == [int(each.code) for each in entries]
    detailed = [each.detailed for each in entries]
    assert detailed == sorted(set(detailed)), "from the mildest to the gravest"
    assert not set(detailed) & set(ExitCode)


@pytest.mark.parametrize("gravest", exits.FindingKind)
def test_of_several_kinds_the_gravest_counts_in_either_way_to_end(gravest: exits.FindingKind) -> None:
    upto = list(exits.FindingKind)[: list(exits.FindingKind).index(gravest) + 1]
    found = [findings.ok("x"), *(findings.Finding(findings.Level.PROBLEM, "x", "y", kind) for kind in upto)]
    for order in (found, found[::-1]):
        areas = [findings.Area("one", order[:1]), findings.Area("two", order[1:])]
        assert findings.exit_code(areas) is exits.KINDS[gravest].code
        assert findings.detailed_exit_code(areas) == exits.KINDS[gravest].detailed


_EXAMPLE = """\
  examples:
    - name: a purchase
      input: {type: order.completed, data: {user_id: u-1, amount: 3}}
      expect: {event_name: Something Else, user_id: u-1}
"""


@pytest.mark.parametrize(
    ("old", "new", "plain", "detailed"),
    [
        ("", "", 0, 0),
        ("  group_id: test", "  group_id: test\n  properties: {socket.timeout.ms: 10s}", 0, 4),
        ("    audit.*: drop\n", f"    audit.*: drop\n{_EXAMPLE}", 0, 5),
        ("topic: test.dlq", "tropic: test.dlq", 2, 22),
        ("  group_id: test", "  group_id: test\n  properties: {fetch.max.bytes: 9, message.max.bytes: 2000}", 2, 22),
    ],
)
@pytest.mark.parametrize("form", [(), ("--json",)])
def test_what_check_finds_offline_ends_with_the_code_of_its_kind(
    cli: Cli, config: Callable[..., str], old: str, new: str, plain: int, detailed: int, form: tuple[str, ...]
) -> None:
    path = config(old, new)
    assert cli("check", "--offline", *form, "-c", path).code == plain
    assert cli("check", "--offline", "--detailed-exit-code", *form, "-c", path).code == detailed


def test_a_failing_example_is_named_with_what_differs(cli: Cli, config: Callable[..., str]) -> None:
    ran = cli("check", "--offline", "-c", config("    audit.*: drop\n", f"    audit.*: drop\n{_EXAMPLE}"))
    assert "Example 'a purchase' fails: " in ran.out
    assert "Something Else" in ran.out


def of_its_own(source: str) -> Iterator[int]:
    """Lines in which a module ends with a number, or gives one a name."""
    if "exit" not in source.lower():  # every name that is looked for has it
        return
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call() if ast.unparse(node.func) in {"os._exit", "sys.exit", "SystemExit"}:
                is_one = any(isinstance(each, ast.Constant) and each.value for each in node.args)
            case ast.Assign() | ast.AnnAssign():
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                is_one = any(isinstance(each, ast.Name) and each.id.startswith("EXIT_") for each in targets)
            case _:
                continue
        if is_one:
            yield node.lineno


def test_no_other_module_has_an_exit_code_of_its_own() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if file != PACKAGE / "exits.py"]
    found = {file: [*of_its_own(file.read_text(encoding="utf-8"))] for file in files}
    assert {str(file.relative_to(PACKAGE)): lines for file, lines in found.items() if lines} == {}
    assert [*of_its_own("import sys\nEXIT_BUSY = 4\nsys.exit(4)\nsys.exit()\n")] == [2, 3]


def test_what_ends_a_command_early_has_its_code_by_its_kind() -> None:
    assert Misuse("x").exit_code is ExitCode.USAGE
    assert Unreachable("x").exit_code is ExitCode.UNREACHABLE


def test_a_start_that_nobody_decided_and_a_topic_that_is_not_there_have_one_code() -> None:
    facts = offsets.TopicOffsets({TopicPartition("t", 0): LogRange(0, 5)}, {TopicPartition("t", 0): None}, {})
    undecided = offsets.judge("t", facts, StartPoint.ERROR).findings
    missing = topics.consumed(["t"], {}).findings

    assert {each.code for each in (*undecided, *missing)} == {ExitCode.USAGE}


def test_an_offset_outside_its_log_is_a_finding_and_no_mistake_of_the_configuration() -> None:
    facts = offsets.TopicOffsets({TopicPartition("t", 0): LogRange(10, 50)}, {TopicPartition("t", 0): 5}, {})
    codes = {each.code for each in offsets.judge("t", facts, StartPoint.EARLIEST).findings}

    assert codes == {ExitCode.OK, ExitCode.FINDINGS}
