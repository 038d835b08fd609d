"""Every event the operations page lists is logged by the service, and by a test that makes it happen."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

EVENTS = "bridge/ops/log/events.py"
NOT_EVENTS = {"tick"}


def events_of(root: Path) -> list[str]:
    [events] = [
        node
        for node in ast.parse((root / EVENTS).read_text()).body
        if isinstance(node, ast.ClassDef) and node.name == "Events"
    ]
    names = [node.name for node in events.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    return [name for name in names if name not in NOT_EVENTS]


def calls_of_events(root: Path) -> set[str]:
    """Names called on something called events: ``self._events.held(…)``, ``parts.events.stopped(…)``."""
    found = set()
    for path in (root / "bridge").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                on = ast.unparse(node.func.value)
                if on.endswith("events"):
                    found.add(node.func.attr)
    return found


def told(root: Path) -> dict[str, list[str]]:
    """By event: the tests that look for it in what a running service logged."""
    found: dict[str, list[str]] = {}
    for tier in ("component", "integration"):
        for path in (root / "tests" / tier).rglob("test_*.py"):
            for name in re.findall(r"\bevents\(\s*\"(\w+)\"", path.read_text()):
                found.setdefault(name, []).append(str(path.relative_to(root)))
    return found


def test_every_event_has_a_place_that_logs_it(root: Path) -> None:
    assert set(events_of(root)) <= calls_of_events(root)


def test_every_event_is_made_to_happen_by_a_test_that_runs_the_service(root: Path) -> None:
    seen = told(root)
    assert [name for name in events_of(root) if name not in seen] == []


@pytest.mark.parametrize("event", ["held", "lost", "assigned", "released"])
def test_the_poll_thread_leaves_what_the_event_log_says_to_the_event_log(root: Path, event: str) -> None:
    """One line for each thing that happens: these reach the log by `Consumption`."""
    for path in (root / "bridge" / "kafka").rglob("*.py"):
        text = path.read_text()
        assert not re.search(rf"logger\.\w+\(\s*(?:\w+, )?\"{event}\b", text), path
