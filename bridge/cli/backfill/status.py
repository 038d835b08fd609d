"""``track-bridge backfill status``"""

from __future__ import annotations

from typing import Annotated

import typer

from bridge import commands
from bridge.cli.backfill.plan import RunFolder
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.exits import ExitCode
from bridge.text import tables
from bridge.text.printable import printable


@about(
    ("How far a run is, and what is next", "backfill status y25"),
    findings="A job is partial, failed, or cannot be found: a person has to decide.",
)
def status(
    folder: RunFolder,
    config: startup.ConfigPath = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Show how far a run is: each upload, what became of it, and what is next. Asks nobody, and changes nothing."""
    from bridge.backfill.run_directory import RunDirectory
    from bridge.backfill.submit import progress
    from bridge.backfill.submit.book import read_book
    from bridge.backfill.submit.uploads import OPEN

    commands.configured_by(None if config is None else str(config))  # For the command that is next.
    directory = RunDirectory(folder)
    manifest = directory.read()
    book = read_book(directory, manifest)
    submission = None if book is None else book.submission
    if json:
        output.document(progress.document(manifest, submission, str(folder)))
    else:
        if submission is not None:
            rows = output.fitted([progress.HEAD, *progress.rows_of(submission)])
            output.lines(tables.table(rows, right=progress.RIGHT))
            output.line(f"{progress.summary(submission)} To {submission.endpoint}.")
        output.line(printable(progress.next_step(manifest, submission, str(folder))))
    waits = submission is not None and (upload := submission.next) is not None and upload.state not in OPEN
    return ExitCode.FINDINGS if waits else ExitCode.OK
