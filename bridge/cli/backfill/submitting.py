"""What the commands share that send the files of a run, or ask what became of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

import typer

from bridge.cli.frame import output
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from bridge.backfill.manifest import Manifest
    from bridge.backfill.run_directory import RunDirectory
    from bridge.backfill.submit.book import SubmissionBook
    from bridge.backfill.submit.driver import SubmissionEnd, Submitter
    from bridge.backfill.submit.pacing import Pacing
    from bridge.cli.frame.startup import LoadedConfiguration
    from bridge.track.imports.client import ImportsClient

Every = Annotated[
    str,
    typer.Option(
        "--every",
        metavar="DURATION",
        help="Between two questions about a job; up to six times as long while nothing changes.",
    ),
]
Settle = Annotated[
    str,
    typer.Option(
        "--settle",
        metavar="DURATION",
        help="How long a file whose answer never came must be missing from the list of jobs before it is sent again.",
    ),
]
Timeout = Annotated[
    str | None,
    typer.Option(
        "--timeout",
        metavar="DURATION",
        show_default=False,
        help="How long to wait for one job. Left out: until it ends.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document: how it ended, and every upload.")]
UNREACHABLE: Final = "The API does not answer, or a job takes longer than --timeout; run the same command again."
_SLOWER: Final = 6
T = TypeVar("T")


def pacing(every: str, settle: str, timeout: str | None) -> Pacing:
    """By the options. Raises `Misuse`."""
    from bridge.backfill.submit.pacing import Pacing

    least = seconds("--every", every)
    if least <= 0:
        raise Misuse(f"--every must be more than nothing, not {every}.")
    return Pacing(
        least=least,
        most=_SLOWER * least,
        settle=seconds("--settle", settle),
        timeout=None if timeout is None else seconds("--timeout", timeout),
    )


def seconds(option: str, text: str) -> float:
    """A duration as an option gives it. Raises `Misuse`."""
    from bridge.config.keys import scalars

    try:
        return scalars.duration(text)
    except ValueError as problem:
        raise Misuse(f"{option} {problem}.") from problem


def need_ready(
    start: LoadedConfiguration, directory: RunDirectory, manifest: Manifest, *, despite_findings: bool = True
) -> None:
    """Raises `Misuse` where its files must not be sent, or were made by another mapping than the configuration's."""
    from bridge.backfill.planning.plan import refuse_other_mapping
    from bridge.backfill.submit import book

    refuse_other_mapping(manifest, start.config, start.mapping)
    book.need_ready(directory, manifest, despite_findings=despite_findings)


def opened(start: LoadedConfiguration, directory: RunDirectory, manifest: Manifest) -> SubmissionBook | None:
    """What was sent so far; None: nothing. Raises `Misuse` where it was sent to another address."""
    from bridge.backfill.submit import book

    found = book.read_book(directory, manifest)
    if found is not None:
        book.need_same_endpoint(directory, found.submission, start.config.track.endpoint)
    return found


def begun(start: LoadedConfiguration, directory: RunDirectory, manifest: Manifest) -> SubmissionBook:
    """The same, where something was sent. Raises `Misuse` where nothing was."""
    from bridge.commands import Operand, command

    book = opened(start, directory, manifest)
    if book is None:
        again = command("backfill", "submit", Operand(directory.path), "--canary", "100")
        raise Misuse(f"Nothing of {directory.path} was sent yet: `{again}` begins.")
    return book


def check_files(directory: RunDirectory, manifest: Manifest) -> None:
    """Raises `Misuse` where one of them is not as it was written."""
    from bridge.backfill.submit import book
    from bridge.cli.frame import progress

    total = sum(file.bytes for file in manifest.files)
    with progress.shown("Reading the files again", total) as report:
        book.check_files(directory, manifest.files, report)


def client(start: LoadedConfiguration) -> ImportsClient:
    """With the key. Raises `Misuse` for a key, a proxy or a certificate that cannot be used."""
    from bridge.cli.frame import startup
    from bridge.track.imports.client import build_client

    return build_client(start.config.track, startup.api_key(start), start.proxy)


def submitter(
    book: SubmissionBook, api: ImportsClient, folder: Path, pacing: Pacing, *, sends: bool, as_json: bool
) -> Submitter:
    """Tells what it does on standard output, beside a document on standard error."""
    import asyncio

    from bridge.backfill.submit.driver import Submitter

    def tell(sentence: str) -> None:
        output.notice(sentence) if as_json else output.line(printable(sentence))
        sys.stdout.flush()  # It may be hours until the next one, and somebody may read a pipe.

    return Submitter(book, api, str(folder), tell, sleep=asyncio.sleep, pacing=pacing, sends=sends)


def ended(book: SubmissionBook, end: SubmissionEnd, *, as_json: bool) -> ExitCode:
    """Shows how it ended."""
    from bridge.backfill.submit import progress
    from bridge.backfill.submit.driver import EndKind

    if as_json:
        output.document({"end": end.kind.value, "sentence": end.sentence, **progress.uploads(book.submission)})
    else:
        output.line(printable(end.sentence), "green" if end.kind is EndKind.DONE else None)
    return {EndKind.STOPPED: ExitCode.FINDINGS, EndKind.UNANSWERED: ExitCode.UNREACHABLE}.get(end.kind, ExitCode.OK)


def on_loop(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it; Ctrl-C ends it where it is: what was begun is recorded."""
    import asyncio

    return asyncio.run(main())
