"""What is tracked must work for everyone: no mirror, no machine and no person is written into it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REGISTRIES = (
    r"(--|\b)(extra-)?index-url[ =]+\w+:",
    r"--find-links[ =]",
    r"--trusted-host",
    r"\bpypi\.org/simple",
    r"\bfiles\.pythonhosted\.org",
    r"\bregistry\.npmjs\.org",
    r"\brepo1?\.maven\.(org|apache\.org)",
    r"\bproxy\.golang\.org",
)
MACHINES = r"(?<![\w.$}/])/(?:(?:home|Users)/(?!user\b|you\b)\w+|root)/"
"""Somebody's home; as one pattern that is no such path itself."""


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files are tracked")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    paths = [root / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and path != Path(__file__)]


def findings(paths: list[Path], *patterns: str) -> Iterator[str]:
    wanted = re.compile("|".join(patterns))
    for path in paths:
        text = path.read_bytes().decode(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if wanted.search(line):
                yield f"{path}:{number}: {line.strip()[:160]}"


def test_no_file_names_a_package_registry_by_address(tracked: list[Path]) -> None:
    assert list(findings(tracked, *REGISTRIES)) == []


def test_no_file_holds_a_path_of_one_machine(tracked: list[Path], root: Path) -> None:
    assert list(findings(tracked, MACHINES, re.escape(f"{root}/"))) == []


def test_no_lock_or_requirements_file_holds_any_address(tracked: list[Path]) -> None:
    locks = [path for path in tracked if path.parent.name == "requirements" or "lock" in path.suffix]
    assert locks
    assert list(findings(locks, r"\w+://")) == []
