from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.config.keys.control_socket import LONGEST, parse, path, paths


@pytest.mark.parametrize(
    ("value", "meant"),
    [("auto", "auto"), ("off", "off"), (None, "off"), (False, "off"), ("/run/b/c.sock", "/run/b/c.sock")],
)
def test_it_is_derived_switched_off_or_a_path(value: Any, meant: str) -> None:
    assert parse(value) == meant


@pytest.mark.parametrize("value", ["", "on", "run/c.sock", "~/c.sock", 5, True, ["/a"], "/a\nb", "/a\0b"])
def test_nothing_else_is_taken(value: Any) -> None:
    with pytest.raises(ValueError, match="must be auto, off, or an absolute path"):
        parse(value)


def test_a_path_that_no_socket_can_have_is_refused() -> None:
    assert parse("/" + "x" * (LONGEST - 1))
    with pytest.raises(ValueError, match="101 bytes long"):
        parse("/" + "ä" * (LONGEST // 2))


def where(wanted: str = "auto", *, group: str = "g", port: int = 9464, tmp: str = "", uid: int = 65532) -> Path | None:
    return path(wanted, group=group, port=port, environ={"TMPDIR": tmp}, uid=uid)


def test_the_command_finds_the_socket_by_the_same_facts_and_no_other_bridge_has_it() -> None:
    assert where() == where()
    assert str(where()).startswith("/tmp/track-bridge-65532/9464-")  # noqa: S108 - a name
    assert len({where(), where(group="h"), where(port=9465), where(uid=1), where(tmp="/var/tmp")}) == 5  # noqa: S108 - names
    assert where("off") is None
    assert where("/run/b/c.sock") == Path("/run/b/c.sock")


def test_root_finds_the_sockets_of_other_users(tmp_path: Path) -> None:
    name = where(tmp=str(tmp_path))
    assert name is not None
    name.parent.mkdir()
    name.touch()
    found = paths("auto", group="g", port=9464, environ={"TMPDIR": str(tmp_path)}, uid=0)
    assert found == [tmp_path / "track-bridge-0" / name.name, name]
    assert paths("auto", group="g", port=9464, environ={"TMPDIR": str(tmp_path)}, uid=7) == [
        tmp_path / "track-bridge-7" / name.name
    ]
    assert paths("off", group="g", port=9464, environ={}, uid=0) == []
