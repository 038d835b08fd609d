"""The key that requests over the network are signed with: of the file of `console.token_file`, read again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bridge.config import named_files
from bridge.errors import InvalidError
from bridge.ops.control import signing

SHORTEST: Final = 16
"""Characters: shorter ones can be guessed."""
_LOOKED_AT: Final = 1.0
"""Seconds between two looks at the file."""


class ControlKey:
    """Belongs to one thread. Keeps no token: only what was made of it."""

    def __init__(self, path: Path, group: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._group = group
        self._clock = clock
        self._looked: float | None = None
        self._digest = ""
        self._key: bytes | InvalidError = InvalidError("it was not read yet")

    def get(self) -> bytes:
        """The present one. Raises `InvalidError`, a whole sentence, where the file has none."""
        now = self._clock()
        if self._looked is None or now - self._looked >= _LOOKED_AT:
            self._looked = now
            self._read()
        if isinstance(self._key, InvalidError):
            raise self._key
        return self._key

    def _read(self) -> None:
        try:
            token = named_files.content_of(self._path).strip()
        except InvalidError as unreadable:
            self._is_unusable(f"{unreadable}.")
            return
        if len(token) < SHORTEST:
            self._is_unusable(
                f"the token in {self._path} has {len(token)} characters. Put at least {SHORTEST} there that nobody can "
                "guess, such as `openssl rand -hex 32` writes."
            )
            return
        found = signing.digest(token)
        if found != self._digest:
            self._key, self._digest = signing.key_of(token, self._group), found

    def _is_unusable(self, why: str) -> None:
        self._key, self._digest = InvalidError(f"console.token_file: {why}"), ""
