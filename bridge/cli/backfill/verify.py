"""``track-bridge backfill verify``"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.backfill import submitting
from bridge.cli.backfill.plan import RunFolder
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.exits import ExitCode
from bridge.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bridge.backfill.manifest import Manifest
    from bridge.backfill.run_directory import RunDirectory
    from bridge.backfill.submit.exported import ExportComparison
    from bridge.backfill.submit.uploads import Submission
    from bridge.track.imports.client import ImportsClient
    from bridge.track.imports.jobs import JobList
    from bridge.track.imports.replies import JobReply, NoAnswer


@about(
    ("Hold what was sent against its jobs", "backfill verify y25"),
    ("And against an export that you made in Userpilot", "backfill verify y25 --export events.ndjson.gz"),
    findings="Something is not as it was sent: a file, a job, or a row of the export.",
    unreachable="The API does not answer.",
)
def verify(
    folder: RunFolder,
    config: startup.ConfigPath = None,
    export: Annotated[
        list[Path] | None,
        typer.Option(
            "--export",
            metavar="FILE",
            show_default=False,
            help="A file of Userpilot's export (format ndjson, plain or .gz), to compare row by row; may be given "
            "several times.",
        ),
    ] = None,
    timeout: Annotated[
        str,
        typer.Option(
            "--timeout",
            metavar="DURATION",
            help="How long to ask again, in all, where the API does not answer.",
        ),
    ] = "5m",
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Hold what was sent against what the API tells of it, and say what it does not tell.

    The files must be as they were written, each upload must have a job that completed all of its rows, and no other job
    may be of this run. Exports are made with Userpilot's export API, or in the app, where the plan has them.
    """
    from bridge.backfill.run_directory import RunDirectory
    from bridge.backfill.submit import verify as verifying
    from bridge.errors import Unreachable
    from bridge.track.imports.replies import NoAnswer, QuestionResult

    longest = submitting.seconds("--timeout", timeout)
    start = startup.load(config)
    api = submitting.client(start)
    directory = RunDirectory(folder)
    manifest = directory.read()
    submission = submitting.begun(start, directory, manifest).submission
    submitting.check_files(directory, manifest)
    compared = _compared(directory, manifest, export) if export else None
    jobs, listed = submitting.on_loop(lambda: _asked(api, submission, longest))
    if isinstance(listed, NoAnswer) and listed.result is QuestionResult.UNANSWERED:
        raise Unreachable(f"The API does not tell about the jobs: {listed.detail}.")
    found = verifying.verify(submission, jobs, listed, compared)
    if json:
        output.document({
            "findings": found.findings, "doubts": found.doubts, "agreed": found.agreed, "unknown": verifying.UNKNOWN
        })  # fmt: skip
    else:
        _show("Not as it was sent", found.findings, "red")
        _show("Could not be told", found.doubts, "yellow")
        _show("As it was sent", found.agreed, "green")
        _show("What nobody can tell from this", verifying.UNKNOWN if compared is None else verifying.UNKNOWN[:1], None)
    return ExitCode.FINDINGS if found.findings else ExitCode.OK


def _show(title: str, sentences: Sequence[str], style: str | None) -> None:
    if sentences:
        output.line(f"{title}:", style)
        output.lines(f"  {printable(sentence)}" for sentence in sentences)


async def _asked(
    api: ImportsClient, submission: Submission, longest: float
) -> tuple[dict[int, JobReply], JobList | NoAnswer]:
    """Each question again where it is not answered, for a while; nothing is asked after a list that never came."""
    import asyncio

    from bridge.backfill.submit import sentences
    from bridge.backfill.submit.asking import Questions
    from bridge.track.imports.replies import NoAnswer, QuestionResult

    questions = Questions(output.notice, sleep=asyncio.sleep, longest=longest)
    listed = await questions.asked(api.jobs, sentences.list_of_jobs())
    jobs: dict[int, JobReply] = {}
    if isinstance(listed, NoAnswer) and listed.result is QuestionResult.UNANSWERED:
        return jobs, listed
    for each in submission.uploads:
        if each.job_id:
            asked = partial(api.job, each.job_id)
            jobs[each.number] = await questions.asked(asked, sentences.job_of(submission, each))
    return jobs, listed


def _compared(directory: RunDirectory, manifest: Manifest, exports: Sequence[Path]) -> ExportComparison:
    from bridge.backfill.submit.exported import compare

    def written() -> Iterator[bytes]:
        for file in manifest.files:
            with directory.file(file.name).open("rb") as lines:
                yield from lines

    return compare(written(), exports)
