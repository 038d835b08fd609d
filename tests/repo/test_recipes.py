"""The Makefile and the Dockerfile fit the tree they stand in."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import botocore
import pytest


def test_make_alone_lists_what_can_be_made(root: Path) -> None:
    listed = subprocess.run(["make"], cwd=root, check=True, capture_output=True, text=True).stdout
    for target in ("demo", "test", "fuzz", "lint", "bench", "image", "image-facts"):
        assert re.search(rf"^  {target} +\S", listed, re.MULTILINE), listed


def test_make_test_runs_every_folder_that_has_tests(root: Path) -> None:
    text = (root / "Makefile").read_text()
    run = re.findall(r"^(?:QUICK|WAITING|CHARTS|ALONE|BROKERS) := (.+)$", text, re.MULTILINE)
    tested = {path.relative_to(root).parts[1] for path in (root / "tests").rglob("test_*.py")}
    assert sorted(" ".join(run).split()) == sorted(f"tests/{tier}" for tier in tested)


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
