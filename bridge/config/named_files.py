"""What is in a file that the configuration names, for whoever needs the bytes and not the path."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from bridge.errors import InvalidError

LARGEST: Final = 50_000_000
"""Bytes."""


def content_of(path: Path) -> bytes:
    """All of it. Raises `InvalidError` with the end of a sentence."""
    file = path.expanduser()
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
    except OSError as error:
        raise InvalidError(f"the file {file} cannot be read: {error.strerror}") from None
    if len(content) > LARGEST:
        raise InvalidError(f"the file {file} has more than {LARGEST // 1_000_000} MB")
    return content
