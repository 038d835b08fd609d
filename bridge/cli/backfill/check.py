"""``track-bridge backfill check``"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.backfill.plan import RunFolder
from bridge.cli.frame import output, progress, startup
from bridge.cli.frame.help import about
from bridge.commands import Operand, command
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text.amounts import thousands

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from bridge.backfill.checking.findings import CheckFindings
    from bridge.backfill.checking.tally import RowTally
    from bridge.backfill.manifest import Manifest

_SHOWN = 20
_DAY = 86_400.0
_YEAR = 365.25 * _DAY


@about(
    ("What the files hold, before anything is submitted", "backfill check y25"),
    ("The same where nothing is submitted from", "backfill check y25 --offline"),
    findings="A finding blocks: nothing should be submitted.",
)
def check(
    folder: RunFolder,
    config: startup.ConfigPath = None,
    retention: Annotated[
        str, typer.Option("--retention", metavar="AGE", help="How long Userpilot keeps events on your plan: 3y, 365d.")
    ] = "3y",
    offline: Annotated[
        bool, typer.Option("--offline", help="Nothing is submitted from here: end without saying what would be next.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> ExitCode:
    """Look at all rows that were written, since nothing that is imported can be taken back. Asks neither Kafka nor API.

    Needs no API key. Ends with 1 where a finding blocks. Samples are shown without what dead_letter.redact names.
    """
    from datetime import UTC, datetime, timedelta

    from bridge.backfill.checking.findings import findings
    from bridge.backfill.checking.tally import tally
    from bridge.backfill.manifest import CheckResult, Stage
    from bridge.backfill.run_directory import RunDirectory
    from bridge.text import moments

    kept = _age(retention)
    directory = RunDirectory(folder)
    directory.read()  # What is no run directory is not locked either.
    startup.load(config, needs_key=False)
    with directory.locked():
        manifest = directory.read()
        if manifest.stage in {Stage.PLANNED, Stage.WRITING}:
            raise Misuse(
                f"Not all of {folder} is written: `{command('backfill', 'write', Operand(folder))}` comes before."
            )
        now = datetime.now(UTC)
        with progress.shown("Checking", sum(manifest.written.rows.values())) as report:
            counted = tally(directory, manifest, now, now - timedelta(seconds=kept), report)
        found = findings(counted, manifest, kept)
        result = CheckResult(moments.written(now, "seconds"), found.blocking, found.warnings)
        directory.save(replace(manifest, stage=Stage.CHECKED, checked=result))
    if json:
        output.document(_document(manifest, counted, found, folder))
    else:
        output.lines(_lines(manifest, counted, found, folder, offline=offline))
    return ExitCode.FINDINGS if found.blocking else ExitCode.OK


def _age(text: str) -> float:
    """Seconds. Raises `Misuse`."""
    number, unit = text[:-1], text[-1:]
    if not (number.isascii() and number.isdigit() and unit in {"d", "y"} and 0 < int(number) <= 100_000):
        raise Misuse(f"--retention must be an age in days or years, such as 365d or 3y, not {text}.")
    seconds = int(number) * (_YEAR if unit == "y" else _DAY)
    return min(seconds, 1000 * _YEAR)


def _lines(
    manifest: Manifest, counted: RowTally, found: CheckFindings, folder: Path, *, offline: bool
) -> Iterator[str]:
    from bridge.text import tables
    from bridge.text.printable import printable

    for title, numbers in (("rows", counted.types), ("event", counted.names), ("day", counted.days)):
        if not numbers:
            continue
        order = sorted(numbers.items()) if title == "day" else numbers.most_common()
        rows = [(title, "rows"), *((printable(name), thousands(count)) for name, count in order[:_SHOWN])]
        yield from tables.table(rows, right=(1,))
        if len(order) > _SHOWN:
            rest = sum(count for _, count in order[_SHOWN:])
            yield f"  … and {thousands(rest)} rows of {thousands(len(order) - _SHOWN)} more (--json has all)"
        yield ""
    for title, counts in (("filtered", manifest.written.filtered), ("rejected", manifest.written.rejects)):
        if counts:
            yield from tables.table(
                [(title, ""), *((name, thousands(each)) for name, each in counts.items())], right=(1,)
            )
            yield ""
    if manifest.written.samples:
        yield "The first of each, as dead_letter.redact lets it be shown:"
        yield from (f"  {printable(row)}" for row in manifest.written.samples.values())
        yield ""
    yield from (f"BLOCKS: {sentence}" for sentence in found.blocking)
    yield from found.warnings
    if found.blocking:
        meant = command("backfill", "submit", Operand(folder), "--canary", "100", "--despite-findings")
        yield "Nothing should be submitted as it is." + (f" Where it is meant so: `{meant}`" if counted.rows else "")
    elif offline:
        yield "Nothing blocks."
    else:
        yield f"Nothing blocks. Next: `{command('backfill', 'submit', Operand(folder), '--canary', '100')}`"


def _document(manifest: Manifest, counted: RowTally, found: CheckFindings, folder: Path) -> Mapping[str, Any]:
    return {
        "folder": str(folder),
        "blocking": list(found.blocking),
        "warnings": list(found.warnings),
        "rows": dict(counted.types),
        "events": dict(counted.names.most_common()),
        "days": dict(sorted(counted.days.items())),
        "filtered": dict(manifest.written.filtered),
        "rejects": dict(manifest.written.rejects),
        "event_name_bytes": counted.name_bytes,
        "future": counted.future,
        "older_than_retention": counted.old,
        "large_metadata": counted.large,
        "users": counted.users,
        "users_without_identify": counted.unidentified,
        "repeated_events": counted.repeated,
        "equal_rows": counted.equal,
        "samples": dict(manifest.written.samples),
    }
