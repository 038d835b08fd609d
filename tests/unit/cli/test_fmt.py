"""`track-bridge fmt`: writes a file in one way, or says what it would change."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.cli.conftest import Cli

Write = Callable[..., str]
UNUSUAL = "    # who\n    group_id: test\n    topics: [shop.orders]\n    bootstrap_servers: 127.0.0.1:1\n"
USUAL = "  bootstrap_servers: 127.0.0.1:1\n  # who\n  group_id: test\n  topics: [shop.orders]\n"


@pytest.fixture
def unusual(config: Write) -> str:
    return config("  bootstrap_servers: 127.0.0.1:1\n  group_id: test\n  topics: [shop.orders]\n", UNUSUAL)


def test_a_file_is_formatted_where_it_is_with_its_permissions(cli: Cli, unusual: str) -> None:
    Path(unusual).chmod(0o640)
    ran = cli("fmt", unusual)
    assert (ran.code, ran.out) == (0, f"{unusual}: formatted\n")
    assert USUAL in Path(unusual).read_text()
    assert Path(unusual).stat().st_mode & 0o777 == 0o640
    assert [each.name for each in Path(unusual).parent.iterdir()] == ["bridge.yaml"]
    again = cli("fmt", "-c", unusual)
    assert (again.code, again.out) == (0, "1 file formatted already.\n")


def test_check_writes_nothing_and_ends_with_1(cli: Cli, unusual: str) -> None:
    before = Path(unusual).read_bytes()
    ran = cli("fmt", "--check", unusual)
    assert (ran.code, ran.out) == (1, f"{unusual}: would be formatted\n")
    assert Path(unusual).read_bytes() == before


def test_json_has_what_became_of_each_file(cli: Cli, unusual: str) -> None:
    ran = cli("fmt", "--check", "--json", unusual)
    expected = {"files": [{"file": unusual, "changed": True, "refused": None}], "written": False}
    assert (ran.code, json.loads(ran.out)) == (1, expected)


def test_diff_shows_what_would_change_and_writes_nothing(cli: Cli, unusual: str) -> None:
    before = Path(unusual).read_bytes()
    ran = cli("fmt", "--diff", unusual)
    assert ran.code == 0
    assert "\n-    # who\n" in ran.out
    assert "\n+  # who\n" in ran.out
    assert Path(unusual).read_bytes() == before
    assert cli("fmt", "--diff", "--check", unusual).code == 1


def test_what_cannot_be_formatted_is_left_as_it_is_and_the_others_are_formatted(
    cli: Cli, unusual: str, tmp_path: Path
) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("a: 1\n---\nb: 2\n")
    ran = cli("fmt", str(other), unusual)
    assert ran.code == 2
    assert ran.err == f"{other}: has a second document in line 2, column 1; remove the line ---.\n"
    assert other.read_text() == "a: 1\n---\nb: 2\n"
    assert USUAL in Path(unusual).read_text()


def test_a_link_stays_one(cli: Cli, unusual: str, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(unusual)
    assert cli("fmt", str(link)).code == 0
    assert link.is_symlink()
    assert str(link.readlink()) == unusual
    assert USUAL in Path(unusual).read_text()


def test_standard_input_goes_to_standard_output(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    given = SimpleNamespace(buffer=io.BytesIO(b"kafka:\n    group_id: a\n"), isatty=lambda: False)
    monkeypatch.setattr("sys.stdin", given)
    ran = cli("fmt", "-")
    assert (ran.code, ran.out) == (0, "kafka:\n  group_id: a\n")


def test_a_file_that_is_not_there_is_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("fmt", str(tmp_path / "gone.yaml"))
    assert ran.code == 2
    assert "does not exist" in ran.err
