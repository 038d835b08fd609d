"""The folder of a playground: its configuration to edit, logs and the console's token; gone at the end."""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bridge.config.keys.control_socket import AUTO, LONGEST
from bridge.errors import Misuse
from bridge.playground import places
from bridge.playground.places import PlaygroundPlaces

_SOCKET: Final = "control.sock"
_OWN: Final = ("bridge.log", "console.log", "token", "key", "lock", "record.json", _SOCKET)
CONFIGURATION: Final = "bridge.yaml"
_MARK: Final = "made by a playground\n"
"""In the lock: what else is in the folder may be removed."""


class Folder:
    """A context manager. Left, what the playground wrote is gone, but not a configuration that somebody edited."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.is_edited = False
        """Whether the configuration has somebody's changes; known when it is left."""
        self._written: str | None = None

    @property
    def configuration(self) -> Path:
        """What the bridge runs with."""
        return self.path / CONFIGURATION

    @property
    def token(self) -> Path:
        """What the console asks who wants to change something."""
        return self.path / "token"

    @property
    def key(self) -> Path:
        """What the bridge sends with every request."""
        return self.path / "key"

    @property
    def record(self) -> Path:
        """A record to post, where it is too long for a command."""
        return self.path / "record.json"

    @property
    def control(self) -> str:
        """Where commands reach the bridge; elsewhere, where this path is too long for a socket's."""
        wanted = str(self.path.absolute() / _SOCKET)
        return wanted if len(wanted.encode()) <= LONGEST else AUTO

    def log(self, name: str) -> Path:
        """Of one process."""
        return self.path / f"{name}.log"

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_what_is_not_ours()
            self._lock = (self.path / "lock").open("a")
        except OSError as error:
            raise Misuse(f"--folder: {self.path} cannot be used: {error.strerror}; name another one.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise Misuse(
                f"--folder: another playground runs in {self.path}; end it (Ctrl-C there), or name another folder."
            ) from None
        self._lock.truncate(0)
        self._lock.write(_MARK)
        self._lock.flush()
        _write_secret(self.token, secrets.token_hex(16))
        _write_secret(self.key, places.KEY)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        present = self._present()
        self.is_edited = present is not None and present != self._written
        for name in (*_OWN, *(() if self.is_edited else (CONFIGURATION,))):
            (self.path / name).unlink(missing_ok=True)
        self._lock.close()
        with suppress(OSError):  # somebody put something of theirs there
            self.path.rmdir()

    def write_shop(self, where: PlaygroundPlaces) -> None:
        """The shop's configuration; one with somebody's changes keeps them. Raises `Misuse`."""
        present = self._present()
        if present is None or places.without(present) == places.without(places.template()):
            self.write(places.at(places.template(), where))
            return
        try:
            text = places.at(present, where)
        except ValueError as problem:
            raise Misuse(
                f"{self.configuration} is not the playground's: {problem}. Move it away, name another --folder, or give"
                f" it as --config {self.configuration}."
            ) from problem
        self.configuration.write_text(text, encoding="utf-8")

    def write(self, text: str) -> None:
        """Put this there; it goes with the playground."""
        # Whole, since a bridge may look at any moment.
        fresh = self.path / f"{CONFIGURATION}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.configuration)
        self._written = text

    def left_behind(self) -> dict[Path, str | None]:
        """What goes even where this process cannot see to it: each file, and the SHA-256 it must have for that."""
        files: dict[Path, str | None] = {self.path.absolute() / name: None for name in _OWN}
        if self._written is not None:
            files[self.configuration.absolute()] = hashlib.sha256(self._written.encode()).hexdigest()
        return files

    def _refuse_what_is_not_ours(self) -> None:
        """Files that a playground would remove at its end must have been a playground's."""
        if any((self.path / name).exists() for name in _OWN):
            lock = self.path / "lock"
            if not lock.is_file() or not lock.read_bytes().startswith(_MARK.encode()):
                raise Misuse(
                    f"--folder: {self.path} has files that are not the playground's; name a folder of its own."
                )

    def _present(self) -> str | None:
        try:
            return self.configuration.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None


def usual() -> Path:
    """``playground`` where one is; where nothing can be written there, as in the image, in the temporary folder."""
    return Path("playground") if os.access(Path.cwd(), os.W_OK) else Path(tempfile.gettempdir()) / "playground"


def _write_secret(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(f"{secret}\n")
