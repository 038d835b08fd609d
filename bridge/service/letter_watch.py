"""Keeps count of the open dead letters while the bridge runs: both topics are read once, then only what is new."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Generator, Mapping
from contextlib import closing
from typing import Final

from bridge.config.sections import Config
from bridge.kafka import retention
from bridge.kafka.letter_log import BESIDE, Extent, LetterLog, LetterLogError
from bridge.kafka.starts import LogRange
from bridge.model import Record, TopicPartition
from bridge.reprocess import census
from bridge.reprocess.open_letters import Backlog, OpenLetters

INTERVAL: Final = 15.0
"""Seconds between two questions how far the topics reach; where they did not grow, that is all."""
RECOUNT: Final = 600.0
"""Seconds after which a count that is not exact, and could be, is made anew."""
_SHARE: Final = 20
"""Counting anew takes at most one in so many seconds."""


class _StoppedError(Exception):
    """The process ends."""


class LetterWatch:
    """One thread, which waits for brokers and never for the loop."""

    def __init__(self, config: Config, logger: logging.Logger) -> None:
        self._config = config
        self._logger = logger
        self._log = LetterLog(config.kafka, config.dead_letter.topic, logger, BESIDE)
        self._read: dict[TopicPartition, int] = {}
        self._open: OpenLetters | None = None
        self._topic_id = ""
        self._recount_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="letter-watch", daemon=True)
        self.backlog: Backlog | None = None
        """None until both topics were read once."""
        self.retention: float | None = None
        """Seconds after which Kafka deletes the letters, infinite: never for their age; None: not known."""
        self._retention_due = 0.0

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
                self._ask_for_retention()
            except LetterLogError as problem:
                # Metrics that stand still are no reason to stop delivering; what keeps letters from being written is.
                self._logger.debug("the open dead letters cannot be counted: %s", problem)
            except _StoppedError:
                return
            if self._stopping.wait(INTERVAL):
                return

    def _look(self) -> Backlog:
        extent = self._log.extent()
        counted = self._open
        if counted is None or extent.topic_id != self._topic_id or self._is_due(counted):
            counted = self._count(extent)
        else:
            census.take_news(self._gently, self._news(extent.letters), self._news(extent.resolutions), counted)
            self._done(extent)
        counted.retained(extent.letters)
        return counted.backlog()

    def _ask_for_retention(self) -> None:
        now = time.monotonic()
        if now >= self._retention_due:
            self._retention_due = now + retention.EVERY
            self.retention = self._log.retention()

    def _is_due(self, counted: OpenLetters) -> bool:
        return counted.wants_recount and time.monotonic() >= self._recount_at

    def _count(self, extent: Extent) -> OpenLetters:
        """From the beginning. The last count is forgotten first, so that there is never room taken for two."""
        self._open = None
        began = time.monotonic()
        counted = OpenLetters(self._config.kafka.group_id, extent.topic_id)
        census.take(self._gently, extent, counted)
        now = time.monotonic()
        self._recount_at = now + max(RECOUNT, _SHARE * (now - began))
        self._open, self._topic_id, self._read = counted, extent.topic_id, {}
        self._done(extent)
        return counted

    def _gently(self, wanted: Mapping[TopicPartition, range]) -> Generator[list[Record]]:
        """Delivery needs the processor, too: each batch is followed by a pause as long as it took."""
        with closing(self._log.read(wanted)) as batches:
            for batch in batches:
                began = time.monotonic()
                yield batch
                if self._stopping.wait(time.monotonic() - began):
                    raise _StoppedError

    def _news(self, logs: Mapping[TopicPartition, LogRange]) -> dict[TopicPartition, range]:
        return {
            partition: range(max(log.first, self._read.get(partition, log.first)), log.end)
            for partition, log in logs.items()
        }

    def _done(self, extent: Extent) -> None:
        for logs in (extent.letters, extent.resolutions):
            self._read |= {partition: log.end for partition, log in logs.items()}
