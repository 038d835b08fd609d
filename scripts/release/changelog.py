"""CHANGELOG.md with a version made of what was unreleased, and what it says of one version. Pure."""

from __future__ import annotations

import re
from typing import Final

from scripts.release.problem import ReleaseProblemError

_UNRELEASED: Final = "## [Unreleased]"
_SECTION: Final = re.compile(r"^## \[([^\]]+)\](?: - (\d{4}-\d\d-\d\d))?$", re.MULTILINE)


def released(text: str, version: str, day: str) -> str:
    """The changelog with an empty Unreleased, and under it `version` of `day` (``2026-11-30``) with what that had.

    Raises `ReleaseProblemError` where nothing is unreleased, or the version is there already.
    """
    if version in versions(text):
        raise ReleaseProblemError(f"CHANGELOG.md has a section [{version}] already")
    if not notes(text, "Unreleased"):
        raise ReleaseProblemError("CHANGELOG.md has nothing under [Unreleased]: a release tells what changed")
    return text.replace(f"{_UNRELEASED}\n", f"{_UNRELEASED}\n\n## [{version}] - {day}\n", 1)


def versions(text: str) -> list[str]:
    """Of all sections, in their order, without Unreleased."""
    return [found[1] for found in _SECTION.finditer(text) if found[1] != "Unreleased"]


def notes(text: str, version: str) -> str:
    """What the section of this version holds. Raises `ReleaseProblemError` where there is no such section."""
    sections = list(_SECTION.finditer(text))
    for section, after in zip(sections, [*sections[1:], None], strict=True):
        if section[1] == version:
            return text[section.end() : after.start() if after else len(text)].strip()
    raise ReleaseProblemError(f"CHANGELOG.md has no section [{version}]")
