"""What was sent, held against what the API tells of it now: pure, of answers that were fetched before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bridge.backfill.submit.exported import ExportComparison
from bridge.backfill.submit.policy import shortfall
from bridge.backfill.submit.uploads import Submission, Upload, UploadState
from bridge.text.amounts import listed, plural, thousands
from bridge.text.printable import printable
from bridge.track.imports.jobs import ImportJob, JobList, JobPhase
from bridge.track.imports.replies import JobReply, NoAnswer, QuestionResult

_NO_ROW_ERRORS: Final = (
    "The API documents no errors of single rows, and no number of rows that it left out: a row that it counted and "
    "then discarded cannot be told from here."
)
_NO_DATES: Final = (
    "Whether an event shows under the date it was meant for cannot be told from job numbers: look at a few users in "
    "Userpilot, or hold an export against the files with --export."
)
UNKNOWN: Final = (_NO_ROW_ERRORS, _NO_DATES)
"""What job numbers do not tell."""


@dataclass(frozen=True, slots=True)
class Verification:
    """Sentences: what does not agree, what could not be asked, what agrees."""

    findings: tuple[str, ...]
    doubts: tuple[str, ...]
    agreed: tuple[str, ...]


def verify(
    submission: Submission,
    jobs: Mapping[int, JobReply],
    all_jobs: JobList | NoAnswer,
    export: ExportComparison | None,
) -> Verification:
    """`jobs`: what the API tells of each upload's job, by its number."""
    findings: list[str] = []
    doubts: list[str] = []
    completed = 0
    for upload in submission.uploads:
        found, doubt = _of_upload(submission, upload, jobs.get(upload.number))
        findings += found
        doubts += doubt
        completed += 0 if found or doubt else upload.rows
    findings += _of_list(submission, all_jobs)
    if isinstance(all_jobs, NoAnswer):
        doubts.append(f"The list of jobs could not be asked for copies of an upload: {all_jobs.detail}.")
    agreed = []
    if completed:
        agreed.append(f"{plural(completed, 'row')}: the job of each says that it completed all of them.")
    if export is not None:
        findings += _of_export(export)
        if export.elsewhere:
            none = "" if export.written else ", so that nothing was: the export is of none of this run's days"
            days = plural(export.elsewhere, "row of other days was", "rows of other days were")
            doubts.append(f"{days} not compared{none}.")
        if export.written and not (export.missing or export.again):
            agreed.append(f"{plural(export.written, 'row')} are in the export, each once.")
    return Verification(tuple(findings), tuple(doubts), tuple(agreed))


def _of_upload(submission: Submission, upload: Upload, reply: JobReply | None) -> tuple[list[str], list[str]]:
    number = f"Upload {upload.number} ({submission.name(upload)}, {plural(upload.rows, 'row')})"
    if upload.state is not UploadState.COMPLETED and not upload.is_taken:
        why = f": {upload.detail}" if upload.detail else ""
        return [f"{number} is {upload.state}{why}."], []
    if reply is None:
        return [f"{number} has no job that is known; it was left as it is with --accept."], []
    if isinstance(reply, NoAnswer):
        if reply.result is QuestionResult.UNKNOWN_JOB:
            return [], [f"{number}: the API does not know its job any more; when it ended it had {_recorded(upload)}."]
        return [], [f"{number}: its job could not be asked for: {reply.detail}."]
    return _of_job(number, submission, upload, reply)


def _recorded(upload: Upload) -> str:
    rows = upload.job.completed_rows if upload.job is not None else None
    return f"completed {plural(rows, 'row')}" if rows is not None else f"the state {upload.state}"


def _of_job(number: str, submission: Submission, upload: Upload, job: ImportJob) -> tuple[list[str], list[str]]:
    findings: list[str] = []
    if job.phase is not JobPhase.COMPLETED:
        findings.append(f"{number}: its job is {job.state or 'in no state'} now.")
    if lacking := shortfall(upload, job):
        findings.append(f"{number}: {lacking}.")
    for told in (job.completed_rows, job.total_rows):
        if told is not None and told > upload.rows:
            findings.append(f"{number}: its job counts {thousands(told)} rows, more than were sent.")
            break
    if job.filename is not None and submission.name(upload) not in job.filename:
        findings.append(f"{number}: its job is of another file, {printable(job.filename)}.")
    if findings or job.completed_rows is not None:
        return findings, []
    return [], [f"{number}: its job is completed, and does not say of how many rows."]


def _of_list(submission: Submission, all_jobs: JobList | NoAnswer) -> list[str]:
    """Jobs of this run that the manifest knows nothing of: something was imported twice."""
    if isinstance(all_jobs, NoAnswer):
        return []
    own = {upload.job_id for upload in submission.uploads}
    prefix = f"backfill-{submission.run}-"
    others = [
        job
        for job in all_jobs.jobs
        if job.filename is not None
        and prefix in job.filename
        and job.job_id not in own
        and job.phase is not JobPhase.FAILED
    ]
    if not others:
        return []
    names = listed([f"{printable(job.job_id)} ({job.filename})" for job in others], 5)
    sentence = (
        f"{plural(len(others), 'job')} of this run that the manifest does not know, whose rows are imported a second "
        f"time unless they were sent again on purpose: {names}."
    )
    return [sentence]


def _of_export(export: ExportComparison) -> Sequence[str]:
    findings = []
    if export.missing:
        findings.append(
            f"{thousands(export.missing)} of {plural(export.written, 'row')} are not in the export. Its first or "
            "last day may not be whole, or not all is in it yet."
        )
    if export.again:
        findings.append(
            f"{plural(export.again, 'row is', 'rows are')} in the export more often than they were written."
        )
    return findings
