"""A release is made of one commit, the same twice, and publishes nothing that it did not say."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.release import builds, changelog, pages, published_chart, versions
from scripts.release.problem import ReleaseProblemError

LOG = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- a thing\n\n## [0.1.0] - 2026-01-02\n\n- the first\n"
IN_WORKFLOWS = re.compile(r"\bmake ((?:[a-z][a-z-]*\s?)+)")


@pytest.fixture(scope="module")
def files(root: Path) -> dict[str, str]:
    return {name: (root / name).read_text(encoding="utf-8") for name in versions.FILES}


@pytest.fixture(scope="module")
def workflows(root: Path) -> dict[str, dict[str, Any]]:
    return {
        file.name: yaml.safe_load(file.read_text(encoding="utf-8"))
        for file in (root / ".github" / "workflows").glob("*.yaml")
    }


def test_every_place_has_the_same_version_and_gets_the_next_one(files: dict[str, str]) -> None:
    after = versions.bumped(files, "7.0.1")
    assert versions.current(after) == "7.0.1"
    assert 'appVersion: "7.0.1"' in after["helm/track-bridge/Chart.yaml"]
    assert versions.bumped(files, versions.current(files)) == files


@pytest.mark.parametrize(
    ("version", "why"), [("1.0", "is no version"), ("v1.0.0", "is no version"), ("0.0.1", "before")]
)
def test_a_version_that_cannot_be_next_is_refused(files: dict[str, str], version: str, why: str) -> None:
    with pytest.raises(ReleaseProblemError, match=why):
        versions.bumped(files, version)


def test_places_that_differ_are_named(files: dict[str, str]) -> None:
    after = dict(files) | {"bridge/__init__.py": '__version__ = "9.9.9"\n'}
    with pytest.raises(ReleaseProblemError, match=r"bridge/__init__.py .*: 9.9.9, helm/track-bridge/Chart.yaml"):
        versions.current(after)


def test_what_was_unreleased_becomes_the_version_and_nothing_is_lost() -> None:
    after = changelog.released(LOG, "0.2.0", "2026-11-30")
    assert changelog.versions(after) == ["0.2.0", "0.1.0"]
    assert changelog.notes(after, "0.2.0") == "### Added\n\n- a thing"
    assert changelog.notes(after, "Unreleased") == ""
    assert changelog.notes(after, "0.1.0") == "- the first"


def test_a_release_without_changes_or_of_a_version_that_is_there_is_refused() -> None:
    with pytest.raises(ReleaseProblemError, match="nothing under"):
        changelog.released(changelog.released(LOG, "0.2.0", "2026-11-30"), "0.3.0", "2026-11-30")
    with pytest.raises(ReleaseProblemError, match="already"):
        changelog.released(LOG, "0.1.0", "2026-11-30")


def test_the_changelog_of_the_repository_can_be_released(root: Path) -> None:
    assert changelog.notes((root / "CHANGELOG.md").read_text(encoding="utf-8"), "Unreleased")


def test_two_builds_of_one_commit_are_the_same_bytes(tmp_path: Path) -> None:
    """A small project of its own: what builds ours is what builds it, and it takes a second."""
    source = tmp_path / "source"
    (source / "thing").mkdir(parents=True)
    (source / "thing" / "__init__.py").write_text('"""A thing."""\n', encoding="utf-8")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "thing"\nversion = "1.0.0"\n'
        'requires-python = ">=3.11"\n[tool.hatch.build.targets.wheel]\npackages = ["thing"]\n',
        encoding="utf-8",
    )
    git = ("git", "-C", str(source), "-c", "user.name=n", "-c", "user.email=n@example.com")
    for words in (("init", "--quiet"), ("add", "--all"), ("commit", "--quiet", "--message", "first")):
        subprocess.run([*git, *words], check=True)
    made = builds.built_twice(source, "HEAD", tmp_path / "dist")
    assert sorted(made) == ["thing-1.0.0-py3-none-any.whl", "thing-1.0.0.tar.gz"]
    # One that writes the folder it is built in into what it builds:
    (source / "hatch_build.py").write_text(
        "import os\nfrom hatchling.builders.hooks.plugin.interface import BuildHookInterface\n"
        "class Hook(BuildHookInterface):\n    def initialize(self, version, build_data):\n"
        "        open('thing/where.py', 'w').write(repr(os.getcwd()))\n",
        encoding="utf-8",
    )
    with (source / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write("[tool.hatch.build.hooks.custom]\n")
    for words in (("add", "--all"), ("commit", "--quiet", "--message", "second")):
        subprocess.run([*git, *words], check=True)
    with pytest.raises(ReleaseProblemError, match=r"two builds of HEAD differ in thing-1\.0\.0"):
        builds.built_twice(source, "HEAD", tmp_path / "dist")


def test_the_published_chart_names_its_image_and_where_its_runbook_is(root: Path, tmp_path: Path) -> None:
    published = published_chart.Published(
        "registry.example.com",
        "team/track-bridge",
        "sha256:abc",
        "https://code.example.com/x",
        "https://pages.example.com/1.0.0",
    )
    copy = published_chart.write(root / "helm" / "track-bridge", tmp_path, published)
    values = yaml.safe_load((copy / "values.yaml").read_text(encoding="utf-8"))
    assert values["image"]["registry"] == "registry.example.com"
    assert values["image"]["repository"] == "team/track-bridge"
    assert values["image"]["digest"] == "sha256:abc"
    assert values["prometheusRule"]["runbookUrl"] == "https://pages.example.com/1.0.0/runbook.html"
    about = yaml.safe_load((copy / "Chart.yaml").read_text(encoding="utf-8"))
    assert (about["home"], about["sources"]) == ("https://code.example.com/x", ["https://code.example.com/x"])
    before = yaml.safe_load((root / "helm/track-bridge/values.yaml").read_text(encoding="utf-8"))
    assert {name for name in values if values[name] != before[name]} == {"image", "prometheusRule"}


def test_the_pages_of_a_version_stand_beside_those_before_it(tmp_path: Path) -> None:
    site, into = tmp_path / "site", tmp_path / "pages"
    site.mkdir()
    into.mkdir()
    (site / "index.html").write_text("pages", encoding="utf-8")
    pages.add(site, "0.9.0", into)
    assert pages.add(site, "0.10.0", into) == ["0.10.0", "0.9.0"]
    assert (into / "index.html").read_text(encoding="utf-8").index("0.10.0") < (into / "index.html").read_text(
        encoding="utf-8"
    ).index("0.9.0")


def test_every_action_is_pinned_to_a_commit(root: Path) -> None:
    for file in (root / ".github" / "workflows").glob("*.yaml"):
        for name, version in re.findall(r"uses: ([^@\s]+)@?(\S*)", file.read_text(encoding="utf-8")):
            assert name.startswith("./") or re.fullmatch(r"[0-9a-f]{40}", version), f"{file.name}: {name}@{version}"


def test_every_target_a_workflow_makes_is_there(root: Path, workflows: dict[str, dict[str, Any]]) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    made = {
        word
        for workflow in workflows.values()
        for job in workflow["jobs"].values()
        for step in job.get("steps", [])
        for words in IN_WORKFLOWS.findall(step.get("run", ""))
        for word in words.split()
    }
    assert {"demo", "environment", "site"} <= made
    assert made <= targets


def test_ci_runs_every_python_the_package_names(root: Path, workflows: dict[str, dict[str, Any]]) -> None:
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', (root / "pyproject.toml").read_text("utf-8"))
    assert workflows["ci.yaml"]["jobs"]["everything"]["strategy"]["matrix"]["python"] == named


def test_a_release_publishes_nothing_before_everything_passed(workflows: dict[str, dict[str, Any]]) -> None:
    jobs = workflows["release.yaml"]["jobs"]

    def before(name: str) -> set[str]:
        needs = jobs[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*map(before, direct))

    assert jobs["ci"]["uses"] == "./.github/workflows/ci.yaml"
    assert all({"ci", "build"} <= before(name) for name in ("image", "chart", "package-index", "publish"))


def test_no_step_pastes_what_strangers_may_write_into_a_shell(workflows: dict[str, dict[str, Any]]) -> None:
    """The title of a pull request is code where it stands in ``run:``; what the owner set and our outputs are not."""
    ours = r"vars\.\w+|needs\.\w+\.outputs\.\w+|steps\.\w+\.outputs\.\w+|github\.(server_url|repository|token)"
    allowed = rf"\$\{{\{{ ({ours}) \}}\}}"
    for workflow in workflows.values():
        for job in workflow["jobs"].values():
            for step in job.get("steps", []):
                assert "${{" not in re.sub(allowed, "", step.get("run", "")), step
