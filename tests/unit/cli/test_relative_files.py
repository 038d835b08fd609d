"""Files that the configuration names by relative paths, as commands show them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
KEY = "api_key: NX-secret-of-the-test"


def test_check_shows_the_whole_path_of_the_key_file_and_warns_of_one_found_elsewhere(
    cli: Cli, config: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(KEY, "api_key_file: key")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    (tmp_path / "key").write_text("NX-1\n")
    ran = cli("check", "--offline", "-c", path)
    assert ran.code == 0
    assert f"The API key is read from {tmp_path}/key." in ran.out
    assert "working directory" not in ran.out

    (tmp_path / "elsewhere" / "key").write_text("NX-2\n")
    ran = cli("check", "--offline", "-c", path)
    assert ran.code == 0
    assert f"The API key is read from {tmp_path}/elsewhere/key." in ran.out
    assert f"found from the working directory, but {tmp_path}/key exists, too" in ran.out


def test_a_key_file_that_is_nowhere_is_refused_with_its_whole_path(
    cli: Cli, config: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(KEY, "api_key_file: secrets/key")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    ran = cli("check", "--offline", "-c", path)

    assert ran.code == 2
    assert f"{tmp_path}/secrets/key" in ran.err
