"""What is tracked must work for everyone: no mirror, no machine and no person is written into it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

REGISTRIES = {
    "index-url": r"(--|\b)(extra-)?index-url[ =]+\w+:",
    "--find-links": r"--find-links[ =]",
    "--trusted-host": r"--trusted-host",
    "pypi.org": r"\bpypi\.org/simple",
    "files.pythonhosted": r"\bfiles\.pythonhosted\.org",
    "registry.npmjs": r"\bregistry\.npmjs\.org",
    ".maven.": r"\brepo1?\.maven\.(org|apache\.org)",
    "proxy.golang": r"\bproxy\.golang\.org",
}
"""Patterns, each with a text that whatever it finds holds: nearly all files are done with at once by that."""
MACHINES = dict.fromkeys(("/home", "/Users", "/root"), r"(?<![\w.$}/])/(?:(?:home|Users)/(?!user\b|you\b)\w+|root)/")
"""Somebody's home; as one pattern that is no such path itself."""


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[Path]:
    if not (root / ".git").exists():
        pytest.skip("not a git checkout: nothing says which files are tracked")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout
    paths = [root / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file() and path != Path(__file__)]


def findings(paths: list[Path], patterns: Mapping[str, str]) -> Iterator[str]:
    for path in paths:
        text = path.read_bytes().decode(errors="replace")
        possible = {pattern for held, pattern in patterns.items() if held in text}
        if not possible:
            continue
        wanted = re.compile("|".join(sorted(possible)))
        for number, line in enumerate(text.splitlines(), 1):
            if wanted.search(line):
                yield f"{path}:{number}: {line.strip()[:160]}"


def test_no_file_names_a_package_registry_by_address(tracked: list[Path]) -> None:
    assert list(findings(tracked, REGISTRIES)) == []


def test_no_file_holds_a_path_of_one_machine(tracked: list[Path], root: Path) -> None:
    assert list(findings(tracked, MACHINES | {str(root): re.escape(f"{root}/")})) == []


def test_no_lock_or_requirements_file_holds_any_address(tracked: list[Path]) -> None:
    locks = [path for path in tracked if path.parent.name == "requirements" or "lock" in path.suffix]
    assert locks
    assert list(findings(locks, {"://": r"\w+://"})) == []


@pytest.mark.parametrize(
    ("line", "patterns"),
    [
        ("pip install --index-url https:" + "//x", REGISTRIES),
        ("PIP_EXTRA_INDEX_URL; extra-index-url = https:" + "//x", REGISTRIES),
        ("--find-links" + " /x", REGISTRIES),
        ("--trusted" + "-host x", REGISTRIES),
        ("https://pypi" + ".org/simple", REGISTRIES),
        ("https://files.python" + "hosted.org/x", REGISTRIES),
        ("https://registry" + ".npmjs.org/x", REGISTRIES),
        ("https://repo1" + ".maven.org/x", REGISTRIES),
        ("https://repo" + ".maven.apache.org/x", REGISTRIES),
        ("https://proxy" + ".golang.org", REGISTRIES),
        ("see /home" + "/ada/x", MACHINES),
        ("see /Users" + "/ada/x", MACHINES),
        ("see /root" + "/x", MACHINES),
    ],
)
def test_each_of_them_would_be_found(line: str, patterns: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "a").write_text(f"first\n{line}\n")
    (found,) = findings([tmp_path / "a"], patterns)
    assert f":2: {line}" in found
