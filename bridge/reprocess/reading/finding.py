"""One dead letter by its name: read alone where the name is its place, looked for where it is its record's."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bridge.errors import Misuse
from bridge.formats.letters import Letter, LetterPlace
from bridge.model import TopicPartition
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.selection import LetterEntry, is_named, parse_id


def find(
    reader: LetterReader, text: str, entries: Callable[[], Iterable[LetterEntry]] | None = None
) -> list[LetterEntry]:
    """The letters of an id: one, or one per event of a record. Raises `Misuse` where there is none.

    `entries`: all there are, by whoever shows how far the reading is.
    """
    try:
        name = parse_id(text)
    except ValueError as problem:
        raise Misuse(f"{problem}.") from problem
    if isinstance(name, LetterPlace):
        letter = _at(reader, name)
        reader.read_resolutions()
        return [LetterEntry(letter, reader.ledger.standing(letter))]
    found = [entry for entry in (entries or reader.entries)() if is_named(entry.letter, name)]
    if not found:
        raise Misuse(
            f"{reader.extent.topic} has no dead letter of {text}: it was never a dead letter, or retention removed it."
        )
    return found


def _at(reader: LetterReader, place: LetterPlace) -> Letter:
    topic = reader.extent.topic
    partition = TopicPartition(topic, place.partition)
    log = reader.extent.letters.get(partition)
    if log is None:
        raise Misuse(f"{topic} has no partition {place.partition}; it has {len(reader.extent.letters)}, from 0.")
    if place.offset < log.first:
        raise Misuse(
            f"Dead letter {place} is no longer in {topic}: retention removed it; the first of its partition "
            f"is now {place.partition}:{log.first}."
        )
    if place.offset >= log.end:
        raise Misuse(f"There is no dead letter {place} in {topic}: its partition ends before offset {log.end}.")
    letters = reader.at({partition: range(place.offset, place.offset + 1)})
    if not letters:
        raise Misuse(f"There is no dead letter at {place} in {topic}: the offset holds no record.")
    return letters[0]
