"""`make coverage` refuses what is not run without a reason, and a list of reasons that is out of date."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from scripts import covered
from scripts.covered import Group


def function(*missing: int, executed: tuple[int, ...] = ()) -> dict[str, Any]:
    return {"missing_lines": list(missing), "executed_lines": list(executed)}


REPORT: dict[str, Any] = {
    "files": {
        "bridge/a/one.py": {
            "summary": {
                "covered_lines": 6,
                "num_statements": 10,
                "covered_branches": 1,
                "num_branches": 4,
                "missing_lines": 4,
                "missing_branches": 3,
            },
            "missing_lines": [4, 5, 6, 9],
            "missing_branches": [[5, 6], [7, -3], [20, 22]],
            "functions": {
                "": function(),
                "Box.open": function(4, 5, 6),
                "Box.half": function(9, executed=(7,)),
                "closed": function(executed=(20, 22)),
            },
        }
    }
}
OPEN, GONE = "bridge/a/one.py:Box.open", "bridge/a/one.py:gone"


def listing(*blocks: str, reason: str = "because") -> dict[str, Group]:
    return {"x": Group(reason, frozenset(blocks))}


def test_a_function_of_which_no_line_ran_needs_a_reason() -> None:
    found = covered.never_entered(REPORT)
    assert found == {OPEN}
    assert covered.complaints(found, listing(OPEN)) == []
    assert covered.complaints(found, listing(GONE)) == [f"{OPEN}: never entered, and not in tests/uncovered.toml"]
    assert covered.complaints(found, listing(OPEN, reason=" ")) == ["x: give a reason in tests/uncovered.toml"]


def test_a_function_of_the_list_that_is_entered_by_now_is_told() -> None:
    assert covered.notes({OPEN}, listing(OPEN, GONE)) == [f"{GONE}: entered by now"]


def test_lines_that_did_not_run_are_told_and_branches_from_lines_that_did() -> None:
    assert covered.left_out(REPORT) == ["bridge/a/one.py: 4-6, 9, 7->exit, 20->22"]


def test_what_is_written_keeps_the_reasons_and_asks_for_one_where_something_is_new() -> None:
    again = covered.groups(covered.written({OPEN, "new.py:f"}, listing(OPEN, GONE, reason='it "is"')))
    assert again == {"unknown": Group("", frozenset({"new.py:f"})), **listing(OPEN, reason='it "is"')}


def test_the_table_has_a_line_for_each_package_and_one_for_all() -> None:
    assert [line.split() for line in covered.table(REPORT).splitlines()[1:]] == [
        ["bridge/a", "60.0", "%", "25.0", "%", "7"],
        ["all", "60.0", "%", "25.0", "%", "7"],
    ]


def functions(file: Path) -> set[str]:
    """Of a module by their full names, as a report has them; "" is the module."""
    found = {""}

    def look(node: ast.AST, before: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = before
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{before}.{child.name}".lstrip(".")
                if not isinstance(child, ast.ClassDef):
                    found.add(name)
            look(child, name)

    look(ast.parse(file.read_text(encoding="utf-8")), "")
    return found


@pytest.fixture(scope="module")
def listed(root: Path) -> dict[str, Group]:
    return covered.groups((root / covered.LIST).read_text(encoding="utf-8"))


def test_every_block_of_the_list_is_there_with_a_reason(root: Path, listed: dict[str, Group]) -> None:
    assert [name for name, group in listed.items() if not group.reason.strip()] == []
    for block in (block for group in listed.values() for block in group.blocks):
        file, _, name = block.partition(":")
        assert (root / file).is_file(), block
        assert name in functions(root / file), block
