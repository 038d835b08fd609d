"""What the console reads and writes of dead letters: every wait for Kafka is in a thread, one look for all visitors."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from bridge.commands import command
from bridge.config.sections import Config
from bridge.console.confined.cell import ConfinedCell
from bridge.console.confined.condition import confined
from bridge.console.forms import PageRefusedError
from bridge.console.letters.wanted import LetterSearch
from bridge.decode import exact_json
from bridge.errors import Misuse, Unreachable
from bridge.formats.resolutions import Author
from bridge.kafka.client import ClientRefusedError
from bridge.kafka.letters.letter_log import LetterLog
from bridge.mapping.mapper import CompiledMapping
from bridge.reprocess.discarding import discard
from bridge.reprocess.reading.finding import find
from bridge.reprocess.reading.ledger import Endings
from bridge.reprocess.reading.reader import LetterReader
from bridge.reprocess.reading.redaction import Redaction, places, redaction
from bridge.reprocess.reading.selection import LetterEntry, Selection, select
from bridge.reprocess.reading.shelf import LetterShelf, ShelfPage
from bridge.reprocess.replay.plan import Plan, ReplayRules, planned
from bridge.reprocess.transfer import export

FRESH: Final = 3.0
"""Seconds for which nobody looks for new dead letters."""
PATIENCE: Final = 1.5
"""Seconds that a visitor waits before the page says how far the reading is."""
MOST: Final = 5_000
"""Dead letters that one replay, discard or export takes: those it is about are in memory meanwhile."""
MOST_BYTES: Final = 64_000_000
"""Of the contents of those."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ReadingLetters:
    """Instead of a page: the topic is being read."""

    done: int
    all: int


@dataclass(frozen=True, slots=True)
class PlannedReplay:
    """What a replay would do, and what it needs for it."""

    plan: Plan
    reader: LetterReader


class ConsoleLetters:
    """Of one configuration. Errors are `PageRefusedError`: sentences for the visitor."""

    def __init__(
        self,
        config: Config,
        mapping: CompiledMapping,
        logger: logging.Logger,
        open_log: Callable[[Config, logging.Logger], LetterLog] = lambda config, logger: LetterLog(
            config.kafka, config.dead_letter.topic, logger
        ),
        patience: float = PATIENCE,
        most_bytes: int = MOST_BYTES,
        cell: ConfinedCell | None = None,
    ) -> None:
        self.config = config
        self.mapping = mapping
        self.logger = logger
        self._open_log = open_log
        self._patience = patience
        self._most_bytes = most_bytes
        self._turn = asyncio.Lock()
        """Of who reads whole dead letters: several at once would have as many times the memory."""
        self._cell = ConfinedCell() if cell is None else cell
        self._log: LetterLog | None = None
        self._shelf: LetterShelf | None = None
        self._looked = float("-inf")
        self._progress = ReadingLetters(0, 0)
        self._refreshing: asyncio.Task[None] | None = None
        self._asking: dict[object, asyncio.Task[ShelfPage]] = {}

    @property
    def hidden(self) -> Redaction:
        """As `dead_letter.redact` has it."""
        return redaction(self.config.dead_letter.redact, everything=False, within=places(self.config.mapping))

    async def page(self, search: LetterSearch, number: int, size: int) -> ShelfPage | ReadingLetters:
        """One page, the newest first; or how far the reading is, where that takes its time."""
        if not await self._looked_lately():
            return self._progress
        shelf = self._shelf
        assert shelf is not None  # noqa: S101 - made by the first look
        key = (tuple(sorted(search.given.items())), number)
        self._asking = {each: task for each, task in self._asking.items() if each == key or not task.done()}
        asking = self._asking.get(key)
        if asking is None:

            def look() -> ShelfPage:
                with self._meant(search) as meant:
                    return shelf.page(meant, number, size, search.match)

            asking = self._asking[key] = asyncio.ensure_future(_told(look))
        done, _ = await asyncio.wait({asking}, timeout=self._patience)
        if not done:
            return ReadingLetters(0, 0)
        self._asking.pop(key, None)
        return asking.result()

    async def _looked_lately(self) -> bool:
        """Look for what is new. False: nothing was read yet, and that takes its time."""
        if self._refreshing is None and time.monotonic() - self._looked > FRESH:
            self._refreshing = asyncio.ensure_future(_told(self._refresh))
        task = self._refreshing
        if task is None:
            return True
        done, _ = await asyncio.wait({task}, timeout=self._patience)
        if done:
            self._refreshing = None
            task.result()
        return bool(done) or self._looked > float("-inf")

    def _refresh(self) -> None:
        if self._shelf is None:
            self._shelf = LetterShelf(self._opened(), self.mapping, self.hidden)
        self._shelf.refresh(self._report)
        self._looked = time.monotonic()

    def _report(self, done: int, all_: int) -> None:
        self._progress = ReadingLetters(done, all_)

    def _opened(self) -> LetterLog:
        if self._log is None:
            self._log = self._open_log(self.config, self.logger)
        return self._log

    @contextmanager
    def _meant(self, search: LetterSearch) -> Iterator[Selection]:
        """As it was asked for; a condition is asked where it can do no harm, which is one visitor's at a time."""
        if search.selection.match is None:
            yield search.selection
        else:
            with confined(self._cell, search.match, self.hidden) as holds:
                yield replace(search.selection, match=holds)

    def stale(self) -> None:
        """Something was written: the next page looks."""
        self._looked = min(self._looked, time.monotonic() - FRESH - 1)

    # --- one, and many with what is in them --------------------------------------------------------------

    async def letter(self, name: str) -> list[LetterEntry]:
        """Those of this name, whole."""
        return await _told(lambda: find(LetterReader(self._opened()), name))

    async def chosen(self, search: LetterSearch) -> tuple[list[LetterEntry], LetterReader]:
        """The oldest `MOST` of those that are meant, whole. Raises `PageRefusedError` where these are too much."""
        async with self._turn:
            return await self._chosen(search)

    async def _chosen(self, search: LetterSearch) -> tuple[list[LetterEntry], LetterReader]:
        def read() -> tuple[list[LetterEntry], LetterReader]:
            reader = LetterReader(self._opened(), Endings.STATES)
            found: list[LetterEntry] = []
            size = 0
            with self._meant(search) as meant:
                for entry in select(reader.entries(), meant, self.mapping):
                    found.append(entry)
                    size += _size(entry)
                    if len(found) > 2 * MOST or (size > self._most_bytes and len(found) > MOST):
                        found = _oldest(found)
                        size = sum(map(_size, found))
                    if size > self._most_bytes:
                        raise PageRefusedError(413, self._too_much())
            return _oldest(found), reader

        return await _told(read)

    def _too_much(self) -> str:
        return (
            f"The dead letters that are meant hold more than {self._most_bytes / 1e6:g} MB, which is too much at once:"
            " narrow the search, by a shorter time or by ids."
        )

    async def plan(self, search: LetterSearch, rules: ReplayRules) -> PlannedReplay:
        """What a replay of them would do."""
        async with self._turn:
            chosen, reader = await self._chosen(search)
            _need_resolutions(reader)
            return PlannedReplay(await _told(lambda: planned(chosen, self.mapping, rules, time.time())), reader)

    async def discard(self, chosen: list[LetterEntry], reader: LetterReader, because: str, by: Author) -> int:
        """Settle those that were chosen; how many."""
        _need_resolutions(reader)
        topic_id = reader.extent.topic_id
        problem = await _told(
            lambda: discard(self.config, self.logger, chosen, topic_id, because=because, by=by, now=time.time())
        )
        self.stale()
        if problem is not None:
            raise PageRefusedError(
                503, f"Not all could be recorded ({problem}). Those that were are settled; repeat it."
            )
        return len(chosen)

    async def exported(self, search: LetterSearch) -> Iterator[bytes]:
        """Lines of JSON as `track-bridge dlq export` writes them, redacted: each is made when it is asked for."""
        chosen, _ = await self.chosen(search)
        hidden = self.hidden

        return (exact_json.encoded(export(entry, hidden, self.mapping)) + b"\n" for entry in chosen)


def _size(entry: LetterEntry) -> int:
    """Bytes of what came, and of what replaced it."""
    letter, change = entry.letter, entry.standing.changed
    parts = [letter.key, letter.value, *((change.key, change.value) if change is not None else ())]
    parts += [content for _, content in letter.headers]
    return sum(len(each) for each in parts if each is not None) + len(letter.request or "")


def _oldest(found: list[LetterEntry]) -> list[LetterEntry]:
    return sorted(found, key=lambda entry: (entry.letter.timestamp_ms or 0, entry.letter.place))[:MOST]


def _need_resolutions(reader: LetterReader) -> None:
    if not reader.extent.has_resolutions:
        raise PageRefusedError(
            409,
            f"There is no {reader.extent.topic}.resolutions, so nothing could be recorded: run "
            f"`{command('topics', 'create')}`.",
        )


def _told(work: Callable[[], T]) -> Awaitable[T]:
    """In a thread; what it raises for its user becomes a page."""

    async def run() -> T:
        try:
            return await asyncio.to_thread(work)
        except (Misuse, ClientRefusedError) as problem:
            raise PageRefusedError(409, str(problem)) from problem
        except Unreachable as problem:
            raise PageRefusedError(503, str(problem)) from problem

    return run()
