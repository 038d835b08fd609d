"""The files that rows are added to: closed by size, and cut back to what was recorded when a process was killed.

A file has ``.part`` behind its name until it is closed. Beside it are the hashes of its rows' event ids, which `check`
finds repeated events by: they are no part of what is submitted.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from typing import Any, Final, Self

from bridge.backfill.manifest import ImportFile, OpenFile, RowKind
from bridge.backfill.run_directory import REJECTS, RunDirectory, disk_errors
from bridge.backfill.writing.rows import Row
from bridge.backfill.writing.times import DIGEST

PART: Final = ".part"


def file_name(kind: RowKind, number: int) -> str:
    """``events-00001.ndjson``."""
    return f"{kind}-{number:05}.ndjson"


def ids_name(kind: RowKind, number: int) -> str:
    """Of the hashes beside it."""
    return f"{kind}-{number:05}.ids"


class KindOfFiles:
    """The files of one kind of rows, of which one at most is open."""

    def __init__(self, directory: RunDirectory, kind: RowKind, largest: int, closed: int) -> None:
        """`closed` is how many are closed."""
        self._directory = directory
        self._kind = kind
        self._largest = largest
        self._file: Any = None
        self._ids: Any = None
        self._number = closed
        self._rows = self._bytes = 0
        self.closed: list[ImportFile] = []
        """Those that were closed since the last `take_closed`."""

    def resume(self, open_: OpenFile) -> None:
        """As it is recorded. Raises `OSError`, `DiskError`, and `RunDirectoryError` where recorded rows are gone."""
        self._remove_unrecorded(open_.number or self._number)
        if open_.number:
            self._number = open_.number
            self._rows, self._bytes = open_.rows, open_.bytes
            self._open()

    @property
    def open(self) -> OpenFile:
        """As it is recorded."""
        if self._file is None:
            return OpenFile()
        return OpenFile(self._number, self._rows, self._bytes, self._rows * DIGEST)

    def add(self, row: Row) -> None:
        """At the end. Raises `OSError`."""
        size = len(row.line)
        if self._file is not None and self._bytes + size > self._largest:
            self.close()
        if self._file is None:
            self._number += 1
            self._rows = self._bytes = 0
            self._open()
        self._file.write(row.line)
        self._ids.write(row.event)
        self._rows += 1
        self._bytes += size

    def sync(self) -> None:
        """All that was added is on the disk when this returns. Raises `OSError`."""
        for file in (self._file, self._ids):
            if file is not None:
                file.flush()
                os.fsync(file.fileno())

    def close(self) -> None:
        """The open one, if there is one, gets its name. Raises `OSError`."""
        if self._file is None:
            return
        self.sync()
        name = file_name(self._kind, self._number)
        self._file.seek(0)
        digest = hashlib.file_digest(self._file, "sha256").hexdigest()
        self.let_go()
        self._directory.rename(name + PART, name)
        self.closed.append(ImportFile(name, self._kind, self._number, self._rows, self._bytes, digest))

    def let_go(self) -> None:
        """Of the open one, whatever became of it."""
        for file in (self._file, self._ids):
            if file is not None:
                with suppress(OSError):  # of a disk that is full, which was told already
                    file.close()
        self._file = self._ids = None

    def _open(self) -> None:
        name = file_name(self._kind, self._number)
        if self._directory.file(name).exists():  # closed after what is recorded
            self._directory.rename(name, name + PART)
        self._file = self._directory.open_to_append(name + PART, self._bytes)
        self._ids = self._directory.open_to_append(ids_name(self._kind, self._number), self._rows * DIGEST)

    def _remove_unrecorded(self, last: int) -> None:
        """Files that were begun after what is recorded."""
        for path in self._directory.path.glob(f"{self._kind}-*"):
            number = path.name.removeprefix(f"{self._kind}-").partition(".")[0]
            if number.isdigit() and int(number) > last:
                path.unlink()


class RunFiles:
    """All of them, and the rejects. To be used as a context, which lets go of them."""

    def __init__(
        self,
        directory: RunDirectory,
        largest: int,
        files: Iterable[ImportFile],
        open_: Mapping[str, OpenFile],
        reject_bytes: int,
    ) -> None:
        """Raises as `KindOfFiles` does."""
        closed = Counter(each.kind for each in files)
        self.reject_bytes = reject_bytes
        with ExitStack() as opened, disk_errors(directory.path):
            self._kinds: dict[str, KindOfFiles] = {}
            for kind in RowKind:
                made = KindOfFiles(directory, kind, largest, closed[kind])
                opened.callback(made.let_go)
                made.resume(open_.get(kind, OpenFile()))
                self._kinds[kind.value] = made
            self._rejects = directory.open_to_append(REJECTS, reject_bytes)
            opened.callback(self._let_go_of_rejects)
            directory.sync()
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_ended: object) -> None:
        self._opened.close()

    def _let_go_of_rejects(self) -> None:
        with suppress(OSError):  # as above
            self._rejects.close()

    def add(self, row: Row) -> None:
        """To the file of its kind. Raises `OSError`."""
        self._kinds[row.kind].add(row)

    def reject(self, line: bytes) -> None:
        """Raises `OSError`."""
        self._rejects.write(line)
        self.reject_bytes += len(line)

    @property
    def open(self) -> dict[str, OpenFile]:
        """Those that are open, as they are recorded."""
        return {kind: each.open for kind, each in self._kinds.items() if each.open.number}

    def take_closed(self) -> list[ImportFile]:
        """Those closed since this was asked last."""
        taken = [file for each in self._kinds.values() for file in each.closed]
        for each in self._kinds.values():
            each.closed.clear()
        return taken

    def sync(self) -> None:
        """All is on the disk when this returns. Raises `OSError`."""
        for each in self._kinds.values():
            each.sync()
        self._rejects.flush()
        os.fsync(self._rejects.fileno())

    def close(self) -> None:
        """No rows come any more. Raises `OSError`."""
        for each in self._kinds.values():
            each.close()
        self.sync()
