"""``track-bridge dlq show``"""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.cli.dlq import opening
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.exits import ExitCode


@about(
    ("By partition and offset in the dead-letter topic", "dlq show 3:1207"),
    unreachable="No Kafka broker answers.",
)
def show(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="PARTITION:OFFSET, or its record's TOPIC/PARTITION/OFFSET.")
    ],
    config: startup.ConfigPath = None,
    redact: opening.Redact = False,
    schema: SchemaFiles = None,
    json: opening.AsJson = False,
) -> ExitCode:
    """Show one dead letter: what came, what was sent, what was answered, and what the mapping would send now."""
    from bridge.reprocess.reading.finding import find
    from bridge.reprocess.reading.redaction import places, redaction
    from bridge.reprocess.showing import letter, rows

    start = startup.load_to_read(config, schema, reaches_api=False)
    hidden = redaction(start.config.dead_letter.redact, everything=redact, within=places(start.config.mapping))
    with opening.opened(start, shows_endings=True) as topics:
        entries = find(topics.reader, name, topics.entries)
    for number, entry in enumerate(entries):
        if json:
            output.document(
                rows.document(entry, start.mapping, hidden) | letter.contents_of(entry, start.mapping, hidden)
            )
        else:
            page = letter.page(entry, start.mapping, hidden)
            output.lines(["", *page] if number else page)
    return ExitCode.OK
