"""The rooms of the code stay rooms: no circle of imports, no crowded folder, no class name for two things.

That imports point down from room to room is checked by import-linter (`lint-imports`). It does not follow imports for
annotations (`TYPE_CHECKING`) within a room: two modules that only name each other's classes are one idea in two files.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

MOST_MODULES = 16


@pytest.fixture(scope="module")
def modules(root: Path) -> dict[str, Path]:
    """Every module of the program, packages included, by its name."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (root / "bridge").rglob("*.py")
    }


def imported(source: str, modules: Mapping[str, Path]) -> Iterator[str]:
    """The modules of the program that this source imports, wherever it does: for annotations and in functions, too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.module in modules:
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                yield module if module in modules else node.module


def circles(graph: Mapping[str, frozenset[str]]) -> set[frozenset[str]]:
    """The groups of modules that reach each other."""

    def reach(start: str) -> frozenset[str]:
        seen: set[str] = set()
        ahead = list(graph[start])
        while ahead:
            module = ahead.pop()
            if module not in seen:
                seen.add(module)
                ahead.extend(graph[module])
        return frozenset(seen)

    reached = {module: reach(module) for module in graph}
    return {
        frozenset(other for other in there if module in reached[other])
        for module, there in reached.items()
        if module in there
    }


def test_a_circle_is_found_whatever_kind_of_import_closes_it() -> None:
    modules = dict.fromkeys(("bridge", "bridge.a", "bridge.b", "bridge.c"), Path())
    sources = {
        "bridge": "",
        "bridge.a": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from bridge.b import B",
        "bridge.b": "from bridge import a, c",
        "bridge.c": "def later():\n    import bridge",
    }
    graph = {name: frozenset(imported(source, modules)) for name, source in sources.items()}
    assert circles(graph) == {frozenset({"bridge.a", "bridge.b"})}


def test_no_modules_import_each_other(modules: dict[str, Path]) -> None:
    graph = {name: frozenset(imported(path.read_text(encoding="utf-8"), modules)) for name, path in modules.items()}
    assert [sorted(circle) for circle in circles(graph)] == []


def test_no_folder_has_more_modules_than_one_can_look_over(root: Path) -> None:
    counts = Counter(
        path.parent.relative_to(root).as_posix()
        for path in (root / "bridge").rglob("*.py")
        if path.name != "__init__.py"
    )
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_a_class_name_is_one_thing_private_ones_too(modules: Mapping[str, Path]) -> None:
    places: dict[str, list[str]] = {}
    for module, path in modules.items():
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name.lstrip("_"), []).append(f"{module}.{node.name}")
    assert [found for found in places.values() if len(found) > 1] == []
