"""What an answer makes of an upload: a pure state machine. No answer leads from "may be accepted" to "send it again"
but one: a list of jobs that proves that there is none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from bridge.backfill.submit.uploads import OPEN, Submission, Upload, UploadState
from bridge.text.amounts import plural, thousands
from bridge.track.imports.jobs import ImportJob, JobList, JobPhase, newest_first
from bridge.track.imports.replies import UploadReply, UploadResult

MOST_LOST: Final = 5
"""Requests for one upload that come to nothing without an answer, before somebody has to look why."""
LIST_KEPT: Final = 2 * 86_400.0
"""Seconds after which a job that is not in the list may have been there: of exports it is documented that their jobs
are shown for 3 days, of imports nothing is."""
_SMALLEST_PAGE: Final = 10
_PAGES: Final = 5


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a list of jobs says of an upload. Without job and doubt: it is not there."""

    job: ImportJob | None = None
    doubt: str = ""
    """Why it proves nothing: the end of a sentence."""
    copies: int = 0
    """Jobs of its name."""


def begun(upload: Upload, known: Sequence[ImportJob], now: float) -> Upload:
    """To be recorded before a request is sent: from here on it may be accepted."""
    ids = tuple(job.job_id for job in known)
    changed = replace(upload, state=UploadState.SENDING, since=now, submitted_at=now, known=ids, is_answered=False)
    return replace(changed, job=None, detail="")


def after_request(upload: Upload, reply: UploadReply, now: float) -> Upload:
    """What came of the request. Where it was not taken it is as if it had never been sent."""
    match reply.result:
        case UploadResult.ACCEPTED if reply.job is not None:
            return _as(upload, UploadState.ACCEPTED, now, job=reply.job)
        case UploadResult.ACCEPTED:
            detail = f"{reply.detail} without a job's id"
            return replace(upload, is_answered=True, detail=detail)
        case UploadResult.LOST:
            return replace(upload, detail=reply.detail)
        case UploadResult.BUSY | UploadResult.NOT_SENT | UploadResult.REFUSED:
            return _as(upload, UploadState.PENDING, now, detail=reply.detail)


def seen(upload: Upload, name: str, listed: JobList, now: float) -> Sighting:
    """Whether the API has a job of it.

    By its name, which is unique. Failing that, by what has begun since: a job without a name that has its size is it,
    and one of that size under another name might be.
    """
    if named := jobs_named(name, listed):
        return Sighting(job=named[0], copies=len(named))
    others = [job for job in listed.jobs if job.job_id not in upload.known and not job.is_export]
    for job in others:
        if job.filename is None and job.file_size == upload.length:
            return Sighting(job=job, copies=1)
    for job in others:
        if job.filename is None and job.file_size is None:
            return Sighting(doubt=f"job {job.job_id} has begun since, and the API tells neither its file nor its size")
        if job.file_size == upload.length:
            return Sighting(doubt=f"job {job.job_id} has exactly its size, under another name")
    return Sighting(doubt=_unproven(upload, listed, now))


def jobs_named(name: str, listed: JobList) -> list[ImportJob]:
    """Those of this upload: the API may put something before its name."""
    return [job for job in listed.jobs if job.filename is not None and name in job.filename]


def _unproven(upload: Upload, listed: JobList, now: float) -> str:
    """Why a list without it does not prove that there is none; empty where it does."""
    began = upload.submitted_at
    if began is not None and now - began > LIST_KEPT:
        return "the request is so long ago that its job may not be listed any more"
    if listed.unreadable:
        return f"{plural(listed.unreadable, 'entry', 'entries')} of the list of jobs cannot be read"
    if upload.known and not any(job.job_id in upload.known for job in listed.jobs):
        return "the list shows none of the jobs that were there before: it may be another application's"
    if newest_first(listed.jobs):
        return ""
    shown = len(listed.jobs)
    is_like_a_page = shown >= _SMALLEST_PAGE and shown % _PAGES == 0 and shown == len(upload.known)
    if listed.is_page or is_like_a_page:
        return f"the list shows {plural(shown, 'job')}, not the newest first, and may go on"
    return ""


def after_look(upload: Upload, sighting: Sighting, now: float, *, is_sure: bool) -> Upload:
    """What the list of jobs makes of an upload whose answer never came.

    `is_sure`: it has been missing for long enough; a request that is still on its way would show later.
    """
    if sighting.job is not None:
        return _as(upload, UploadState.ACCEPTED, now, job=sighting.job)
    if not is_sure:
        return upload
    if sighting.doubt:
        return _as(upload, UploadState.UNRESOLVED, now, detail=sighting.doubt)
    if upload.is_answered:
        detail = f"{upload.detail}, and the list of jobs shows none of it"
        return _as(upload, UploadState.UNRESOLVED, now, detail=detail)
    return replace(_as(upload, UploadState.PENDING, now, detail=upload.detail), lost=upload.lost + 1)


def after_poll(upload: Upload, job: ImportJob, now: float) -> Upload:
    """What its job makes of it."""
    match job.phase:
        case JobPhase.FAILED:
            return _as(upload, UploadState.FAILED, now, job=job, detail=_progress(job) or "the API does not say why")
        case JobPhase.COMPLETED:
            missing = shortfall(upload, job)
            state = UploadState.PARTIAL if missing else UploadState.COMPLETED
            return _as(upload, state, now, job=job, detail=missing)
        case JobPhase.RUNNING | JobPhase.UNKNOWN:
            is_news = upload.job is None or upload.job.state != job.state
            return replace(upload, job=job, since=now if is_news else upload.since)


def vanished(upload: Upload, now: float) -> Upload:
    """The API does not know the job any more that it had made of it."""
    seen_last = f", last seen {upload.job.state}" if upload.job is not None and upload.job.state else ""
    detail = f"the API does not know job {upload.job_id} any more{seen_last}, or the key is another application's"
    return _as(upload, UploadState.UNRESOLVED, now, detail=detail)


def shortfall(upload: Upload, job: ImportJob) -> str:
    """How many rows a job that is over lacks, as the end of a sentence; empty where it lacks none, or does not say."""
    if job.completed_rows is not None and job.completed_rows < upload.rows:
        return f"{thousands(job.completed_rows)} of {plural(upload.rows, 'row')} were completed"
    if job.total_rows is not None and job.total_rows < upload.rows:
        return f"the API counted {thousands(job.total_rows)} of {plural(upload.rows, 'row')}"
    return ""


def witness(submission: Submission, jobs: Sequence[ImportJob], now: float) -> Upload | None:
    """An upload whose job the application of the key must still know, and that is not among `jobs`; None: nothing to
    ask. The endpoint is the same for all applications: which of them is meant, the key decides alone.
    """
    over = [each for each in submission.uploads if each.job is not None and each.state not in OPEN]
    if not over:
        return None
    listed = {job.job_id for job in jobs}
    last = max(over, key=lambda each: each.since)
    is_old = now - last.since > LIST_KEPT
    return None if is_old or any(each.job_id in listed for each in over) else last


def in_the_way(jobs: Sequence[ImportJob]) -> ImportJob | None:
    """A job that runs: an import sent now would be refused."""
    return next((job for job in jobs if job.phase is JobPhase.RUNNING and not job.is_export), None)


def _progress(job: ImportJob) -> str:
    if job.completed_rows is None:
        return ""
    return f"{plural(job.completed_rows, 'row')} had been completed"


def _as(upload: Upload, state: UploadState, now: float, *, job: ImportJob | None = None, detail: str = "") -> Upload:
    # What was there before is of use only while it is looked for, and a list of jobs may be long.
    known = upload.known if state is UploadState.SENDING else ()
    return replace(upload, state=state, since=now, job=job or upload.job, detail=detail, known=known)
