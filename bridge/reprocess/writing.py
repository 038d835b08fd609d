"""Resolutions written at once, by a command that then ends."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from bridge.config.sections import Config
from bridge.kafka.letters.resolution_writer import ResolutionWriter
from bridge.text.amounts import span

_LIMIT: Final = 60.0


def write_all(config: Config, logger: logging.Logger, records: Iterable[tuple[int, bytes, bytes | None]]) -> str | None:
    """Partition, key and value of each. None when the brokers have all of them, else why not, as a sentence."""
    writer = ResolutionWriter(config, logger)
    problems: list[str] = []

    def done(problem: str | None) -> None:
        if problem is not None:
            problems.append(problem)

    for partition, key, value in records:
        writer.write(partition, key, value, done)
    if not writer.flush(_LIMIT):
        problems.append(f"no acknowledgement of {writer.outstanding} of them within {span(_LIMIT)}")
    return problems[0] if problems else None
