"""Where the socket is by which ``track-bridge hold`` and ``track-bridge release`` reach a bridge on the same machine.

Both sides derive the path from the same facts: the configuration, the directory for temporary files, the user. In a
container that directory is the one place that can be written.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from bridge.config.keys import scalars

AUTO: Final = "auto"
OFF: Final = "off"
_FOLDER: Final = "track-bridge-"
LONGEST: Final = 100
"""Bytes of a path: a socket's may have 107 on Linux and 103 elsewhere, and it is made under a longer name first."""


def parse(value: Any) -> str:
    """``auto``, ``off``, or an absolute path."""
    if value is None or value is False:
        return OFF
    if isinstance(value, str) and (value in {AUTO, OFF} or (value.startswith("/") and not re.search(r"[\0\n]", value))):
        if len(value.encode()) > LONGEST:
            raise ValueError(f"is {len(value.encode())} bytes long; the path of a socket may have {LONGEST}")
        return str(value)
    raise ValueError(
        f"must be auto, off, or an absolute path such as /run/bridge/control.sock, not {scalars.shown(value)}"
    )


def path(wanted: str, *, group: str, port: int, environ: Mapping[str, str], uid: int) -> Path | None:
    """The socket of this user's bridge with this configuration; None where it is switched off."""
    if wanted == OFF:
        return None
    if wanted != AUTO:
        return Path(wanted)
    return _folder(environ, str(uid)) / _name(group, port)


def paths(wanted: str, *, group: str, port: int, environ: Mapping[str, str], uid: int) -> list[Path]:
    """Where to look for it: the user's own, and for root those of other users, too."""
    own = path(wanted, group=group, port=port, environ=environ, uid=uid)
    if own is None:
        return []
    if wanted != AUTO or uid != 0:
        return [own]
    folder = _folder(environ, "*")
    return [own, *(each for each in sorted(folder.parent.glob(f"{folder.name}/{_name(group, port)}")) if each != own)]


def owner(path: Path) -> int | None:
    """The user whose socket it is by its place; None where somebody chose the place."""
    number = path.parent.name.removeprefix(_FOLDER)
    return int(number) if path.parent.name.startswith(_FOLDER) and number.isascii() and number.isdigit() else None


def _folder(environ: Mapping[str, str], user: str) -> Path:
    return Path(environ.get("TMPDIR") or "/tmp") / f"{_FOLDER}{user}"  # noqa: S108 - its owner and mode are checked


def _name(group: str, port: int) -> str:
    return f"{port}-{zlib.crc32(group.encode()):08x}.sock"
