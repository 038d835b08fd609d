"""Keeps count of the open dead letters while the bridge runs: both topics are read once, then only what is new."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Final

from bridge.config.sections import Config
from bridge.kafka.letter_log import Extent, LetterLog, LetterLogError
from bridge.kafka.starts import LogRange
from bridge.model import TopicPartition
from bridge.reprocess.open_letters import Backlog, OpenLetters

INTERVAL: Final = 15.0
"""Seconds between two questions how far the topics reach; where they did not grow, that is all."""


class LetterWatch:
    """One thread, which waits for brokers and never for the loop."""

    def __init__(self, config: Config, logger: logging.Logger) -> None:
        self._config = config
        self._logger = logger
        self._log = LetterLog(config.kafka, config.dead_letter.topic, logger)
        self._read: dict[TopicPartition, int] = {}
        self._open: OpenLetters | None = None
        self._topic_id = ""
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="letter-watch", daemon=True)
        self.backlog: Backlog | None = None
        """None until both topics were read once."""

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> None:
        """Count no more. A question that is under way is not waited for: brokers that are gone would delay the end."""
        self._stopping.set()

    def _run(self) -> None:
        while True:
            try:
                self.backlog = self._look()
            except LetterLogError as problem:
                # Metrics that stand still are no reason to stop delivering; what keeps letters from being written is.
                self._logger.debug("the open dead letters cannot be counted: %s", problem)
            if self._stopping.wait(INTERVAL):
                return

    def _look(self) -> Backlog:
        extent = self._log.extent()
        if self._open is None or extent.topic_id != self._topic_id:
            self._open = OpenLetters(self._config.kafka.group_id, extent.topic_id)
            self._topic_id, self._read = extent.topic_id, {}
        counted = self._open
        for batch in self._log.read(self._news(extent.resolutions)):
            counted.resolutions(batch)
        for batch in self._log.read(self._news(extent.letters)):
            counted.letters(batch)
        self._done(extent)
        counted.retained(extent.letters)
        return counted.backlog()

    def _news(self, logs: Mapping[TopicPartition, LogRange]) -> dict[TopicPartition, range]:
        return {
            partition: range(max(log.first, self._read.get(partition, log.first)), log.end)
            for partition, log in logs.items()
        }

    def _done(self, extent: Extent) -> None:
        for logs in (extent.letters, extent.resolutions):
            self._read |= {partition: log.end for partition, log in logs.items()}
