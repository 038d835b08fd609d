"""How far a run is, for people and for scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.backfill.manifest import Manifest, Stage
from bridge.backfill.submit import sentences
from bridge.backfill.submit.uploads import OPEN, Submission, Upload, UploadState
from bridge.commands import Operand, command
from bridge.text import moments
from bridge.text.amounts import plural, thousands

HEAD = ("number", "rows", "of file", "state", "since", "job")
RIGHT = (0, 1)


def rows_of(submission: Submission) -> list[tuple[str, ...]]:
    """A table's rows under `HEAD`."""
    return [_row(upload) for upload in submission.uploads]


def _row(upload: Upload) -> tuple[str, ...]:
    since = sentences.clock(upload.since) if upload.since else "-"
    canary = " (canary)" if upload.is_canary else ""
    return (
        str(upload.number),
        thousands(upload.rows),
        f"{upload.file}{canary}",
        state_of(upload),
        since,
        upload.job_id or "-",
    )


def state_of(upload: Upload) -> str:
    """With what the API calls it, and with who decided."""
    if upload.state is UploadState.ACCEPTED and upload.job is not None and upload.job.state:
        return f"accepted, {upload.job.state}"
    return f"{upload.state}, left so" if upload.is_taken else upload.state.value


def next_step(manifest: Manifest, submission: Submission | None, run: str) -> str:
    """What is to be done now, as a sentence."""
    where = Operand(run)
    if manifest.stage in {Stage.PLANNED, Stage.WRITING}:
        done, planned = thousands(manifest.offsets_written), plural(manifest.offsets, "offset")
        return f"{done} of {planned} are written. Next: {command('backfill', 'write', where)}"
    if manifest.stage is Stage.WRITTEN:
        return f"All rows are written. Next: {command('backfill', 'check', where)}"
    blocks = () if manifest.checked is None else manifest.checked.blocking
    if submission is None and blocks:
        meant = command("backfill", "submit", where, "--canary", "100", "--despite-findings")
        return (
            f"The check found what should keep anybody from submitting it: {' '.join(blocks)} Where it is meant so: "
            f"{meant}"
        )
    if submission is None:
        return f"All rows are checked. Next: {command('backfill', 'submit', where, '--canary', '100')}"
    return _next_upload(submission, run)


def _next_upload(submission: Submission, run: str) -> str:
    where, upload = Operand(run), submission.next
    if upload is None:
        return f"All is submitted. Next: {command('backfill', 'verify', where)}"
    if upload.state not in OPEN:
        return sentences.stopped(submission, upload, run)
    if upload.state is UploadState.PENDING:
        return f"Next: {command('backfill', 'submit', where)}"
    return f"Next: {command('backfill', 'watch', where)}"


def summary(submission: Submission) -> str:
    """``2 of 5 uploads are through, 1,200 of 3,400 rows.``"""
    through = [upload for upload in submission.uploads if upload.is_settled]
    rows = sum(upload.rows for upload in through)
    total = sum(upload.rows for upload in submission.uploads)
    return (
        f"{len(through)} of {plural(len(submission.uploads), 'upload')} are through, "
        f"{thousands(rows)} of {plural(total, 'row')}."
    )


def document(manifest: Manifest, submission: Submission | None, run: str) -> dict[str, Any]:
    """For ``--json``."""
    files: Sequence[dict[str, Any]] = [
        {"name": file.name, "kind": file.kind.value, "rows": file.rows, "bytes": file.bytes, "state": file.state.value}
        for file in manifest.files
    ]
    return {
        "run": run,
        "stage": manifest.stage.value,
        "offsets": {"planned": manifest.offsets, "written": manifest.offsets_written},
        "files": files,
        **uploads(submission),
        "next": next_step(manifest, submission, run),
    }


def uploads(submission: Submission | None) -> dict[str, Any]:
    """What was sent where, and what became of it."""
    return {
        "endpoint": None if submission is None else submission.endpoint,
        "canary": None if submission is None else submission.canary,
        "uploads": [] if submission is None else [_document(submission, upload) for upload in submission.uploads],
    }


def _document(submission: Submission, upload: Upload) -> dict[str, Any]:
    job = upload.job
    return {
        "number": upload.number,
        "name": submission.name(upload),
        "file": upload.file,
        "kind": upload.kind.value,
        "canary": upload.is_canary,
        "rows": upload.rows,
        "state": upload.state.value,
        "since": moments.iso(upload.since) if upload.since else None,
        "job_id": upload.job_id or None,
        "job_state": None if job is None else job.state or None,
        "completed_rows": None if job is None else job.completed_rows,
        "accepted_by_hand": upload.is_taken,
        "detail": upload.detail or None,
    }
