"""``bridge dlq show``"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.dlq import opening
from bridge.cli.frame import output, startup
from bridge.cli.frame.help import about
from bridge.cli.frame.schema_option import SchemaFiles
from bridge.errors import Misuse
from bridge.exits import ExitCode

if TYPE_CHECKING:
    from bridge.formats.letters import LetterPlace
    from bridge.reprocess.reading.selection import LetterEntry


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
    from bridge.reprocess.reading.redaction import places, redaction
    from bridge.reprocess.showing import letter, rows

    start = startup.load_to_read(config, schema)
    hidden = redaction(start.config.dead_letter.redact, everything=redact, within=places(start.config.mapping))
    with opening.opened(start, shows_endings=True) as topics:
        entries = find(topics, name)
    for number, entry in enumerate(entries):
        if json:
            output.document(
                rows.document(entry, start.mapping, hidden) | letter.contents_of(entry, start.mapping, hidden)
            )
        else:
            page = letter.page(entry, start.mapping, hidden)
            output.lines(["", *page] if number else page)
    return ExitCode.OK


def find(topics: opening.Opened, text: str) -> list[LetterEntry]:
    """The letters of an id: one, or one per event of a record. Raises `Misuse` where there is none."""
    from bridge.formats.letters import LetterPlace
    from bridge.reprocess.reading.selection import LetterEntry, is_named, parse_id

    try:
        name = parse_id(text)
    except ValueError as problem:
        raise Misuse(f"{problem}.") from problem
    if isinstance(name, LetterPlace):
        letter = _at(topics, name)
        topics.reader.read_resolutions()
        return [LetterEntry(letter, topics.reader.ledger.standing(letter))]
    found = [entry for entry in topics.entries() if is_named(entry.letter, name)]
    if not found:
        raise Misuse(
            f"{topics.topic} has no dead letter of {text}: it was never a dead letter, or retention removed it."
        )
    return found


def _at(topics: opening.Opened, place: LetterPlace) -> Any:
    from bridge.model import TopicPartition

    partition = TopicPartition(topics.topic, place.partition)
    log = topics.reader.extent.letters.get(partition)
    if log is None:
        raise Misuse(
            f"{topics.topic} has no partition {place.partition}; it has {len(topics.reader.extent.letters)}, from 0."
        )
    if place.offset < log.first:
        raise Misuse(
            f"Dead letter {place} is no longer in {topics.topic}: retention removed it; the first of its partition "
            f"is now {place.partition}:{log.first}."
        )
    if place.offset >= log.end:
        raise Misuse(f"There is no dead letter {place} in {topics.topic}: its partition ends before offset {log.end}.")
    letters = topics.reader.at({partition: range(place.offset, place.offset + 1)})
    if not letters:
        raise Misuse(f"There is no dead letter at {place} in {topics.topic}: the offset holds no record.")
    return letters[0]
