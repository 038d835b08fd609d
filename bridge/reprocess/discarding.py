"""Settles dead letters without sending them: it is recorded, by whom and why, and cannot be taken back."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bridge.config.sections import Config
from bridge.formats.resolutions import Author, Ended, Ending, ResolutionKind, encode, key_of
from bridge.kafka.letters.resolution_writer import write_all
from bridge.reprocess.reading.selection import LetterEntry


def discard(
    config: Config,
    logger: logging.Logger,
    chosen: Sequence[LetterEntry],
    topic_id: str,
    *,
    because: str,
    by: Author,
    now: float,
) -> str | None:
    """None when all of it is recorded, else why not all is, as a sentence. `topic_id`: of the dead-letter topic."""
    records: list[tuple[int, bytes, bytes | None]] = []
    for letter, standing in chosen:
        partition = letter.place.partition
        records.append((partition, *encode(Ended(Ending.DISCARDED, now, by, because), letter, topic_id)))
        if standing.changed is not None:
            records.append((partition, key_of(ResolutionKind.CHANGE, letter), None))
    return write_all(config, logger, records)
