"""Pairs of hashes, more than fit in memory, in files by their first hash: equal ones meet in one of them."""

from __future__ import annotations

import os
import shutil
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bridge.backfill.run_directory import disk_errors

BUCKETS: Final = 256
_HASH: Final = 8
_PAIR: Final = 2 * _HASH
_FLUSH: Final = 32_768
"""Bytes of one bucket that are kept in memory: of all, 8 MB."""
_SMALL: Final = 4_000_000
"""Bytes of all buckets that are not worth a file."""


class Buckets:
    """Belongs to one context: its beginning removes what is in the folder, and its end the files."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when there is something for it; nothing else may be in it."""
        self._folder = folder
        self._waiting = [bytearray() for _ in range(BUCKETS)]
        self._size = 0
        self._has_files = False

    def __enter__(self) -> Self:
        # What a killed process left would be counted once more.
        shutil.rmtree(self._folder, ignore_errors=True)
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, key: bytes, other: bytes) -> None:
        """Two hashes of eight bytes. Raises `DiskError`."""
        waiting = self._waiting[key[0]]
        waiting += key
        waiting += other
        self._size += _PAIR
        if len(waiting) >= _FLUSH and self._size > _SMALL:
            self._flush(key[0])

    def each(self) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """All pairs, bucket by bucket, firsts and seconds apart; equal firsts are in one bucket. Raises `DiskError`."""
        for number, waiting in enumerate(self._waiting):
            content = bytearray()
            path = self._folder / str(number)
            if self._has_files and path.exists():
                with disk_errors(self._folder):
                    content += path.read_bytes()
            content += waiting
            if content:
                numbers = array("Q", bytes(content))
                yield numbers[::2], numbers[1::2]

    def _flush(self, number: int) -> None:
        with disk_errors(self._folder):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(self._folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "ab") as file:
                file.write(self._waiting[number])
        self._has_files = True
        self._waiting[number].clear()
