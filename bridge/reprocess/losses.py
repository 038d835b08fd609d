"""Writes losses to the topic beside the dead-letter topic. Waits for the brokers' acknowledgement."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from bridge.commands import command
from bridge.config.sections import Config
from bridge.formats.lost import Lost
from bridge.formats.resolutions import Author
from bridge.kafka.letters.resolution_writer import ResolutionWriter
from bridge.reprocess import losses
from bridge.reprocess.losses import ParsedLoss

_PATIENCE: Final = 10.0
"""Seconds the brokers may take."""


class LossWriter:
    """Belongs to one thread; its producer is made for the first loss there is."""

    def __init__(self, config: Config, logger: logging.Logger, by: Author) -> None:
        self._config = config
        self._logger = logger
        self._by = by
        self._writer: ResolutionWriter | None = None

    def write(self, wanted: Sequence[Lost], partitions: int, at: float) -> tuple[list[ParsedLoss], str | None]:
        """What is recorded now, and why not all of it; `partitions` are those of the topic, `at` is in Unix seconds.

        Raises `client.ClientRefusedError` for properties that the client library does not take.
        """
        if not partitions:
            create = command("topics", "create")
            return [], f"the topic beside the dead-letter topic does not exist; run `{create}`"
        if self._writer is None:
            self._writer = ResolutionWriter(self._config, self._logger)
        written: list[ParsedLoss] = []
        problems: list[str] = []
        for lost in wanted:
            key, value = losses.encode(lost, self._config.kafka.group_id, at, self._by)

            def done(problem: str | None, lost: Lost = lost) -> None:
                if problem is None:
                    written.append(ParsedLoss(lost, at))
                else:
                    problems.append(problem)

            # The same partition for the same key, or compaction would keep both.
            self._writer.write(lost.partition.partition % partitions, key, value, done)
        if not self._writer.flush(_PATIENCE):
            problems.append(f"no broker has acknowledged it within {_PATIENCE:.0f} s")
        return written, problems[0] if problems else None
