"""Somebody's own configuration while it is edited: each saved change goes into the playground's copy, or is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from bridge.config.sections import Config
from bridge.errors import Misuse
from bridge.playground import own


class OwnFile:
    """Notices that somebody saved it.

    What is wrong is refused here, by the name that its owner knows, and never reaches the copy: the bridge would say it
    of a file that nobody edits.
    """

    def __init__(self, path: Path | None, put: Callable[[Config], None], tell: Callable[[str], None]) -> None:
        """`put` makes the copy of a file that is right; `tell` is told in a sentence what is wrong."""
        self._path = path
        self._put = put
        self._tell = tell
        self._seen = self._state()
        self._is_refused = False

    def look(self) -> bool:
        """Whether there is a new copy since the last call."""
        before, self._seen = self._seen, self._state()
        if self._path is None or before == self._seen:
            return False
        try:
            found = own.configuration(self._path)
            found.check_examples()
        except Misuse as wrong:
            self._is_refused = True
            self._tell(f"Refused, what ran runs on: {wrong}")
            return False
        if self._is_refused:
            self._tell(f"{self._path} is right again.")
        self._is_refused = False
        self._put(found.config)
        return True

    def _state(self) -> tuple[int, int] | None:
        try:
            found = None if self._path is None else self._path.stat()
        except OSError:
            return None
        return None if found is None else (found.st_mtime_ns, found.st_size)
