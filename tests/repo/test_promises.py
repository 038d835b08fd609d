"""The pages that make promises name the tests that show them, and those tests exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PAGES = ("docs/guarantees.md", "docs/security.md")
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ANYTHING_LIKE_ONE = re.compile(r"tests/[\w/.:]+")


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("page", PAGES)
def test_every_test_a_page_names_exists(root: Path, page: str) -> None:
    named = NAMED.findall((root / page).read_text())
    assert len(named) > 10
    missing = []
    for file, test in named:
        path = root / file
        if not path.is_file() or (test and test not in functions_of(path)):
            missing.append(f"{file}::{test}" if test else file)
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_no_test_is_named_in_a_way_that_escapes_the_check(root: Path, page: str) -> None:
    text = (root / page).read_text()
    assert len(ANYTHING_LIKE_ONE.findall(text)) == len(NAMED.findall(text))


def test_every_promise_of_the_readme_has_its_chapter(root: Path) -> None:
    readme = (root / "README.md").read_text().partition("## What it promises")[2].partition("\n## ")[0]
    promises = re.findall(r"^- \*\*(.+?)\.?\*\*", readme, re.MULTILINE)
    chapters = re.findall(r"^## \d\. (.+)$", (root / "docs" / "guarantees.md").read_text(), re.MULTILINE)
    assert len(promises) == 8
    assert chapters == promises


def test_every_promise_of_the_readme_has_its_limit_in_the_table_before_the_chapters(root: Path) -> None:
    text = (root / "docs" / "guarantees.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| \*\*(.+?)\.?\*\*", text.partition("\n## ")[0], re.MULTILINE)
    assert table == re.findall(r"^## \d\. (.+)$", text, re.MULTILINE)
