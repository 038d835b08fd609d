"""The folder of one run: its manifest, its files, and the lock that keeps two processes apart.

Nothing in it may be read by others, since rows are what customers did. What is there is complete: a file appears under
its name when all of it is on the disk, and so does every version of the manifest.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from bridge.backfill.manifest import FORM, Manifest
from bridge.commands import command
from bridge.errors import Misuse, Unreachable
from bridge.text.printable import printable

MANIFEST: Final = "manifest.json"
LOCK: Final = "lock"
REJECTS: Final = "rejects.ndjson"
_PRIVATE_FOLDER: Final = 0o700
_PRIVATE_FILE: Final = 0o600
_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_MANIFEST: Final = TypeAdapter(Manifest)


def plan_again() -> str:
    """The end of a sentence: how the same offsets are written by another mapping, also where the bridge runs by now."""
    again = command("backfill", "plan", "NEW", "--ranges-of", "THIS")
    return f"plan the same ranges again in a new folder: `{again}`"


class RunDirectoryError(Misuse):
    """The folder is none that this can work on; the message is one sentence."""


class DiskError(Unreachable):
    """The disk took no more, or failed. What the manifest says is there; the same command continues from it."""


class RunDirectory:
    """One of them, by its path."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def file(self, name: str) -> Path:
        """A file of it."""
        return self.path / name

    # --- the manifest

    @contextmanager
    def created(self) -> Generator[None]:
        """The folder is there, holds nothing yet, and is locked meanwhile. Raises `RunDirectoryError`, also where there
        is something in it already.
        """
        try:
            self.path.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
            held = sorted(each.name for each in self.path.iterdir() if each.name != LOCK)
        except OSError as error:
            raise RunDirectoryError(f"{self.path} cannot be made a run directory: {_said(error)}.") from error
        if held and MANIFEST not in held:
            raise RunDirectoryError(
                f"{self.path} is not empty ({printable(held[0])} is in it): name a folder that is new or empty."
            )
        with self.locked():
            if self.file(MANIFEST).exists():
                raise RunDirectoryError(f"{self.path} holds a plan already: name another folder, or remove this one.")
            try:
                self.path.chmod(_PRIVATE_FOLDER)
            except OSError as error:
                raise RunDirectoryError(
                    f"{self.path} belongs to another user, and must be readable by this one alone: name a new folder."
                ) from error
            yield

    def read(self) -> Manifest:
        """Raises `RunDirectoryError` for what is no manifest, or one that a later version wrote."""
        path = self.file(MANIFEST)
        try:
            text = path.read_bytes()
        except FileNotFoundError as missing:
            raise RunDirectoryError(
                f"{self.path} is no run directory: there is no {MANIFEST} in it. "
                f"`{command('backfill', 'plan', str(self.path))}` makes one."
            ) from missing
        except OSError as error:
            raise RunDirectoryError(f"{path} cannot be read: {_said(error)}.") from error
        form = _form_of(text)
        if form != FORM:
            raise RunDirectoryError(
                f"{path} has form {form}, and this version knows form {FORM}: continue with the version of the bridge "
                "that made the plan."
                if form is not None
                else f"{path} is damaged: it is not the manifest of a backfill. Plan again, in a new folder."
            )
        try:
            return _MANIFEST.validate_json(text)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise RunDirectoryError(
                f"{path} is damaged ({printable(where)}: {printable(first['msg'])}). Plan again, in a new folder."
            ) from error

    def save(self, manifest: Manifest) -> None:
        """Replace the manifest; when this returns, the new one is on the disk. Raises `DiskError`."""
        self.put(MANIFEST, _MANIFEST.dump_json(manifest, indent=1) + b"\n")

    # --- files

    def put(self, name: str, content: bytes) -> None:
        """A whole file, in place of what had its name. Raises `DiskError`."""
        beginning = self.file(f"{name}.new")
        with disk_errors(self.path):
            descriptor = os.open(beginning, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _PRIVATE_FILE)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            self.rename(beginning.name, name)

    def rename(self, name: str, to: str) -> None:
        """Under its new name as soon as this returns, whatever happens to the machine."""
        self.file(name).replace(self.file(to))
        self.sync()

    def sync(self) -> None:
        """Names of files that were made, renamed or removed are on the disk when this returns."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def open_to_append(self, name: str, length: int) -> Any:
        """A binary file of this length to write at its end; what is behind that is cut off. Raises `DiskError`."""
        with disk_errors(self.path):
            descriptor = os.open(self.file(name), os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
            file = os.fdopen(descriptor, "r+b", buffering=1 << 18)  # the caller closes it
            found = os.fstat(descriptor).st_size
            if found < length:
                file.close()
                raise RunDirectoryError(
                    f"{self.file(name)} has {found} bytes, and the manifest says that {length} are written: somebody "
                    f"changed it. To write all anew, {plan_again()}."
                )
            file.truncate(length)
            file.seek(length)
            return file

    # --- the lock

    @contextmanager
    def locked(self) -> Generator[None]:
        """Nobody else works on the folder meanwhile. Raises `RunDirectoryError` where somebody does."""
        try:
            descriptor = os.open(self.file(LOCK), os.O_RDWR | os.O_CREAT, _PRIVATE_FILE)
        except OSError as error:
            raise RunDirectoryError(f"{self.path} cannot be locked: {_said(error)}.") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as held:
                process = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
                who = f" (process {process})" if process.isdigit() else ""
                raise RunDirectoryError(
                    f"Another process{who} works on {self.path}: wait until it ends, or stop it; what it has done "
                    "is kept."
                ) from held
            except OSError as error:
                raise RunDirectoryError(
                    f"{self.path} cannot be locked ({_said(error)}): put it on a file system of this machine."
                ) from error
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            yield
        finally:
            os.close(descriptor)  # which unlocks it


@contextmanager
def disk_errors(path: Path) -> Generator[None]:
    """What the operating system says of writing there, as a sentence."""
    try:
        yield
    except OSError as error:
        what = "is full" if error.errno in _FULL else f"cannot be written to ({_said(error)})"
        raise DiskError(
            f"The disk of {path} {what}. What the manifest says is written is kept: make room and run the same command "
            "again, it continues there."
        ) from error


def _form_of(text: bytes) -> int | None:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    form = found.get("form") if isinstance(found, dict) else None
    return form if type(form) is int else None


def _said(error: OSError) -> str:
    return printable(error.strerror or type(error).__name__)
