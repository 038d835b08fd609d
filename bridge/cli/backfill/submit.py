"""``track-bridge backfill submit``"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.backfill import submitting
from bridge.cli.backfill.plan import RunFolder
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.commands import Operand, command
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from bridge.backfill.manifest import Manifest
    from bridge.backfill.submit.book import SubmissionBook
    from bridge.backfill.submit.uploads import Submission


@about(
    ("The first 100 rows of each kind go first", "backfill submit y25 --canary 100"),
    ("Go on: after a canary was looked at, or wherever it ended", "backfill submit y25"),
    ("Upload 3 is partial; leave it so and go on", "backfill submit y25 --accept 3"),
    findings="The API refuses a file or the key, or a job is partial, failed or cannot be found: a person has to look.",
    unreachable=submitting.UNREACHABLE,
)
def submit(  # noqa: PLR0917 - options are parameters
    folder: RunFolder,
    config: startup.ConfigPath = None,
    canary: Annotated[
        int | None,
        typer.Option(
            "--canary",
            min=1,
            metavar="N",
            show_default=False,
            help="The first time: the first N rows of each kind are a job of their own; it ends when that is through.",
        ),
    ] = None,
    no_canary: Annotated[
        bool, typer.Option("--no-canary", help="The first time: send everything, without a look in between.")
    ] = False,
    accept: Annotated[
        int | None,
        typer.Option(
            "--accept",
            metavar="NUMBER",
            show_default=False,
            help="Leave this upload as it is, and go on: it is partial or failed, or you saw that it is there.",
        ),
    ] = None,
    resend: Annotated[
        int | None,
        typer.Option(
            "--resend",
            metavar="NUMBER",
            show_default=False,
            help="Send this upload again: it failed, or you saw that it is not there. Rows that are there come twice.",
        ),
    ] = None,
    despite_findings: Annotated[
        bool,
        typer.Option("--despite-findings", help="The first time: although the check found what should not be sent."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Send without asking.")] = False,
    every: submitting.Every = "10s",
    settle: submitting.Settle = "60s",
    timeout: submitting.Timeout = None,
    json: submitting.AsJson = False,
) -> ExitCode:
    """Send the files of a run to the Import API: companies, then users, then events, one job at a time.

    Each row is sent once. A running job is waited for. An answer that never came is looked up in the list of jobs, and
    a file is sent again only where that proves that it did not arrive. Interrupt it at any time; the same command goes
    on. Nothing that is imported can be taken back.
    """
    from bridge.backfill.run_directory import RunDirectory
    from bridge.backfill.submit.book import begin_book

    wanted = submitting.pacing(every, settle, timeout)
    start = startup.load(config)
    api = submitting.client(start)
    directory = RunDirectory(folder)
    directory.read()  # Says that there is none, before one is locked.
    with directory.locked():
        manifest = directory.read()
        submitting.need_ready(start, directory, manifest, despite_findings=despite_findings)
        book = submitting.opened(start, directory, manifest)
        decided = _decided(book, accept, resend)
        more = ("--despite-findings",) if despite_findings else ()
        rows = _canary(
            book,
            canary,
            no_canary=no_canary,
            first=command("backfill", "submit", Operand(folder), "--canary", "100", *more),
        )
        submitting.check_files(directory, manifest)
        if not output.agreed(
            _question(start, manifest, decided, rows), yes=yes, otherwise="add --yes to send without asking"
        ):
            output.result({"end": "declined"}, "Nothing was sent.", as_json=json)
            return ExitCode.OK
        if book is None:
            book = begin_book(directory, manifest, start.config.track.endpoint, rows)
        elif decided is not None:
            book.record(decided)
        working = submitting.submitter(book, api, folder, wanted, sends=True, as_json=json)
        return submitting.ended(book, submitting.on_loop(working.work), as_json=json)


def _canary(book: SubmissionBook | None, canary: int | None, *, no_canary: bool, first: str) -> int:
    """Rows that go first. Raises `Misuse` where it is not said, or was said otherwise before.

    `first`: the command that is advised instead.
    """
    if canary is not None and no_canary:
        raise Misuse("--canary and --no-canary exclude each other: give one of them.")
    if book is not None:
        before = book.submission.canary
        if (canary is not None and canary != before) or (no_canary and before):
            said = f"--canary {before}" if before else "--no-canary"
            raise Misuse(f"This run was begun with {said}, which cannot be changed any more: leave the option out.")
        return before
    if canary is None and not no_canary:
        raise Misuse(
            f"Nothing that is imported can be taken back, so a few rows go first: `{first}` sends 100 of each kind and "
            "ends, so that you can look at them in Userpilot. --no-canary sends everything at once."
        )
    return canary or 0


def _decided(book: SubmissionBook | None, accept: int | None, resend: int | None) -> Submission | None:
    """With what a person decided about one upload. Raises `Misuse` where there is nothing to decide."""
    from bridge.backfill.submit import uploads

    if accept is None and resend is None:
        return None if book is None else book.submission
    if accept is not None and resend is not None:
        raise Misuse("--accept and --resend exclude each other: give one of them.")
    if book is None:
        raise Misuse("Nothing was sent of this run, so there is nothing to decide: leave --accept and --resend out.")
    try:
        if accept is not None:
            return uploads.taken(book.submission, accept, time.time())
        return uploads.again(book.submission, resend or 0, time.time())
    except ValueError as nothing:
        raise Misuse(f"{nothing}: leave --accept and --resend out.") from nothing


def _question(
    start: startup.LoadedConfiguration, manifest: Manifest, submission: Submission | None, canary: int
) -> str:
    from bridge.backfill.submit import uploads

    left, now = uploads.rows_left(manifest.files, submission, canary)
    rows = plural(left, "row") if now == left else f"{thousands(now)} of {plural(left, 'row')}"
    return f"Import {rows} of {manifest.group} at {start.config.track.endpoint}, for good?"
