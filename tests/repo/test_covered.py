"""`make coverage` refuses what is not run without a reason, and a list of reasons that is out of date."""

from __future__ import annotations

import ast
import re
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


SLOW_ONE, OTHER_SLOW_ONE = "tests/component/test_a.py", "tests/component/test_b.py"


def test_a_file_of_tests_is_reason_enough() -> None:
    list_of_files = {SLOW_ONE: Group("", frozenset({OPEN}))}
    assert covered.complaints({OPEN}, list_of_files) == []
    assert covered.groups(covered.written({OPEN}, list_of_files)) == list_of_files


def test_who_enters_a_function_is_told_by_the_lines_that_ran_of_it_and_of_forks_the_last_one_counts() -> None:
    body = {"executed_lines": [7, 8], "missing_lines": [9]}
    contexts = {"6": [OTHER_SLOW_ONE], "7": ["", f"{OTHER_SLOW_ONE}|{SLOW_ONE}"], "8": [SLOW_ONE]}
    report = {"files": {"bridge/a/one.py": {"functions": {"Box.open": body | {"contexts": contexts}}}}}
    assert covered.entered_by(report) == {OPEN: {SLOW_ONE}}


@pytest.mark.parametrize(
    ("name", "entered", "said"),
    [
        (SLOW_ONE, {OPEN: {SLOW_ONE, OTHER_SLOW_ONE}}, None),
        (SLOW_ONE, {OPEN: {OTHER_SLOW_ONE}}, f"not entered by {SLOW_ONE}, but by {OTHER_SLOW_ONE}"),
        (SLOW_ONE, {OPEN: set[str]()}, f"not entered by {SLOW_ONE}, but by no test"),
        (
            "protocols",
            {OPEN: {SLOW_ONE}},
            f"entered by {SLOW_ONE}, and tests/uncovered.toml says of no test (protocols)",
        ),
        ("protocols", {}, None),
    ],
)
def test_what_the_list_says_is_held_against_what_all_tests_enter(
    name: str, entered: dict[str, set[str]], said: str | None
) -> None:
    listed = {name: Group("", frozenset({OPEN, GONE}))}
    assert covered.untrue({OPEN}, listed, entered) == ([] if said is None else [f"{OPEN}: {said}"])


def test_the_list_is_sorted_by_the_files_that_enter_and_by_few_of_them() -> None:
    one, two, three, none = "m.py:one", "m.py:two", "m.py:three", "m.py:none"
    entered = {one: {SLOW_ONE}, two: {SLOW_ONE, OTHER_SLOW_ONE}, three: {OTHER_SLOW_ONE, SLOW_ONE}}
    assert covered.by_files([one, two, three, none], entered) == {SLOW_ONE: {one, two, three}}

    before = {"x": Group("because", frozenset({one, none})), OTHER_SLOW_ONE: Group("", frozenset({two, one}))}
    assert covered.groups(covered.written({one, two, three, none, OPEN}, before, entered)) == {
        "unknown": Group("", frozenset({OPEN})),
        "x": Group("because", frozenset({none})),
        SLOW_ONE: Group("", frozenset({one, three})),
        OTHER_SLOW_ONE: Group("", frozenset({two})),
    }


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
    assert covered.complaints(set(), listed) == []
    for block in (block for group in listed.values() for block in group.blocks):
        file, _, name = block.partition(":")
        assert (root / file).is_file(), block
        assert name in functions(root / file), block


def is_left_out(file: Path) -> bool:
    """Whether tests of this file are no part of `make coverage`, or run with fewer examples there."""
    if file.is_relative_to(Path(covered.TESTS) / "integration"):
        return True
    marks = re.compile(r"\b(slow|timeout|given)\b")
    beside = (file, file.parent / "conftest.py")
    return any(marks.search(each.read_text(encoding="utf-8")) for each in beside if each.is_file())


def test_every_file_of_tests_that_the_list_names_is_there_and_is_left_out_of_the_everyday_run(
    root: Path, listed: dict[str, Group], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    files = [Path(name) for name in listed if name.startswith(covered.TESTS)]
    named = [Path(name) for group in listed.values() for name in re.findall(r"tests/[\w/]+(?:\.py)?", group.reason)]
    assert [path for path in named if not path.exists()] == []
    assert [file for file in files if not file.is_file()] == []
    assert [file for file in files if not is_left_out(file)] == []
