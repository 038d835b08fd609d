"""``track-bridge dlq list``"""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.dlq import opening, selectors
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.commands import command
from bridge.exits import ExitCode
from bridge.text import tables

PAGE = 50
"""Dead letters shown to a person who did not say how many."""


@about(
    ("Those that the API rejected", "dlq list --reason rejected --limit 20"),
    unreachable="No Kafka broker answers.",
)
def list_letters(
    ctx: typer.Context,
    config: startup.ConfigPath = None,
    ended: Annotated[bool, typer.Option("--all", "-a", help="Also those that are replayed or discarded.")] = False,
    all_groups: opening.AllGroups = False,
    redact: opening.Redact = False,
    schema: SchemaFiles = None,
    json: opening.AsJson = False,
) -> ExitCode:
    """Show the dead letters, one per line; the oldest 50, or --limit."""
    from dataclasses import replace

    from bridge.reprocess.reading.redaction import places, redaction
    from bridge.reprocess.showing import rows
    from bridge.text.printable import printable

    start = startup.load_to_read(config, schema, reaches_api=False)
    hidden = redaction(start.config.dead_letter.redact, everything=redact, within=places(start.config.mapping))
    with opening.opened(start, shows_endings=ended) as topics:
        selection = topics.selection(selectors.asked(ctx), with_ended=ended, all_groups=all_groups)
        if json:
            for entry in topics.select(selection):
                output.document(rows.document(entry, start.mapping, hidden))
            return ExitCode.OK
        shown = list(topics.select(replace(selection, limit=selection.limit or PAGE + 1)))
        if not shown:
            output.line(topics.none_match(selection))
            return ExitCode.OK
    cut = selection.limit is None and len(shown) > PAGE
    found = rows.table(shown[: PAGE if cut else None], start.mapping, hidden)
    output.lines(printable(line) for line in tables.table(output.fitted(found)))
    if cut:
        output.line(
            f"… and more: these are the oldest {PAGE}; --limit N shows more, `{command('dlq', 'stats')}` counts them."
        )
    return ExitCode.OK
