"""Keeps count of the open dead letters while the bridge runs: both topics are read once, then only what is new.

The topic beside the dead-letter topic holds what records were lost, too. What this process finds of that is written
there, and what others found is read along.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Final

from bridge.config.sections import Config
from bridge.errors import Signal
from bridge.formats.losses import Lost
from bridge.kafka.admin import retention
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.letters.letter_log import BESIDE, Extent, LetterLog, LetterLogError
from bridge.limiter import News
from bridge.model import LogRange, Record, TopicPartition
from bridge.ops.snapshot import RecordedLosses
from bridge.reprocess.author import author
from bridge.reprocess.losses import Key, Losses, LossWriter
from bridge.reprocess.reading.open_letters import OpenCount, OpenLetters, take_all, take_news

INTERVAL: Final = 15.0
"""Seconds between two questions how far the topics reach; where they did not grow, that is all."""
RECOUNT: Final = 600.0
"""Seconds after which a count that is not exact, and could be, is made again."""
GROWN: Final = 60.0
"""Seconds after which a loss that has grown is recorded again: while a partition is held, retention continues."""
_SOON: Final = 1.0
"""Seconds between two looks whether this process found a loss."""
_SHARE: Final = 20
"""Counting again takes at most one second in twenty."""


_NOTHING: Final[Mapping[Key, Lost]] = {}


class _StoppedError(Signal):
    """The process ends."""


class LetterWatch:
    """One thread, which waits for brokers and never for the loop."""

    def __init__(
        self, config: Config, logger: logging.Logger, lost: Callable[[], Mapping[Key, Lost]] = lambda: _NOTHING
    ) -> None:
        """`lost` says what this process has found so far; each answer that says more is another object."""
        self._lost = lost
        self._heard: Mapping[Key, Lost] = {}
        self._losses = Losses(config.kafka.group_id)
        self._loss_writer = LossWriter(config, logger, author("track-bridge run"))
        self._resolutions = resolutions_of(config.dead_letter.topic)
        self._problem = News()
        self._config = config
        self._logger = logger
        self._log = LetterLog(config.kafka, config.dead_letter.topic, logger, BESIDE)
        self._read: dict[TopicPartition, int] = {}
        self._open: OpenLetters | None = None
        self._topic_id = ""
        self._recount_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="letter-watch", daemon=True)
        self.backlog: OpenCount | None = None
        """None until both topics were read once."""
        self.retention: float | None = None
        """Seconds after which Kafka deletes the letters, infinite: never for their age; None: not known."""
        self._retention_due = 0.0
        self.losses: RecordedLosses | None = None
        """The same."""

    def start(self) -> None:
        """Begin to count."""
        self._thread.start()

    def stop(self) -> None:
        """Count no more. A question that is under way is not waited for: brokers that are gone would delay the end."""
        self._stopping.set()

    def _run(self) -> None:
        while True:
            # Also where nothing can be recorded now: what was heard is no reason to look again at once.
            self._heard = self._lost()
            try:
                self.backlog = self._look()
                self._ask_for_retention()
                self._record_losses()
            except LetterLogError as problem:
                # Metrics that stand still are no reason to stop delivering; what keeps letters from being written is.
                self._logger.debug("the open dead letters cannot be counted: %s", problem)
                self._record_unread(str(problem))
            except _StoppedError:
                return
            if self._waited():
                return

    def _waited(self) -> bool:
        """For the next look, which comes soon where a loss is to be recorded; whether the process ends."""
        until = time.monotonic() + INTERVAL
        while (left := until - time.monotonic()) > 0 and self._lost() is self._heard:
            if self._stopping.wait(min(_SOON, left)):
                return True
        return self._stopping.is_set()

    def _look(self) -> OpenCount:
        extent = self._log.extent()
        counted = self._open
        if counted is None or extent.topic_id != self._topic_id or self._is_due(counted):
            counted = self._count(extent)
        else:
            take_news(self._gently, self._news(extent.letters), self._news(extent.resolutions), counted)
            self._done(extent)
        counted.retained(extent.letters)
        self._extent = extent
        return counted.backlog()

    def _ask_for_retention(self) -> None:
        now = time.monotonic()
        if now >= self._retention_due:
            self._retention_due = now + retention.EVERY
            self.retention = self._log.retention()

    # --- losses -------------------------------------------------------------------------------------

    def _record_losses(self) -> None:
        """Write what this process found and nobody has recorded. What cannot be written is tried again next time."""
        now = time.time()
        wanted = self._unrecorded(now)
        self._say(self._write(wanted, now) if wanted else None)

    def _record_unread(self, problem: str) -> None:
        """The same where the topics cannot be read, and why: once they were, it is known where to write.

        What others recorded meanwhile is written twice then, and counts once.
        """
        if self.backlog is not None:
            self._record_losses()
        elif self._unrecorded(time.time()):
            self._say(problem)

    def _unrecorded(self, now: float) -> list[Lost]:
        return [lost for lost in self._heard.values() if self._is_news(lost, now)]

    def _say(self, problem: str | None) -> None:
        """Why losses wait to be recorded; None: none waits. The log has it once, the status as long as it is so."""
        if self._problem.admit(problem):
            self._logger.warning("lost records are not recorded, so that a restart forgets them: %s", problem)
        self.losses = replace(self._losses.recorded(problem), is_read=self.backlog is not None)

    def _is_news(self, lost: Lost, now: float) -> bool:
        known = self._losses.known(lost)
        if known is None:
            return True
        return (lost.stop or 0) > (known.lost.stop or 0) and now - known.at >= GROWN

    def _write(self, wanted: list[Lost], now: float) -> str | None:
        """Returns why not all of it was written."""
        written, problem = self._loss_writer.write(wanted, len(self._extent.resolutions), now)
        for each in written:
            self._losses.note(each)
        return problem

    def _is_due(self, counted: OpenLetters) -> bool:
        return counted.wants_recount and time.monotonic() >= self._recount_at

    def _count(self, extent: Extent) -> OpenLetters:
        """From the beginning. The last count is forgotten first, so that there is never room taken for two."""
        self._open = None
        began = time.monotonic()
        counted = OpenLetters(self._config.kafka.group_id, extent.topic_id)
        take_all(self._gently, extent, counted)
        now = time.monotonic()
        self._recount_at = now + max(RECOUNT, _SHARE * (now - began))
        self._open, self._topic_id, self._read = counted, extent.topic_id, {}
        self._done(extent)
        return counted

    def _gently(self, wanted: Mapping[TopicPartition, range]) -> Generator[list[Record]]:
        """Delivery needs the processor, too: each batch is followed by a pause as long as it took."""
        with closing(self._log.read(wanted)) as batches:
            for batch in batches:
                self._losses.take(each for each in batch if each.topic == self._resolutions)
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
