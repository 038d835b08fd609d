"""Writes down what becomes of letters while a replay runs."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from bridge.formats import resolutions
from bridge.formats.resolutions import Author, Ended, Ending, Fact, ResolutionKind
from bridge.model import DeadLetter, Delivered
from bridge.pipeline.ports import Clock
from bridge.reprocess.replay.letters import LetterInFlight

if TYPE_CHECKING:
    from bridge.kafka.letters.resolution_writer import ResolutionWriter
    from bridge.reprocess.reading.reader import LetterReader

_TRIES: Final = 3
_AGAIN: Final = 1.0
"""Seconds between two tries."""


class Recorder:
    """Each record is tried a few times; what cannot be recorded is reported, and whoever waits for it continues."""

    def __init__(
        self,
        writer: ResolutionWriter,
        reader: LetterReader,
        author: Author,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        unrecorded: Callable[[LetterInFlight, str], None],
    ) -> None:
        self._writer = writer
        self._reader = reader
        self._author = author
        self._clock = clock
        self._loop = loop
        self._unrecorded = unrecorded
        self._under_way = 0
        self._landed = asyncio.Event()

    def accepted(self, sent: LetterInFlight, verdict: Delivered, body: bytes, then: Callable[[], None]) -> None:
        """An event of the letter was accepted; with its last one the letter is replayed."""
        at = self._clock.wall()
        if sent.is_delivered:
            digest = hashlib.sha256(body).hexdigest()
            fact: Fact = Ended(Ending.REPLAYED, at, self._author, None, verdict.status, digest)
        else:
            fact = sent.progress(at, self._author)
        self._record(sent, fact, then)

    def failed(self, sent: LetterInFlight, letter: DeadLetter, then: Callable[[], None]) -> None:
        """An event of the letter failed for good."""
        self._record(sent, sent.failure(letter, self._clock.wall(), self._author), then)

    async def finish(self, seconds: float) -> None:
        """Wait for what is on its way."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._under_way:
                    self._landed.clear()
                    await self._landed.wait()

    def _record(self, sent: LetterInFlight, fact: Fact, then: Callable[[], None]) -> None:
        letter, standing = sent.entry
        key, value = resolutions.encode(fact, letter, self._reader.extent.topic_id)
        tries = 0
        sent.recording += 1
        self._under_way += 1

        def write() -> None:
            self._writer.write(letter.place.partition, key, value, done)

        def done(problem: str | None) -> None:
            nonlocal tries
            tries += 1
            if problem is not None and tries < _TRIES:
                self._loop.call_later(_AGAIN, write)
                return
            sent.recording -= 1
            self._under_way -= 1
            self._landed.set()
            if problem is None:
                written = resolutions.decode(key, value)
                if written is not None:
                    self._reader.ledger.note(written)
                if isinstance(fact, Ended) and standing.changed is not None:
                    self._take_back_change(sent)
            else:
                self._unrecorded(sent, problem)
            then()

        write()

    def _take_back_change(self, sent: LetterInFlight) -> None:
        """A corrected record has done its work; the topic is kept for ever and need not keep what was in it."""
        letter = sent.entry.letter
        key = resolutions.key_of(ResolutionKind.CHANGE, letter)
        self._writer.write(letter.place.partition, key, None, lambda _problem: None)
