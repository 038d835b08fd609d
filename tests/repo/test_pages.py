"""The pages for people who read the code name files that are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

FILE = re.compile(r"`((?:[a-z_]+/)+(?:[a-z_]+\.py)?)`")
"""A file or a folder between backticks: ``kafka/consumer/``, ``track/classify.py``."""
PAGES = ("CONTRIBUTING.md", "docs/architecture.md", "docs/testing.md", "docs/performance.md", "docs/operations.md")


def places(root: Path) -> tuple[Path, ...]:
    """What names on the pages are relative to."""
    return (root, root / "bridge", root / "tests", root / "helm" / "track-bridge")


def missing(page: str, root: Path) -> list[str]:
    """Those that are neither in the package nor in the repository."""
    return [
        name for name in sorted(set(FILE.findall(page))) if not any((place / name).exists() for place in places(root))
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str, root: Path) -> None:
    assert missing((root / page).read_text(encoding="utf-8"), root) == []


def test_every_file_that_the_newest_section_of_the_changelog_names_is_there(root: Path) -> None:
    newest = (root / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## [")[1]
    assert missing(newest, root) == []


def test_a_file_that_moved_is_missed(root: Path) -> None:
    assert missing("see `track/classify.py`, `nowhere/classify.py` and `nowhere/`", root) == [
        "nowhere/",
        "nowhere/classify.py",
    ]
