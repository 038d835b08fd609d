"""The Makefile and the Dockerfile fit the tree they stand in."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import botocore
import pytest

EVERYDAY, REST = "-m everyday", "-m 'not everyday'"
FEWER, MORE = "-m everyday --hypothesis-profile=everyday", "-m 'not everyday or hypothesis'"
"""Properties run twice in CI: with a quarter of their examples first, then with all."""


def test_make_alone_lists_what_can_be_made(root: Path) -> None:
    listed = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True).stdout
    for target in ("demo", "test", "test-all", "fuzz", "lint", "bench", "image", "image-facts"):
        assert re.search(rf"^  {target} +\S", listed, re.MULTILINE), listed


def test_make_test_runs_every_folder_that_has_tests(root: Path) -> None:
    text = (root / "Makefile").read_text()
    run = re.findall(r"^(?:QUICK|WAITING|CHARTS|ALONE|BROKERS) := (.+)$", text, re.MULTILINE)
    tested = {path.relative_to(root).parts[1] for path in (root / "tests").rglob("test_*.py")}
    assert sorted(" ".join(run).split()) == sorted(f"tests/{tier}" for tier in tested)


QUICK_TIERS = ("repo", "unit", "contract", "simulation")
RUNS = {
    "test": {**dict.fromkeys(QUICK_TIERS, FEWER), "component": EVERYDAY, "integration": EVERYDAY},
    "test-rest": {
        **dict.fromkeys(QUICK_TIERS, MORE),
        "component": REST,
        "chart": "all",
        "image": "all",
        "integration": REST,
    },
}
PARTS = {
    "test-quick": QUICK_TIERS,
    "test-component": ("component",),
    "test-chart": ("chart",),
    "test-image": ("image",),
    "test-brokers": ("integration",),
}


def runs(root: Path, target: str) -> dict[str, str]:
    """Tier -> which of its tests that target runs: "all", or what chooses them by their marks."""
    told = {
        name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MAKELEVEL", "TESTS", "ARGS"}
    }
    command = ["make", "-n", target]
    said = subprocess.run(command, cwd=root, env=told, check=True, capture_output=True, text=True).stdout
    found: dict[str, str] = {}
    for line in said.splitlines():
        if " -m pytest " in line:
            chosen = re.search(r" (-m (?:everyday|'not everyday.*').*)$", line)
            found |= dict.fromkeys(re.findall(r" tests/(\w+)", line), chosen[1] if chosen else "all")
    return found


def test_make_test_and_make_test_rest_run_every_test_once_between_them(root: Path) -> None:
    assert {target: runs(root, target) for target in RUNS} == RUNS
    ran = [
        line.strip()
        for line in (root / ".ci/run").read_text().splitlines()
        if " make test" in line and "timeout" in line
    ]
    assert [re.findall(r"make (\S+)", line)[0] for line in ran] == ["test", "test-rest"]


def test_every_part_of_the_tests_can_be_run_alone(root: Path) -> None:
    assert {part: runs(root, part) for part in PARTS} == {part: dict.fromkeys(t, "all") for part, t in PARTS.items()}


@pytest.fixture
def copied(root: Path) -> list[str]:
    """What the Dockerfile copies from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (root / "Dockerfile").read_text(), re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def test_what_the_image_copies_exists_and_reaches_the_builder(root: Path, copied: list[str]) -> None:
    let_through = re.findall(r"^!(.+)$", (root / ".dockerignore").read_text(), re.MULTILINE)
    assert copied
    for source in copied:
        assert (root / source).exists()
        assert source in let_through


def test_the_image_holds_every_file_the_package_is_built_from(root: Path, copied: list[str]) -> None:
    for link in (path for path in (root / "bridge").rglob("*") if path.is_symlink()):
        assert str(link.resolve().relative_to(root)) in copied


def test_the_image_runs_as_a_numbered_user_that_is_not_root(root: Path) -> None:
    users = re.findall(r"^USER (.+)$", (root / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]


def test_the_image_needs_no_frontend_to_be_fetched(root: Path) -> None:
    text = (root / "Dockerfile").read_text()
    assert not re.search(r"^#\s*syntax\s*=", text, re.MULTILINE)
    assert "<<" not in text


def test_an_ordinary_build_makes_the_image_and_nothing_that_only_lists_what_is_in_it(root: Path) -> None:
    *earlier, last = re.findall(r"^FROM (.+)$", (root / "Dockerfile").read_text(), re.MULTILINE)
    assert last == "${PYTHON_IMAGE}"
    assert "scratch AS sbom" in earlier


def test_the_image_keeps_what_credentials_of_aws_are_asked_by(root: Path) -> None:
    """All else that botocore describes is left out of it."""
    kept = set(re.findall(r"! -name ([\w-]+)", (root / "Dockerfile").read_text()))
    folder = Path(botocore.__file__).parent
    sources = "".join((folder / name).read_text() for name in ("credentials.py", "tokens.py"))
    asked = set(re.findall(r"(?:create_client|_client_creator)\(\s*['\"]([\w-]+)['\"]", sources))
    assert {"sts", "sso"} <= asked <= kept
    assert all((folder / "data" / name).is_dir() for name in kept)
