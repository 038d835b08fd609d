"""What this machine has of the files and folders that `schema_registry` names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.cli.checks.registry_files import login_file, unusable
from bridge.config.sections import SchemaRegistry


def section(**more: Any) -> SchemaRegistry:
    return SchemaRegistry.model_validate({"urls": ["https://registry.example"], **more})


def said(**more: Any) -> list[str]:
    return [each.what for each in unusable(section(**more))]


def test_a_file_that_cannot_be_read_is_warned_of_by_its_key(tmp_path: Path) -> None:
    gone, there = tmp_path / "gone", tmp_path / "there"
    there.write_text("x")
    why = f"the file {gone} cannot be read: No such file or directory."
    login = {"username": "u", "password_file": str(gone)}
    assert said(basic_auth=login) == [f"schema_registry.basic_auth.password_file: {why}"]
    assert said(bearer_token_file=str(gone)) == [f"schema_registry.bearer_token_file: {why}"]
    assert said(tls={"ca_file": str(gone)}) == [f"schema_registry.tls.ca_file: {why}"]
    assert said(bearer_token_file=str(there), tls={"ca_file": str(there)}) == []
    assert login_file(section(basic_auth=login)) == f"schema_registry.basic_auth.password_file: {gone}"
    assert login_file(section(tls={"ca_file": str(there)})) is None


@pytest.mark.parametrize("folder", ["file", "file/schemas"])
def test_a_folder_that_cannot_be_made_is_warned_of(tmp_path: Path, folder: str) -> None:
    (tmp_path / "file").write_text("x")
    assert said(cache_dir=str(tmp_path / folder)) == [
        f"schema_registry.cache_dir: no schema can be kept in {tmp_path / folder}: {tmp_path / 'file'} is no folder."
    ]


def test_a_folder_that_can_be_made_is_not_made_by_looking(tmp_path: Path) -> None:
    assert said(cache_dir=str(tmp_path / "a" / "b")) == []
    assert list(tmp_path.iterdir()) == []
