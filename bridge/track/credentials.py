"""The API key: a header line for requests, a generation number for everybody else."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from bridge.config.keys import api_key
from bridge.errors import Misuse
from bridge.pipeline.ports import Credentials

_LARGEST_FILE = 64 * 1024
"""A wrong path may name a file of any size."""
_HIDDEN = b"[API key]"


class ApiKey(Credentials, Protocol):
    """What the sinks need of the key besides its generation."""

    @property
    def header(self) -> bytes:
        """The header line ``Authorization: Token …``, without its line end."""

    @property
    def problem(self) -> str | None:
        """Why the key could not be read the last time; None if it could."""

    @property
    def problem_since(self) -> float | None:
        """Unix time of the first of the readings that failed, one after the other; None while there is no problem."""

    def look(self) -> None:
        """See whether the key could be read, for `problem`; the key in use stays. May wait for a disk."""

    def scrub(self, text: bytes) -> bytes:
        """The text without this key and those before it: an answer may repeat what it refuses."""


class KeyFileError(Misuse):
    """The key file cannot be used; the message is one sentence that never repeats its content."""


class FixedKey:
    """A key that was given as a value: it never changes while the process lives."""

    __slots__ = ("_spellings", "generation", "header", "problem", "problem_since")

    def __init__(self, key: str) -> None:
        """Raises `ValueError` for a key no header can carry; the sentence does not repeat it."""
        content = api_key.clean(key).encode("ascii")
        self._spellings = _spellings([content])
        self.generation = 1
        self.header = _header(content)
        self.problem: str | None = None
        self.problem_since: float | None = None

    def __repr__(self) -> str:
        return "FixedKey()"

    def look(self) -> None:
        """There is no file."""

    def refresh(self) -> int:
        """See `pipeline.ports.Credentials`."""
        return self.generation

    def scrub(self, text: bytes) -> bytes:
        """See `ApiKey.scrub`."""
        return self._spellings.sub(_HIDDEN, text)


class KeyFile:
    """A key in a file, such as a mounted secret, that is replaced while the process lives."""

    __slots__ = ("_keys", "_path", "_spellings", "generation", "header", "problem", "problem_since")

    def __init__(self, path: Path) -> None:
        """Reads the file once. Raises `KeyFileError`: without a first key nothing can be sent."""
        self._path = path
        key = _read(path)
        self._keys = [key]
        """Every key this process has used, the one in force last: the old ones may still come back in answers."""
        self._spellings = _spellings(self._keys)
        self.generation = 1
        self.header = _header(key)
        self.problem: str | None = None
        self.problem_since: float | None = None

    def __repr__(self) -> str:
        return f"KeyFile({api_key.without_keys(str(self._path))!r}, generation={self.generation})"

    def refresh(self) -> int:
        """Read the file again. A half-written or vanished file keeps the old key and sets `problem`."""
        try:
            key = _read(self._path)
        except KeyFileError as error:
            self._found(str(error))
            return self.generation
        self._found(None)
        if key != self._keys[-1]:
            # A key that comes back (a rotation undone) is a change like any other, but listed once.
            self._keys = [*(old for old in self._keys if old != key), key]
            self._spellings = _spellings(self._keys)
            self.header = _header(key)
            self.generation += 1
        return self.generation

    def look(self) -> None:
        """Read the file and leave the key alone: a new one is taken when the API refuses the old one."""
        try:
            _read(self._path)
        except KeyFileError as error:
            self._found(str(error))
        else:
            self._found(None)

    def _found(self, problem: str | None) -> None:
        if problem is None:
            self.problem_since = None
        elif self.problem_since is None:
            self.problem_since = time.time()
        self.problem = problem

    def scrub(self, text: bytes) -> bytes:
        """See `ApiKey.scrub`."""
        return self._spellings.sub(_HIDDEN, text)


def _header(key: bytes) -> bytes:
    return b"Authorization: Token " + key


def _spellings(keys: Iterable[bytes]) -> re.Pattern[bytes]:
    """All ways in which an answer may repeat them, the longest first: one key may begin with another."""
    found = {spelling.encode("ascii") for key in keys for spelling in api_key.spellings(key.decode("ascii"))}
    return re.compile(b"|".join(re.escape(each) for each in sorted(found, key=len, reverse=True)))


def _read(path: Path) -> bytes:
    name = api_key.without_keys(str(path))  # whoever takes the path for the key itself must not see it in the log
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise KeyFileError(f"the key file {name} cannot be read: {error.strerror or error}") from None
    if len(content) > _LARGEST_FILE:
        raise KeyFileError(f"the key file {name} cannot be used: it is too large to hold a key")
    try:
        return api_key.clean(content.decode("utf-8-sig")).encode("ascii")
    except UnicodeDecodeError:
        raise KeyFileError(f"the key file {name} cannot be used: it is not text") from None
    except ValueError as error:
        raise KeyFileError(f"the key file {name} cannot be used: {error}") from None
