"""Counts open dead letters and recorded losses where no replica does: read from Kafka, in the background."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.errors import BridgeError, Signal
from bridge.kafka.admin.topic_creation import resolutions_of
from bridge.kafka.letters.letter_log import LetterLog
from bridge.model import Record, TopicPartition
from bridge.ops.snapshot import Letters, RecordedLosses
from bridge.reprocess.losses import Losses
from bridge.reprocess.reading.open_letters import OpenLetters, take_all

if TYPE_CHECKING:
    import logging

    from bridge.config.sections import Config

PATIENCE: Final = 5.0
"""Seconds that one view waits for the count; a longer one goes on, and a later view has it."""
LONGEST: Final = 120.0
"""Seconds after which a count is given up."""
EVERY: Final = 60.0
"""Seconds between two counts."""


@dataclass(frozen=True, slots=True)
class LetterCount:
    """What a count came to."""

    letters: Letters | None = None
    losses: RecordedLosses | None = None
    problem: str | None = None
    """Why there is none: a sentence."""


class _TooLongError(Signal):
    """The count takes too long."""


class LetterCounter:
    """All methods belong to one event loop."""

    def __init__(
        self,
        count: Callable[[], LetterCount],
        clock: Callable[[], float] = time.monotonic,
        *,
        patience: float = PATIENCE,
    ) -> None:
        """`count` reads all there is, on a thread of its own."""
        self._count = count
        self._clock = clock
        self._patience = patience
        self._last: LetterCount | None = None
        self._due = 0.0
        self._under_way: asyncio.Future[LetterCount] | None = None

    async def count(self) -> LetterCount:
        """The last count, made again where it is old; never waits longer than `PATIENCE`."""
        if self._under_way is None and (self._last is None or self._clock() >= self._due):
            self._under_way = self._begun()
        if self._under_way is not None and self._last is None:
            await asyncio.wait([self._under_way], timeout=self._patience)
        return self._last or LetterCount(problem="They are still being counted.")

    def _begun(self) -> asyncio.Future[LetterCount]:
        loop = asyncio.get_running_loop()
        under_way: asyncio.Future[LetterCount] = loop.create_future()

        def done(found: LetterCount) -> None:
            self._last, self._under_way, self._due = found, None, self._clock() + EVERY
            if not under_way.done():
                under_way.set_result(found)

        def work() -> None:
            found = self._count()
            try:
                loop.call_soon_threadsafe(done, found)
            except RuntimeError:
                return  # The loop is gone: nobody waits any more.

        threading.Thread(target=work, name="fleet-letters", daemon=True).start()
        return under_way


def _in_time(until: float) -> None:
    if time.monotonic() > until:
        raise _TooLongError


def count_all(config: Config, logger: logging.Logger) -> LetterCount:
    """Both topics from their beginnings, as `track-bridge dlq stats` reads them."""
    until = time.monotonic() + LONGEST
    losses, resolutions = Losses(config.kafka.group_id), resolutions_of(config.dead_letter.topic)
    try:
        log = LetterLog(config.kafka, config.dead_letter.topic, logger)

        def read(wanted: Mapping[TopicPartition, range]) -> Generator[list[Record]]:
            with closing(log.read(wanted)) as batches:
                for batch in batches:
                    _in_time(until)
                    losses.take(each for each in batch if each.topic == resolutions)
                    yield batch

        extent = log.extent()
        counted = OpenLetters(config.kafka.group_id, extent.topic_id)
        take_all(read, extent, counted)
        backlog = counted.backlog()
        letters = Letters(
            backlog.by_reason,
            backlog.at_least,
            None if backlog.oldest_ms is None else backlog.oldest_ms / 1000,
            log.retention(),
        )
        return LetterCount(letters, losses.recorded())
    except _TooLongError:
        return LetterCount(
            problem=f"The dead letters of {config.dead_letter.topic} were not counted within {LONGEST:g} s."
        )
    except BridgeError as error:
        return LetterCount(problem=f"The dead letters cannot be counted: {error}")
