"""What the playground writes goes with it; what somebody edited stays, and is continued with."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import Misuse
from bridge.playground import places
from bridge.playground.folder import Folder, usual
from bridge.sandbox import child_processes
from tests.unit.playground.test_places import HERE


def test_nothing_is_left_of_a_folder_that_nobody_touched(tmp_path: Path) -> None:
    with Folder(tmp_path / "playground") as folder:
        folder.write_shop(HERE)
        folder.log("bridge").write_text("{}\n")
        assert len(folder.token.read_text().strip()) == 32
        assert folder.token.stat().st_mode & 0o777 == 0o600
    assert not folder.is_edited
    assert list(tmp_path.iterdir()) == []


def test_an_edited_configuration_stays_alone_and_the_next_playground_continues_with_it(tmp_path: Path) -> None:
    with Folder(tmp_path / "playground") as folder:
        folder.write_shop(HERE)
        folder.configuration.write_text(folder.configuration.read_text().replace("Order Completed", "Order Paid"))
    assert folder.is_edited
    assert [each.name for each in folder.path.iterdir()] == ["bridge.yaml"]
    with Folder(tmp_path / "playground") as again:
        again.write_shop(replace(HERE, kafka="127.0.0.1:4712"))
        text = again.configuration.read_text()
        assert "Order Paid" in text
        assert "127.0.0.1:4712" in text
        assert again.configuration.absolute() not in again.left_behind()
    assert again.configuration.read_text() == text


def test_it_is_where_one_is_unless_nothing_can_be_written_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert usual() == Path("playground")
    monkeypatch.chdir("/proc/self")
    assert usual() == Path(tempfile.gettempdir()) / "playground"


def test_two_playgrounds_do_not_share_a_folder(tmp_path: Path) -> None:
    with Folder(tmp_path), pytest.raises(Misuse, match="another playground runs in"), Folder(tmp_path):
        pass


def test_a_folder_with_files_of_somebody_elses_is_refused_and_they_stay(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("mine")
    with pytest.raises(Misuse, match="has files that are not the playground's"), Folder(tmp_path):
        pass
    assert (tmp_path / "token").read_text() == "mine"


def test_a_configuration_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "bridge.yaml").write_text("kafka: {}\n")
    with Folder(tmp_path) as folder, pytest.raises(Misuse, match="is not the playground's"):
        folder.write_shop(HERE)
    assert (tmp_path / "bridge.yaml").read_text() == "kafka: {}\n"


def test_after_a_kill_the_guard_removes_what_is_the_playgrounds_and_no_more(tmp_path: Path) -> None:
    edited, log = tmp_path / "bridge.yaml", tmp_path / "bridge.log"
    edited.write_text("edited")
    log.write_text("{}")
    digest = hashlib.sha256(places.template().encode()).hexdigest()
    child_processes.remove_files([f"f {digest} {edited}\n", f"f - {log}\n", "+ 1\n"])
    assert [each.name for each in tmp_path.iterdir()] == ["bridge.yaml"]
    child_processes.remove_files([f"f {hashlib.sha256(b'edited').hexdigest()} {edited}\n"])
    assert not tmp_path.exists()
    assert child_processes.groups_left(["+ 7\n", "f - /x\n", "+ 8\n", "- 7\n"]) == {8}
