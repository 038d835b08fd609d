"""What is told of a submission: whole sentences with what to do, or the beginning of one without its full stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bridge.backfill.submit.policy import LIST_KEPT, Sighting
from bridge.backfill.submit.uploads import Submission, Upload, UploadState
from bridge.commands import Operand, command
from bridge.text.amounts import plural, thousands
from bridge.text.printable import printable
from bridge.track.imports.jobs import ImportJob
from bridge.track.imports.replies import NoAnswer, UploadReply


def what(submission: Submission, upload: Upload) -> str:
    """``3 of 12 (events, 120,000 rows of events-0001.ndjson)``."""
    canary = "the canary of " if upload.is_canary else ""
    rows = f"{plural(upload.rows, 'row')} of {upload.file}"
    return f"{upload.number} of {submission.count} ({canary}{upload.kind}, {rows})"


def clock(seconds: float) -> str:
    """A Unix time as people read it."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


# --- on the way --------------------------------------------------------------------------------------


def sending(submission: Submission, upload: Upload) -> str:
    """A request is about to be sent."""
    again = f", attempt {upload.lost + 1}" if upload.lost else ""
    return f"Sending {what(submission, upload)}{again}."


def accepted(upload: Upload) -> str:
    """The API has it."""
    if upload.state is UploadState.ACCEPTED:
        return f"The API has made {_job(upload)} of number {upload.number}."
    return f"The API took number {upload.number} and named no job; looking it up in the list of jobs."


def there_already(submission: Submission, upload: Upload) -> str:
    """It is in the list before it was sent."""
    return (
        f"{_job(upload)} has number {upload.number} already ({submission.name(upload)}): this run was submitted from "
        "elsewhere, and it is not sent again."
    )


def busy(reply: UploadReply) -> str:
    """409; the beginning of a sentence."""
    return f"Another job runs, so that no import is taken yet ({reply.detail}); waiting, which costs no attempt"


def in_the_way(job: ImportJob) -> str:
    """Somebody's job runs; the beginning of a sentence."""
    began = f" since {job.start_time}" if job.start_time else ""
    file = f" of {job.filename}" if job.filename else ""
    return f"Waiting for job {printable(job.job_id)}{file}, {job.state}{began}: one import at a time"


def not_sent(reply: UploadReply) -> str:
    """Nothing left this machine, or nothing was looked at."""
    return f"Not sent: {reply.detail}; trying again."


def cut(submission: Submission, upload: Upload, count: int) -> str:
    """413."""
    return (
        f"Upload {what(submission, upload)} is larger than the API takes (413), and nothing of it was imported: it is "
        f"sent as two, numbers {count - 1} and {count}."
    )


def lost(submission: Submission, upload: Upload) -> str:
    """The answer never came."""
    return (
        f"No answer for number {upload.number}: {upload.detail}. It may be imported all the same: looking for "
        f"{submission.name(upload)} in the list of jobs before anything is sent again."
    )


def sends_again(run: str) -> str:
    """What `watch` says where `submit` would send an upload again."""
    return f"`{command('backfill', 'submit', Operand(run))}` sends it again"


def resolved(upload: Upload, sighting: Sighting, again: str) -> str:
    """A look-up came to an end. `again`: what becomes of one that has not arrived, without a full stop."""
    if upload.state is UploadState.ACCEPTED:
        more = f" {sighting.copies} jobs have its name: it was imported more than once." if sighting.copies > 1 else ""
        return f"Number {upload.number} had arrived, as {_job(upload)}.{more}"
    if upload.state is UploadState.PENDING:
        return f"Number {upload.number} has not arrived: no job in the list has it. {again}."
    return f"Whether number {upload.number} has arrived cannot be told: {upload.detail}."


def under_way(submission: Submission, upload: Upload) -> str:
    """A job runs; the beginning of a sentence."""
    job, since = upload.job, clock(upload.since)
    rows = ""
    if job is not None and job.completed_rows is not None:
        rows = f", {thousands(job.completed_rows)} of {plural(upload.rows, 'row')}"
    state = job.state if job is not None and job.state else "in no state that the API names"
    return f"Number {upload.number} of {submission.count} is {state} since {since}{rows} ({_job(upload)})"


def ended(submission: Submission, upload: Upload) -> str:
    """A job is over."""
    number = f"Number {upload.number} of {submission.count}"
    if upload.state is UploadState.COMPLETED:
        told = upload.job is not None and upload.job.completed_rows is not None
        rows = f"all {plural(upload.rows, 'row')}" if told else "how many rows, the API does not tell"
        return f"{number} is completed: {rows}."
    return f"{number} is {upload.state}: {upload.detail}."


def no_answer(reply: NoAnswer, about: str) -> str:
    """A question is asked again."""
    return f"No answer about {about}: {reply.detail}; asking again."


def list_of_jobs() -> str:
    """What is asked before something is sent."""
    return "the list of jobs"


def looked_up(name: str) -> str:
    """What is asked after an answer that never came."""
    return f"{name} in the list of jobs"


def job_of(submission: Submission, upload: Upload) -> str:
    """What is asked while a job runs."""
    return f"{_job(upload)}, number {upload.number} of {submission.count}"


# --- the end -----------------------------------------------------------------------------------------


def done(submission: Submission, run: str) -> str:
    """Everything is sent, and its jobs are over."""
    left = [each for each in submission.uploads if each.is_taken]
    rows = sum(each.rows for each in submission.uploads)
    numbers = ", ".join(str(each.number) for each in left)
    but = f"; left as it was, with --accept: number {numbers}" if left else ""
    return (
        f"All {plural(len(submission.uploads), 'upload')} are through, {plural(rows, 'row')}{but}. "
        f"`{command('backfill', 'verify', Operand(run))}` compares with what the API tells."
    )


def nothing_under_way(submission: Submission, run: str) -> str:
    """`watch` with nothing to watch."""
    left = [each for each in submission.uploads if not each.is_settled]
    return (
        f"No job is under way; {plural(len(left), 'upload is', 'uploads are')} not sent: "
        f"`{command('backfill', 'submit', Operand(run))}` goes on."
    )


def look(submission: Submission, upload: Upload, run: str) -> str:
    """After a canary."""
    advice = {
        "companies": "the properties of a few companies",
        "users": "the properties of a few users, and their companies",
        "events": "a few users' events: names, metadata, and above all their dates and hours",
    }[upload.kind.value]
    left = sum(each.rows for each in submission.uploads if not each.is_settled)
    return (
        f"The canary of {upload.kind} is through: {plural(upload.rows, 'row')}. Look at {advice}, in Userpilot; it can "
        f"take a while until they show, and nothing that is imported can be taken back. "
        f"`{command('backfill', 'submit', Operand(run))}` goes on with {plural(left, 'row')}."
    )


def stopped(submission: Submission, upload: Upload, run: str) -> str:
    """A person has to decide about an upload."""
    number, name = str(upload.number), submission.name(upload)
    accept = command("backfill", "submit", Operand(run), "--accept", number)
    resend = command("backfill", "submit", Operand(run), "--resend", number)
    begin = f"Upload {what(submission, upload)} is {upload.state}: {upload.detail}."
    match upload.state:
        case UploadState.PARTIAL:
            return (
                f"{begin} Which rows are missing, the API does not tell. Nothing further is sent. `{accept}` leaves it "
                f"so and goes on; `{resend}` imports all its rows again, those that are there a second time."
            )
        case UploadState.FAILED:
            return (
                f"{begin} Job {printable(upload.job_id)} in Userpilot may say why. Nothing further is sent. `{resend}` "
                f"sends it again, and rows that were imported before it failed a second time; `{accept}` goes on "
                "without."
            )
        case _:
            return (
                f"{begin} Nothing further is sent. Look for an import of {name} in Userpilot: where it is there, "
                f"`{accept}` goes on; where it is not, `{resend}` sends it again."
            )


def refused(submission: Submission, upload: Upload, reply: UploadReply, run: str) -> str:
    """The API does not take a file."""
    begin = f"The API refuses upload {what(submission, upload)}: {reply.detail}."
    again = f"`{command('backfill', 'submit', Operand(run))}` goes on then; nothing of it was imported."
    if reply.status in {401, 403}:
        return f"{begin} {_KEY_OR_PLAN} {again}"
    if reply.status == 413:
        return (
            f"{begin} So small an upload is not cut any further: what is between here and the API, such as a proxy, "
            f"may take no more; let it take as much as --file-size of the plan says. {again}"
        )
    return f"{begin} Change what it names. {again}"


_KEY_OR_PLAN = (
    "Either the API key is not that of the endpoint's environment (track.api_key_file), or the plan has no imports: "
    "they are part of Enterprise, and an add-on to Growth."
)


def another_application(submission: Submission, earlier: Upload, run: str) -> str:
    """The application of the key knows nothing of what was sent before."""
    again = command("backfill", "submit", Operand(run))
    return (
        f"Nothing further is sent: {submission.endpoint} does not know {_job(earlier)} of upload "
        f"{what(submission, earlier)}, which was over at {clock(earlier.since)}. The key (track.api_key_file) may be "
        "that of another application or environment (staging, production): put back the key with which this run was "
        "begun; to import the same rows elsewhere, plan and write them in a new folder. Where you see the import "
        f"of {submission.name(earlier)} in this key's application, its job was forgotten: `{again}` goes on from "
        f"{clock(earlier.since + LIST_KEPT)} on, when that is no longer a sign of anything."
    )


def question_refused(reply: NoAnswer, about: str) -> str:
    """The API does not answer questions about jobs."""
    cause = f" {_KEY_OR_PLAN}" if reply.status in {401, 403} else ""
    return (
        f"The API refuses to tell about {about}: {reply.detail}.{cause} Without it nothing is sent, since an answer "
        "that does not come could not be looked up."
    )


def given_up(reply: NoAnswer, about: str, run: str) -> str:
    """No answer for too often."""
    return (
        f"No answer about {about} for too long: {reply.detail}. Everything that was sent is recorded: "
        f"`{command('backfill', 'submit', Operand(run))}` goes on."
    )


def unreachable(detail: str, run: str) -> str:
    """No request gets through for too often."""
    again = command("backfill", "submit", Operand(run))
    return f"Not sent for too long: {detail}. Nothing is under way; `{again}` goes on."


def takes_too_long(said: str, run: str) -> str:
    """--timeout has passed; `said` is the beginning of a sentence about the job."""
    return (
        f"{said}, longer than --timeout allows. The bridge cannot end a job: ask Userpilot about it where "
        f"it stays so. `{command('backfill', 'watch', Operand(run))}` waits on; nothing is sent twice."
    )


def lost_too_often(submission: Submission, upload: Upload) -> str:
    """The same upload came to nothing without an answer, again and again."""
    return (
        f"Upload {what(submission, upload)} came to nothing {upload.lost} times without an answer ({upload.detail}); "
        "the list of jobs shows none of it. Files planned with a smaller --file-size, or a larger "
        "track.timeout, may help; the same command tries again."
    )


def forgiven(upload: Upload) -> Upload:
    """So that the same command tries again."""
    return replace(upload, lost=0)


def _job(upload: Upload) -> str:
    return f"job {printable(upload.job_id)}" if upload.job_id else "a job"
