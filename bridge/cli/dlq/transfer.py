"""``track-bridge dlq export`` and ``track-bridge dlq import``"""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.dlq import opening, selectors
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.commands import command
from bridge.errors import Misuse, Unreachable
from bridge.exits import ExitCode
from bridge.inputs import sources
from bridge.text.amounts import plural, thousands

if TYPE_CHECKING:
    from bridge.reprocess.reading.selection import LetterEntry
    from bridge.reprocess.transfer import ImportLine


@about(
    ("Into a file, to correct records by hand", "dlq export --unredacted -o letters.ndjson"),
    unreachable="No Kafka broker answers.",
)
def export(
    ctx: typer.Context,
    ids: opening.Ids = None,
    config: startup.ConfigPath = None,
    file: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", show_default=False, help="Left out: standard output."),
    ] = None,
    ended: Annotated[bool, typer.Option("--all", "-a", help="Also those that are replayed or discarded.")] = False,
    redact: opening.Redact = False,
    unredacted: Annotated[
        bool, typer.Option("--unredacted", help="Also what dead_letter.redact hides: only such lines can be imported.")
    ] = False,
    schema: SchemaFiles = None,
) -> ExitCode:
    """Write dead letters as NDJSON, with their raw bytes in base64; edit them and re-import them."""
    from bridge.decode import exact_json
    from bridge.reprocess.reading.redaction import places, redaction
    from bridge.reprocess.transfer import export as exported
    from bridge.text.printable import printable_bytes

    if redact and unredacted:
        raise Misuse("--redact and --unredacted exclude each other.")
    start = startup.load_to_read(config, schema, reaches_api=False)
    hidden = redaction(
        () if unredacted else start.config.dead_letter.redact, everything=redact, within=places(start.config.mapping)
    )
    count = 0
    with opening.opened(start) as topics:
        selection = topics.selection(selectors.asked(ctx), ids=tuple(ids or ()), with_ended=ended)
        found = topics.chosen(selection) if ids else topics.select(selection)
        try:
            with nullcontext(sys.stdout.buffer) if file is None else file.open("xb") as out:
                for entry in found:
                    out.write(printable_bytes(exact_json.encoded(exported(entry, hidden, start.mapping))) + b"\n")
                    count += 1
                out.flush()
        except FileExistsError as exists:
            raise Misuse(f"{file} exists already and is not overwritten.") from exists
        except OSError as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise Misuse(f"{file} cannot be written: {error.strerror}.") from error
    sys.stderr.write(f"Exported {plural(count, 'dead letter')}.\n")
    return ExitCode.OK


@about(
    ("Re-import the corrected records", 'dlq import letters.ndjson --note "amounts in cents"'),
    unreachable="No Kafka broker answers, or not everything was recorded.",
)
def import_letters(
    source: Annotated[str, typer.Argument(metavar="FILE|-", help="What track-bridge dlq export wrote, edited.")],
    note: Annotated[
        str, typer.Option("--note", metavar="TEXT", show_default=False, help="What was changed, and why; it is kept.")
    ],
    config: startup.ConfigPath = None,
    yes: opening.Yes = False,
    json: opening.AsJson = False,
) -> ExitCode:
    """Re-import corrected records: replays send them in place of the originals.

    The dead letters stay as they are; what was changed, by whom and why is recorded. Nothing is sent.
    """
    if not note.strip():
        raise Misuse("--note must say what was changed.")
    if source == sources.STDIN and not yes:
        # The lines and the answer to the question would come from the same place.
        raise Misuse("Reading from standard input leaves no way to ask: add --yes.")
    start = startup.load(config)
    lines = _lines(source)
    with opening.opened(start) as topics:
        topics.need_resolutions()
        changes, same = _changes(topics, lines, source)
        unchanged = {"changed": 0, "unchanged": same, "note": note.strip()}
        if not changes:
            output.result(unchanged, f"Nothing is changed in {plural(same, 'dead letter')}.", as_json=json)
            return ExitCode.OK
        if not output.agreed(
            f"Record corrections of {plural(len(changes), 'dead letter')}?",
            yes=yes,
            otherwise="add --yes to do it without being asked",
        ):
            output.result(unchanged, "Nothing was recorded.", as_json=json)
            return ExitCode.OK
        _write(topics, changes, note.strip())
    said = (
        f"Recorded corrections of {plural(len(changes), 'dead letter')}; {thousands(same)} are unchanged. "
        f"`{command('dlq', 'replay')}` sends them."
    )
    output.result({**unchanged, "changed": len(changes)}, said, as_json=json)
    return ExitCode.OK


def _lines(source: str) -> list[tuple[int, ImportLine]]:
    from bridge.reprocess.transfer import TransferError, parse

    lines, problems = [], []
    for number, text in sources.lines(sources.chunks(source)):
        try:
            lines.append((number, parse(text)))
        except TransferError as problem:
            problems.append((number, f"{problem}. Nothing was recorded"))
    if problems:
        raise sources.refusal(source, problems)
    if not lines:
        raise Misuse(f"{sources.name(source)} is empty: there is no dead letter to re-import.")
    return lines


def _changes(
    topics: opening.Opened, lines: list[tuple[int, ImportLine]], source: str
) -> tuple[list[tuple[LetterEntry, bytes | None, bytes | None]], int]:
    """All lines are understood before anything is written."""
    from bridge.reprocess.transfer import TransferError, merged

    wanted = {line.id: (number, line) for number, line in lines}
    changes, same = [], 0
    for entry in topics.entries():
        found = wanted.pop(str(entry.letter.place), None)
        if found is None:
            continue
        number, line = found
        if not entry.standing.state.is_open:
            raise Misuse(
                f"{sources.name(source)}, line {number}: dead letter {line.id} is {entry.standing.state.value} already."
            )
        try:
            made = merged(entry, line)
        except TransferError as problem:
            raise Misuse(f"{sources.name(source)}, line {number}: {problem}. Nothing was recorded.") from problem
        if made is None:
            same += 1
        else:
            changes.append((entry, *made))
    if wanted:
        number, line = next(iter(wanted.values()))
        raise Misuse(f"{sources.name(source)}, line {number}: {topics.topic} has no dead letter {line.id} any more.")
    return changes, same


def _write(topics: opening.Opened, changes: list[tuple[LetterEntry, bytes | None, bytes | None]], note: str) -> None:
    from bridge.formats.resolutions import Changed, encode
    from bridge.kafka.letters.resolution_writer import write_all
    from bridge.reprocess.author import author

    by, now = author("track-bridge dlq import"), time.time()
    records = [
        (
            entry.letter.place.partition,
            *encode(Changed(key, value, now, by, note), entry.letter, topics.reader.extent.topic_id),
        )
        for entry, key, value in changes
    ]
    problem = write_all(topics.start.config, startup.quiet_logger(), records)
    if problem is not None:
        raise Unreachable(f"Not all could be recorded ({problem}). Those that were are kept; run it again.")
