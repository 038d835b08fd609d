"""What is built holds what it needs, and what is installed is found."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from importlib import metadata, resources
from pathlib import Path

import pytest

SCRIPTS = ("bridge", "track-bridge")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_console_script_resolves(name: str) -> None:
    (script,) = [entry for entry in metadata.entry_points(group="console_scripts") if entry.name == name]
    assert callable(script.load())


def test_both_names_start_the_same_program() -> None:
    found = {entry.value for entry in metadata.entry_points(group="console_scripts") if entry.name in SCRIPTS}
    assert len(found) == 1


def test_the_wheel_holds_the_package_its_types_and_its_schemas_and_nothing_else(wheel: Path, root: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "bridge/py.typed" in names
    assert {f"bridge/schemas/{path.name}" for path in (root / "schemas").iterdir()} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"bridge"}
    assert not [name for name in names if name.endswith(".pyc")]


def test_the_wheel_holds_every_file_of_the_package_that_is_no_module(wheel: Path, root: Path) -> None:
    """Such as the console's templates, its style and its script."""
    others = {
        str(path.relative_to(root))
        for path in (root / "bridge").rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert {"bridge/console/templates/now.html", "bridge/console/static/console.css"} <= others
    assert others <= set(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_names_its_licence_and_version(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (path,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    text = archive.read(path).decode()
    assert "License-Expression: Apache-2.0" in text
    assert f"Version: {metadata.version('track-bridge')}" in text


def test_schemas_are_found_in_this_installation() -> None:
    assert json.loads(resources.files("bridge").joinpath("schemas", "bridge.schema.json").read_text())


def test_schemas_are_found_where_the_wheel_is_installed(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import bridge; from importlib import resources; "
        "print(bridge.__file__); print(resources.files('bridge').joinpath('schemas', 'bridge.schema.json').read_text())"
    )
    answer = subprocess.run(
        [sys.executable, "-I", "-c", program, str(tmp_path)], check=True, capture_output=True, text=True
    )
    where, _, text = answer.stdout.partition("\n")
    assert Path(where).is_relative_to(tmp_path)
    assert json.loads(text)
