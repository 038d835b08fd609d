"""Counts, spans and times are written in `bridge.text` alone, so that one reads the same in every command."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

_HOT_PATH = {"mapping/expressions/instants.py"}
"""Writes times for requests, whose form is the user's, at a cost that is counted."""
_IN_SECONDS = {"mapping/routes/plan.py", "mapping/review/explain.py", "ops/health.py"}
"""Say an age beside its limit to the second: two units would not show which is larger."""
_SECONDS = re.compile(r" ?(s|seconds)\b")


def _modules(root: Path, excepted: set[str], having: str = "") -> Iterator[tuple[Path, ast.Module]]:
    """Those whose text has what is looked for: to parse all of them takes seconds."""
    package = root / "bridge"
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        if not name.startswith("text/") and name not in excepted:
            source = path.read_text(encoding="utf-8")
            if re.search(having, source):
                yield path, ast.parse(source)


def _spec(value: ast.expr) -> str:
    if not isinstance(value, ast.FormattedValue) or value.format_spec is None:
        return ""
    return "".join(str(each.value) for each in ast.walk(value.format_spec) if isinstance(each, ast.Constant))


def test_times_are_written_in_one_place(root: Path) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in _modules(root, _HOT_PATH, "isoformat|strftime")
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"isoformat", "strftime"}
    ]
    assert found == [], "bridge.text.moments writes them"


def test_thousands_are_separated_in_one_place(root: Path) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in _modules(root, set())
        for node in ast.walk(tree)
        if isinstance(node, ast.FormattedValue) and "," in _spec(node)
    ]
    assert found == [], "bridge.text.amounts.thousands does"


def test_spans_are_written_in_one_place(root: Path) -> None:
    found = [
        f"{path}:{string.lineno}"
        for path, tree in _modules(root, _IN_SECONDS, r"\.0f")
        for string in ast.walk(tree)
        if isinstance(string, ast.JoinedStr)
        for value, after in pairwise(string.values)
        if _spec(value).endswith(".0f") and isinstance(after, ast.Constant) and _SECONDS.match(str(after.value))
    ]
    assert found == [], "bridge.text.amounts.span does"


def test_plurals_are_made_in_one_place(root: Path) -> None:
    found = [
        f"{path}:{node.lineno}"
        for path, tree in _modules(root, set(), '"s"')
        for node in ast.walk(tree)
        if isinstance(node, ast.IfExp)
        and {each.value for each in (node.body, node.orelse) if isinstance(each, ast.Constant)} == {"", "s"}
    ]
    assert found == [], "bridge.text.amounts.plural does"


@pytest.mark.parametrize("name", sorted(_HOT_PATH | _IN_SECONDS))
def test_what_is_excepted_is_there(root: Path, name: str) -> None:
    assert (root / "bridge" / name).exists()
