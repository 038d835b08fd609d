"""The token of `console.token_file`: read again whenever the file changes."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from bridge.config import named_files
from bridge.errors import InvalidError

SHORTEST: Final = 16
"""Characters: shorter ones can be guessed."""
_LOOKED_AT: Final = 1.0
"""Seconds between two looks at the file."""


class TokenFile:
    """Knows the token by its digest only."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._looked: float | None = None
        self._found: bytes | InvalidError = InvalidError("it was not read yet")

    def digest(self) -> bytes:
        """Of the present token. Raises `InvalidError`, a whole sentence."""
        now = self._clock()
        if self._looked is None or now - self._looked >= _LOOKED_AT:
            self._looked = now
            self._found = self._read()
        if isinstance(self._found, InvalidError):
            raise self._found
        return self._found

    def is_token(self, given: str) -> bool:
        """Compared in a time that tells nothing of how much is right. Raises `InvalidError`."""
        return hmac.compare_digest(_digest(given.strip().encode()), self.digest())

    def _read(self) -> bytes | InvalidError:
        try:
            token = named_files.content_of(self._path).strip()
        except InvalidError as unreadable:
            return InvalidError(f"console.token_file: {unreadable}. Nobody can log in until it can be read.")
        if len(token) < SHORTEST:
            return InvalidError(
                f"console.token_file: the token in {self._path} has {len(token)} characters. Put at least {SHORTEST} "
                "there that nobody can guess, such as `openssl rand -hex 32` writes."
            )
        return _digest(token)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
