"""What is said to be supported is one list: that of pyproject.toml. Workflow, recipes and pages have no other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.platforms import supported
from tests.platforms.root import PROCESSORS, wanted_python

RUNNERS = {"ubuntu-24.04": "amd64", "ubuntu-24.04-arm": "arm64"}
"""Of the workflow, and the processor that each has."""


@pytest.fixture(scope="module")
def rows(root: Path) -> dict[str, str]:
    """The table of docs/releasing.md, by its first column."""
    _, _, after = (root / "docs" / "releasing.md").read_text(encoding="utf-8").partition("## What is supported\n")
    found = dict(re.findall(r"^\| (\w+) \| (.*) \|$", after, re.MULTILINE))
    assert {"Python", "Linux", "macOS", "Windows"} <= found.keys()
    return found


@pytest.fixture(scope="module")
def jobs(root: Path) -> dict[str, Any]:
    workflow = yaml.safe_load((root / ".github" / "workflows" / "ci.yaml").read_text(encoding="utf-8"))
    return dict(workflow["jobs"])


def test_every_python_that_is_supported_is_tested_and_named_and_no_other(
    root: Path, rows: dict[str, str], jobs: dict[str, Any]
) -> None:
    pythons = supported.pythons()
    assert jobs["everything"]["strategy"]["matrix"]["python"] == pythons
    assert rows["Python"].split(", ") == pythons
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"tests on Python {pythons[0]} to {pythons[-1]}" in changelog
    page = (root / "docs" / "releasing.md").read_text(encoding="utf-8")
    assert f"everything of CI on Python {pythons[0]} to {pythons[-1]} and on both processors" in page


def test_what_may_install_the_package_is_what_is_supported(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == f">={supported.pythons()[0]}"


def test_whoever_prepares_a_checkout_finds_every_python_that_is_supported(root: Path) -> None:
    tried = re.findall(r"python(3\.\d+)", (root / "scripts" / "bootstrap").read_text(encoding="utf-8"))
    assert set(supported.pythons()) <= set(tried)


def test_the_image_has_a_python_that_is_supported() -> None:
    assert wanted_python() in supported.pythons()


def test_both_processors_are_tested_published_and_named(root: Path, rows: dict[str, str], jobs: dict[str, Any]) -> None:
    assert {RUNNERS[runner] for runner in jobs["everything"]["strategy"]["matrix"]["runner"]} == PROCESSORS.keys()
    published = (root / ".github" / "workflows" / "release.yaml").read_text(encoding="utf-8")
    platforms = ",".join(f"linux/{processor}" for processor in PROCESSORS)
    assert f"platforms: {platforms}\n" in published
    assert rows["Linux"].startswith(f"on {' and '.join(PROCESSORS)}, ")


def test_only_what_is_tested_is_claimed_of_systems(rows: dict[str, str]) -> None:
    claimed = set(supported.systems())
    assert claimed == {name for name in ("Linux", "macOS", "Windows") if not rows[name].startswith("not ")}


def test_nothing_is_published_that_the_workflow_did_not_test_on_macos(root: Path, jobs: dict[str, Any]) -> None:
    """As the page says of it."""
    assert jobs["macos"]["runs-on"].startswith("macos-")
    assert [step["run"] for step in jobs["macos"]["steps"] if "run" in step] == ["make demo", "make test-quick"]
    release = yaml.safe_load((root / ".github" / "workflows" / "release.yaml").read_text(encoding="utf-8"))["jobs"]
    assert release["ci"]["uses"] == "./.github/workflows/ci.yaml"
    assert release["build"]["needs"] == "ci"
    without = [name for name in release if name not in {"ci", "build"} and "build" not in _needed(release, name)]
    assert without == []


def _needed(jobs: dict[str, Any], name: str) -> set[str]:
    asked = jobs[name].get("needs", [])
    direct = {asked} if isinstance(asked, str) else set(asked)
    return direct.union(*(_needed(jobs, other) for other in direct))
