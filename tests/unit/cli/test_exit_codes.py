"""One table of exit codes: everything that tells them is made from it, and nothing else defines any."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import bridge
from bridge import exits
from bridge.cli.checks import positions, topics
from bridge.cli.exits import ExitCode, Misuse, Unreachable
from bridge.config.scalars import StartPoint
from bridge.kafka.starts import LogRange
from bridge.model import TopicPartition
from bridge.ops import reference

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
    assert reference.exit_codes() in page
    assert reference.findings() in page


@pytest.mark.parametrize("file", sorted(PACKAGE.rglob("*.py")), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_no_other_module_has_an_exit_code_of_its_own(file: Path) -> None:
    if file.name == "exits.py" and file.parent == PACKAGE:
        return
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"os._exit", "sys.exit", "SystemExit"}:
            assert not any(isinstance(each, ast.Constant) and each.value for each in node.args), node.lineno
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            assert not any(isinstance(each, ast.Name) and each.id.startswith("EXIT_") for each in targets), node.lineno


def test_what_ends_a_command_early_has_its_code_by_its_kind() -> None:
    assert Misuse("x").code is ExitCode.USAGE
    assert Unreachable("x").code is ExitCode.UNREACHABLE


def test_a_start_that_nobody_decided_and_a_topic_that_is_not_there_have_one_code() -> None:
    facts = positions.Facts({TopicPartition("t", 0): LogRange(0, 5)}, {TopicPartition("t", 0): None}, {})
    undecided = positions.standing("t", facts, StartPoint.ERROR).findings
    missing = topics.consumed(["t"], {}).findings

    assert {each.code for each in (*undecided, *missing)} == {ExitCode.USAGE}


def test_an_offset_outside_its_log_is_a_finding_and_no_mistake_of_the_configuration() -> None:
    facts = positions.Facts({TopicPartition("t", 0): LogRange(10, 50)}, {TopicPartition("t", 0): 5}, {})
    codes = {each.code for each in positions.standing("t", facts, StartPoint.EARLIEST).findings}

    assert codes == {ExitCode.OK, ExitCode.FINDINGS}
