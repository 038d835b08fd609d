"""The record of what was sent: in the manifest, on the disk before and after each request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from bridge.backfill.manifest import ImportFile, Manifest, Stage
from bridge.backfill.run_directory import RunDirectory, RunDirectoryError
from bridge.backfill.submit.uploads import (
    Submission,
    Upload,
    begin_submission,
    cut,
    read_submission,
    recorded,
    stopped_files,
)
from bridge.commands import Operand, command
from bridge.errors import Misuse
from bridge.text.amounts import plural, thousands
from bridge.track.imports.multipart import FilePart

_CHUNK: Final = 1 << 20
SMALLEST_CUT: Final = 1 << 17
"""Bytes: where a smaller upload is too large, it is not the files that have to change."""


class SubmissionBook:
    """What is known of a run's uploads. Whoever changes it holds the lock of the run directory."""

    def __init__(self, directory: RunDirectory, manifest: Manifest, submission: Submission) -> None:
        self._directory = directory
        self._manifest = manifest
        self.submission = submission

    def record(self, submission: Submission) -> None:
        """When this returns, it is on the disk. Raises `DiskError`."""
        self._manifest = recorded(self._manifest, submission)
        self._directory.save(self._manifest)
        self.submission = submission

    def change(self, upload: Upload) -> None:
        """`record` with this upload changed; nothing is written where it is as it was."""
        changed = self.submission.with_upload(upload)
        if changed != self.submission:
            self.record(changed)

    def cut(self, upload: Upload) -> bool:
        """Have it sent as two, cut at a row's end. False where it is small already, or one row."""
        if upload.length < SMALLEST_CUT or upload.rows < 2:
            return False
        length, rows = _first_half(self._directory.file(upload.file), upload)
        self.record(cut(self.submission, upload, length, rows))
        return True

    def part(self, upload: Upload) -> FilePart:
        """What is sent. Raises `RunDirectoryError` where the file is not the one that was written."""
        file = next(each for each in self._manifest.files if each.name == upload.file)
        check_file(self._directory, file)
        path = self._directory.file(file.name)
        return FilePart(path, self.submission.name(upload), upload.offset, upload.length)


def read_book(directory: RunDirectory, manifest: Manifest) -> SubmissionBook | None:
    """None where nothing was submitted yet. Raises `RunDirectoryError` where the manifest was changed by hand."""
    try:
        submission = read_submission(manifest.submission)
    except (ValidationError, ValueError) as error:
        raise _damaged(directory) from error
    if submission is None:
        return None
    if stopped_files(submission, manifest.files):
        raise _damaged(directory)
    return SubmissionBook(directory, manifest, submission)


def begin_book(directory: RunDirectory, manifest: Manifest, endpoint: str, canary: int) -> SubmissionBook:
    """A new one, recorded. The first files of each kind are read as far as their canary goes."""
    firsts = {file.kind: file for file in reversed(manifest.files) if file.rows}
    heads = {kind: _head(directory.file(file.name), canary) for kind, file in firsts.items() if 0 < canary < file.rows}
    book = SubmissionBook(directory, manifest, begin_submission(manifest, endpoint, canary, heads))
    book.record(book.submission)
    return book


def need_ready(directory: RunDirectory, manifest: Manifest, *, despite_findings: bool = False) -> None:
    """Raises `Misuse` where the files must not be sent: not all written, not looked at, or found wanting.

    What was begun despite findings goes on without saying so again.
    """
    run = Operand(directory.path)
    if manifest.stage in {Stage.PLANNED, Stage.WRITING}:
        done, planned = thousands(manifest.offsets_written), plural(manifest.offsets, "offset")
        raise Misuse(
            f"{run} is not written yet ({done} of {planned}): `{command('backfill', 'write', run)}` goes on with it."
        )
    if manifest.stage is not Stage.CHECKED or manifest.checked is None:
        raise Misuse(
            f"{run} was not checked yet, and nothing that is imported can be taken back: "
            f"`{command('backfill', 'check', run)}` looks through all rows."
        )
    if not any(file.rows for file in manifest.files):
        raise Misuse(f"{run} has no rows: there is nothing to submit.")
    if manifest.checked.blocking and not (despite_findings or manifest.submission):
        found = "\n".join(f"  {sentence}" for sentence in manifest.checked.blocking)
        raise Misuse(
            f"{run} should not be submitted as it is; the check found:\n{found}\n"
            "Where that is meant so, add --despite-findings."
        )


def need_same_endpoint(directory: RunDirectory, submission: Submission, endpoint: str) -> None:
    """Raises `Misuse` where jobs were made somewhere else."""
    if submission.endpoint != endpoint:
        raise Misuse(
            f"{directory.path} was begun to be submitted to {submission.endpoint}, and track.endpoint is {endpoint}: "
            "its jobs are known only there. To import the same rows elsewhere, plan and write them in a new folder."
        )


def check_files(
    directory: RunDirectory, files: Sequence[ImportFile], report: Callable[[int], None] = lambda _done: None
) -> None:
    """Raises `RunDirectoryError` where one of them is not as it was written; `report` takes the bytes read so far."""
    done = 0
    for file in files:
        check_file(directory, file)
        done += file.bytes
        report(done)


def check_file(directory: RunDirectory, file: ImportFile) -> None:
    """Raises `RunDirectoryError` where the file is not byte for byte the one that was written."""
    path = directory.file(file.name)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    except OSError as error:
        raise RunDirectoryError(
            f"{path} cannot be read ({error.strerror}), and it was written: put it back, or plan and write again, in a "
            "new folder."
        ) from error
    if digest.hexdigest() != file.sha256:
        raise RunDirectoryError(
            f"{path} is not as it was written: somebody changed it. Put it back as it was, or plan and write again, in "
            "a new folder; rows cannot be corrected by hand."
        )


def _head(path: Path, rows: int) -> int:
    """Bytes of the first rows."""
    try:
        with path.open("rb") as file:
            return sum(len(line) for line, _ in zip(file, range(rows), strict=False))
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read ({error.strerror}), and it was written.") from error


def _first_half(path: Path, upload: Upload) -> tuple[int, int]:
    """Bytes and rows of about half of it: at least one row, and not all."""
    length = rows = 0
    try:
        with path.open("rb") as file:
            file.seek(upload.offset)
            for line in file:
                if rows and length + len(line) > upload.length // 2:
                    break
                length, rows = length + len(line), rows + 1
    except OSError as error:
        raise RunDirectoryError(f"{path} cannot be read ({error.strerror}), and it was written.") from error
    return length, rows


def _damaged(directory: RunDirectory) -> RunDirectoryError:
    return RunDirectoryError(
        f"The manifest of {directory.path} is damaged: what it says of the submission does not fit its files. Nothing "
        "was sent. Put back the manifest as it was; without it, look through the jobs in Userpilot before sending "
        "anything again."
    )
