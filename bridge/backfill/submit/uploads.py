"""What is sent: parts of the files, in order, each with all that is known of it. It is kept in the manifest.

The canary is no file of its own: it is the first rows of the first file of its kind, sent as a job of their own, and
the rest of that file is the next one. So no file changes, and each row is in one upload.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import TypeAdapter

from bridge.backfill.manifest import FileState, ImportFile, Manifest, RowKind
from bridge.track.imports.jobs import ImportJob


class UploadState(enum.StrEnum):
    """What became of an upload."""

    PENDING = "pending"
    """Not sent, or certainly not taken."""
    SENDING = "sending"
    """A request was begun, and what came of it is not known: it is looked up before anything else."""
    ACCEPTED = "accepted"
    """The API has made a job of it, which is not over."""
    COMPLETED = "completed"
    PARTIAL = "partial"
    """The job is over and completed fewer rows than were sent."""
    FAILED = "failed"
    UNRESOLVED = "unresolved"
    """It cannot be found out whether the API has it: a person has to look."""


OPEN: Final = frozenset({UploadState.PENDING, UploadState.SENDING, UploadState.ACCEPTED})
"""What another request may change."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A part of a file, and what became of it."""

    number: int
    """In the order of sending, from 1; pieces of one that was too large have numbers behind all others."""
    file: str
    kind: RowKind
    offset: int
    length: int
    """Bytes of the file."""
    rows: int
    is_canary: bool = False
    state: UploadState = UploadState.PENDING
    since: float = 0.0
    """Unix time of the state."""
    round: int = 1
    """Raised by who has it sent again after it failed: it gets another name then."""
    lost: int = 0
    """Requests that came to nothing without an answer, each proven by the list of jobs."""
    submitted_at: float | None = None
    """Unix time at which the last request was begun."""
    is_answered: bool = False
    """The API said that it has it, without a job to ask about."""
    known: tuple[str, ...] = ()
    """The jobs that were there before the last request."""
    job: ImportJob | None = None
    detail: str = ""
    """Why it is as it is: the end of a sentence."""
    is_taken: bool = False
    """Somebody said that it may stay as it is."""

    @property
    def is_settled(self) -> bool:
        """Whether the next one may be sent."""
        return self.state is UploadState.COMPLETED or (self.is_taken and self.state not in OPEN)

    @property
    def job_id(self) -> str:
        """Of its job; empty where it is not known."""
        return "" if self.job is None else self.job.job_id


@dataclass(frozen=True, slots=True)
class Submission:
    """All of a run's uploads."""

    run: str
    """Part of every name. It follows from the manifest: a copy of the run directory has the same."""
    endpoint: str
    """Where to: jobs are asked for where they were made."""
    canary: int
    """Rows of each kind that went first; 0: --no-canary."""
    uploads: tuple[Upload, ...]

    @property
    def count(self) -> int:
        """The highest number: of what was cut in two, the pieces have new ones."""
        return max(each.number for each in self.uploads)

    def name(self, upload: Upload) -> str:
        """What the API is told the file is called: unique, so that it can be found in the list of jobs."""
        again = f"-r{upload.round}" if upload.round > 1 else ""
        what = f"{upload.kind}-canary" if upload.is_canary else upload.kind.value
        return f"backfill-{self.run}-{upload.number:04d}-{what}{again}.ndjson"

    @property
    def next(self) -> Upload | None:
        """The first that is not settled: one at a time, in order. None: all are."""
        return next((each for each in self.uploads if not each.is_settled), None)

    def with_upload(self, changed: Upload) -> Submission:
        """The same with this in place of the one of its number."""
        return replace(self, uploads=tuple(changed if each.number == changed.number else each for each in self.uploads))


_SUBMISSION: Final = TypeAdapter(Submission)


def run_id(manifest: Manifest) -> str:
    """Ten hexadecimal digits: of when the plan was made, of the mapping, and of what the files hold."""
    told = "\n".join([manifest.created, manifest.mapping_hash, *(file.sha256 for file in manifest.files)])
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def begin_submission(manifest: Manifest, endpoint: str, canary: int, heads: Mapping[RowKind, int]) -> Submission:
    """All uploads of a run, none sent.

    `heads`: of each kind that has a file of more than `canary` rows first, the bytes of so many rows.
    """
    uploads: list[Upload] = []
    for kind in RowKind:
        for index, file in enumerate(each for each in manifest.files if each.kind is kind and each.rows):
            is_first = canary > 0 and index == 0
            head = heads[kind] if is_first and file.rows > canary else 0
            if head:
                uploads.append(Upload(len(uploads) + 1, file.name, kind, 0, head, canary, is_canary=True))
            rest = Upload(
                len(uploads) + 1, file.name, kind, head, file.bytes - head, file.rows - (canary if head else 0)
            )
            uploads.append(replace(rest, is_canary=is_first and not head))
    return Submission(run_id(manifest), endpoint, canary, tuple(uploads))


def rows_left(files: Sequence[ImportFile], submission: Submission | None, canary: int) -> tuple[int, int]:
    """Rows that are not through, and how many of them the next command sends: it ends behind a canary."""
    if submission is None:
        left = sum(file.rows for file in files)
        first = next(file.rows for kind in RowKind for file in files if file.kind is kind and file.rows)
        return left, min(canary, first) if canary else left
    open_ = [each for each in submission.uploads if not each.is_settled]
    end = next((index for index, each in enumerate(open_, 1) if each.is_canary), len(open_))
    return sum(each.rows for each in open_), sum(each.rows for each in open_[:end])


def read_submission(document: Mapping[str, Any]) -> Submission | None:
    """From the manifest; None where nothing was submitted. Raises `ValueError` for what is none."""
    return _SUBMISSION.validate_python(document) if document else None


def recorded(manifest: Manifest, submission: Submission) -> Manifest:
    """The manifest with it, and with what follows from it for each file."""
    document = _SUBMISSION.dump_python(submission, mode="json")
    files = tuple(_file(each, submission) for each in manifest.files)
    return replace(manifest, submission=document, files=files)


_FILE_STATES: Final = {
    UploadState.SENDING: FileState.SENDING,
    UploadState.UNRESOLVED: FileState.SENDING,
    UploadState.FAILED: FileState.FAILED,
    UploadState.PARTIAL: FileState.PARTIAL,
    UploadState.ACCEPTED: FileState.SUBMITTED,
}


def _file(file: ImportFile, submission: Submission) -> ImportFile:
    parts = [each for each in submission.uploads if each.file == file.name]
    states = {each.state for each in parts}
    found = next((named for state, named in _FILE_STATES.items() if state in states), FileState.WRITTEN)
    if parts and states == {UploadState.COMPLETED}:
        found = FileState.COMPLETED
    elif found is FileState.WRITTEN and UploadState.COMPLETED in states:
        found = FileState.SUBMITTED  # its canary is there
    jobs = {submission.name(each): each.job_id for each in parts if each.job_id}
    return replace(file, state=found, job=jobs)


def taken(submission: Submission, number: int, now: float) -> Submission:
    """Somebody says that upload `number` may stay as it is. Raises `ValueError` where nothing is to be said."""
    upload = _decidable(submission, number)
    return submission.with_upload(replace(upload, is_taken=True, since=now))


def again(submission: Submission, number: int, now: float) -> Submission:
    """Somebody wants upload `number` sent again. Raises `ValueError` where nothing is to be said."""
    upload = _decidable(submission, number)
    raised = upload.round + (0 if upload.state is UploadState.UNRESOLVED else 1)
    fresh = replace(upload, state=UploadState.PENDING, since=now, round=raised, lost=0, submitted_at=None)
    return submission.with_upload(replace(fresh, is_answered=False, known=(), job=None, detail="", is_taken=False))


def cut(submission: Submission, upload: Upload, length: int, rows: int) -> Submission:
    """Upload `upload`, of which the API has nothing, as two in its place: `length` bytes of so many rows, and the rest.

    Each has a number, and so a name, that was never sent: a job of the whole cannot be taken for one of a piece.
    """
    whole, last = replace(upload, detail="", lost=0), submission.count
    first = replace(whole, number=last + 1, length=length, rows=rows)
    offset, left = upload.offset + length, upload.length - length
    rest = replace(whole, number=last + 2, offset=offset, length=left, rows=upload.rows - rows)
    pieces = [(first, rest) if each.number == upload.number else (each,) for each in submission.uploads]
    return replace(submission, uploads=tuple(each for piece in pieces for each in piece))


def _decidable(submission: Submission, number: int) -> Upload:
    stopped = [each for each in submission.uploads if not each.is_settled and each.state not in OPEN]
    for upload in stopped:
        if upload.number == number:
            return upload
    waits = f"number {stopped[0].number} waits for a decision" if stopped else "no upload waits for a decision"
    raise ValueError(f"Nothing is to be decided about number {number}; {waits}")


def stopped_files(submission: Submission, files: Sequence[ImportFile]) -> list[str]:
    """Names of files that no upload has: a manifest that was changed by hand."""
    held = {each.file for each in submission.uploads}
    return [file.name for file in files if file.rows and file.name not in held]
