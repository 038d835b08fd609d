"""What proves that an upload did not arrive, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.backfill.manifest import RowKind
from bridge.backfill.submit import policy
from bridge.backfill.submit.uploads import Submission, Upload, UploadState
from bridge.track.imports.jobs import ImportJob, JobList
from bridge.track.imports.replies import UploadReply, UploadResult

NOW = 1_800_000_000.0
NAME = "backfill-0123456789-0001-events.ndjson"
SENT = Upload(1, "events-0001.ndjson", RowKind.EVENTS, 0, 5000, 100)
KNOWN = tuple(ImportJob(f"j{number}", "completed", "import", f"{number}.csv", number) for number in range(10))
SENDING = policy.begun(SENT, (), NOW)


def listed(*jobs: ImportJob, is_page: bool = False, unreadable: int = 0) -> JobList:
    return JobList(jobs, is_page, unreadable)


def timed(*seconds: int) -> list[ImportJob]:
    return [ImportJob(f"t{at}", "completed", "import", f"{at}.csv", at, start_time=str(at)) for at in seconds]


def look(jobs: JobList, upload: Upload = SENDING, *, is_sure: bool = True, now: float = NOW + 60) -> Upload:
    return policy.after_look(upload, policy.seen(upload, NAME, jobs, now), now, is_sure=is_sure)


@pytest.mark.parametrize("filename", [NAME, f"imports/2026/{NAME}", f"c0ffee-{NAME}"])
def test_a_job_of_its_name_is_it_whatever_size_the_api_tells(filename: str) -> None:
    found = look(listed(ImportJob("new", "queued", "import", filename, 7)), is_sure=False)
    assert (found.state, found.job_id) == (UploadState.ACCEPTED, "new")


def test_a_job_without_a_name_that_began_since_and_has_its_size_is_it() -> None:
    job = ImportJob("new", "queued", "import", None, 5000)
    assert look(listed(job)).state is UploadState.ACCEPTED
    known = policy.begun(SENT, [job], NOW)
    assert look(listed(job), known).state is UploadState.PENDING


@pytest.mark.parametrize(
    "jobs",
    [
        listed(ImportJob("new", "queued", "import", "import-1.ndjson", 5000)),
        listed(ImportJob("new", "queued", "import", None, None)),
        listed(unreadable=1),
        listed(*timed(100, 200), is_page=True),
    ],
    ids=["its size under another name", "neither name nor size", "an entry without id", "a page, oldest first"],
)
def test_a_list_that_proves_nothing_leads_to_a_person_and_never_to_another_request(jobs: JobList) -> None:
    assert look(jobs, is_sure=False).state is UploadState.SENDING
    found = look(jobs)
    assert found.state is UploadState.UNRESOLVED
    assert found.detail


def test_a_list_that_is_as_long_as_before_and_like_a_page_proves_nothing() -> None:
    sending = policy.begun(SENT, KNOWN, NOW)
    assert look(listed(*KNOWN), sending).state is UploadState.UNRESOLVED
    assert look(listed(*KNOWN[:9]), policy.begun(SENT, KNOWN[:9], NOW)).state is UploadState.PENDING


@pytest.mark.parametrize(
    "jobs",
    [listed(), listed(*timed(300, 200, 100)), listed(*timed(300, 200, 100), is_page=True), listed(KNOWN[0])],
    ids=["no jobs", "newest first", "the first page, newest first", "a short list"],
)
def test_a_list_without_it_proves_that_it_did_not_arrive(jobs: JobList) -> None:
    assert look(jobs, is_sure=False).state is UploadState.SENDING
    found = look(jobs)
    assert (found.state, found.lost) == (UploadState.PENDING, 1)


@pytest.mark.parametrize("jobs", [listed(), listed(*timed(300, 200, 100)), listed(is_page=True)])
def test_a_list_that_shows_none_of_the_jobs_that_were_there_before_proves_nothing(jobs: JobList) -> None:
    sending = policy.begun(SENT, KNOWN[:3], NOW)
    found = look(jobs, sending)
    assert found.state is UploadState.UNRESOLVED
    assert "it may be another application's" in found.detail
    assert look(listed(*jobs.jobs, KNOWN[2]), sending).state is UploadState.PENDING


def test_an_upload_that_is_over_is_asked_about_while_its_job_must_be_known_and_is_not_listed() -> None:
    over = [
        replace(SENT, number=number, state=UploadState.COMPLETED, since=NOW + number, job=KNOWN[number])
        for number in (1, 2)
    ]
    submission = Submission("0123456789", "https://api.example", 0, (*over, replace(SENT, number=3)))
    assert policy.witness(submission, KNOWN[3:], NOW) == over[1]
    assert policy.witness(submission, KNOWN[:2], NOW) is None
    assert policy.witness(submission, (), NOW + 3 * 86_400) is None
    assert policy.witness(replace(submission, uploads=submission.uploads[2:]), (), NOW) is None


def test_days_later_a_list_proves_nothing() -> None:
    assert look(listed(), now=NOW + 3 * 86_400).state is UploadState.UNRESOLVED


def test_an_upload_that_was_accepted_without_a_job_is_never_sent_again() -> None:
    answered = policy.after_request(SENDING, UploadReply(UploadResult.ACCEPTED, "the API answered 200", 200), NOW)
    assert answered.state is UploadState.SENDING
    assert look(listed(), answered).state is UploadState.UNRESOLVED


@pytest.mark.parametrize("result", [UploadResult.BUSY, UploadResult.NOT_SENT, UploadResult.REFUSED])
def test_an_answer_that_nothing_was_taken_costs_no_attempt(result: UploadResult) -> None:
    after = policy.after_request(SENDING, UploadReply(result, "no", 409), NOW)
    assert (after.state, after.lost) == (UploadState.PENDING, 0)


def test_an_answer_that_never_came_leaves_it_as_begun() -> None:
    after = policy.after_request(SENDING, UploadReply(UploadResult.LOST, "reset"), NOW)
    assert after == replace(SENDING, detail="reset")


@pytest.mark.parametrize(
    ("job", "state"),
    [
        (ImportJob("j", "completed", total_rows=100, completed_rows=100), UploadState.COMPLETED),
        (ImportJob("j", "completed", total_rows=100), UploadState.COMPLETED),
        (ImportJob("j", "completed", total_rows=100, completed_rows=99), UploadState.PARTIAL),
        (ImportJob("j", "completed", total_rows=99, completed_rows=99), UploadState.PARTIAL),
        (ImportJob("j", "completed", total_rows=99), UploadState.PARTIAL),
        (ImportJob("j", "completed", completed_rows=0), UploadState.PARTIAL),
        (ImportJob("j", "failed", completed_rows=50), UploadState.FAILED),
        (ImportJob("j", "pending_refresh", completed_rows=100), UploadState.ACCEPTED),
        (ImportJob("j", "completed_with_errors", completed_rows=100), UploadState.ACCEPTED),
    ],
)
def test_what_a_job_makes_of_an_upload(job: ImportJob, state: UploadState) -> None:
    accepted = policy.after_request(SENDING, UploadReply(UploadResult.ACCEPTED, "", 200, job), NOW)
    assert policy.after_poll(accepted, job, NOW).state is state


def test_an_export_and_a_job_that_is_over_are_not_in_the_way() -> None:
    over = ImportJob("a", "completed", "import")
    export = ImportJob("b", "processing", "export")
    strange = ImportJob("c", "cancelled", "import")
    running = ImportJob("d", "queued", "bulk_identify")
    assert policy.in_the_way([over, export, strange]) is None
    assert policy.in_the_way([over, export, running]) == running
