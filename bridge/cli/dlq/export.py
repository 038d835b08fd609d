"""``bridge dlq export``"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.dlq import opening, selectors
from bridge.cli.frame import startup
from bridge.cli.frame.help import about
from bridge.errors import Misuse
from bridge.exits import ExitCode
from bridge.text.amounts import plural


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
) -> ExitCode:
    """Write dead letters as NDJSON, with their raw bytes in base64; edit them and re-import them."""
    from bridge.decode import exact_json
    from bridge.reprocess.reading.redaction import redaction
    from bridge.reprocess.transfer import export as exported
    from bridge.text.printable import printable_bytes

    if redact and unredacted:
        raise Misuse("--redact and --unredacted exclude each other.")
    start = startup.load(config)
    hidden = redaction(() if unredacted else start.config.dead_letter.redact, everything=redact)
    count = 0
    with opening.opened(start) as topics:
        selection = topics.selection(selectors.asked(ctx), ids=tuple(ids or ()), with_ended=ended)
        found = topics.chosen(selection) if ids else topics.select(selection)
        try:
            with nullcontext(sys.stdout.buffer) if file is None else file.open("xb") as out:
                for entry in found:
                    out.write(printable_bytes(exact_json.encoded(exported(entry, hidden))) + b"\n")
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
