"""Sends dead letters again by itself: what a spell of refused keys let through, once the key works, and what names a
schema that the registry did not know, once it does.

Through the same path and ledger as ``track-bridge dlq replay``: several replicas, and people, may do so at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from bridge.config.sections import Config
from bridge.kafka.client import ClientRefusedError
from bridge.kafka.letters.letter_log import BESIDE, LetterLog, LetterLogError
from bridge.mapping.mapper import CompiledMapping
from bridge.model import DeadLetter, LetterReason
from bridge.ops.log.events import Events
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.reprocess.reading import contents
from bridge.reprocess.reading.open_letters import OpenLetters, take_all
from bridge.reprocess.reading.reader import LetterReader, Offsets, take_portion
from bridge.reprocess.reading.selection import LetterEntry, Selection, select
from bridge.reprocess.replay.letters import LetterResult, ReplayOutcome
from bridge.reprocess.replay.plan import Plan, ReplayRules, in_original_order, plan
from bridge.reprocess.replay.replay import Replay
from bridge.service.side_traffic import SHARE, Setting, Wish, replay
from bridge.service.with_registry.late_schemas import LateSchemas
from bridge.track.credentials import ApiKey

COMMAND: Final = "dead_letter.redrive"
Choose = Callable[[list[LetterEntry]], Awaitable[list[LetterEntry]]]
"""Which letters of a portion are meant."""
PAUSE: Final = 30.0
"""Seconds between two redrives: a key that is refused now and then must not make one follow the other."""
LONGEST_PAUSE: Final = 1800.0
"""The pause doubles with each redrive in a row that fails: what is wrong may be for a person to put right."""


class Redriver:
    """On the loop's thread. `tick` it; it starts a replay when there is something to send and the key is proven."""

    def __init__(
        self,
        config: Config,
        mapping: CompiledMapping,
        dispatcher: Dispatcher,
        credentials: ApiKey,
        events: Events,
        logger: logging.Logger,
        *,
        proxy: str | None,
        late: LateSchemas | None,
    ) -> None:
        """`late`: None without a schema registry."""
        self._config = config
        self._mapping = self._next_mapping = mapping
        self._dispatcher = dispatcher
        self._credentials = credentials
        self._events = events
        self._logger = logger
        self._proxy = proxy
        self._late = late
        self._unauthorized = LetterReason.UNAUTHORIZED.value in config.dead_letter.redrive.reasons
        # An earlier process may have left some, and ended before the key worked again.
        self._due = self._unauthorized
        self._not_before = 0.0
        self._failures = 0
        """Redrives in a row that failed."""
        self._missing = False
        """Whether the last redrive met letters whose schemas the registry did not give."""
        self._again: float | None = None
        """When letters of refused keys are looked at again that lacked a schema."""
        self._fruitless = 0
        """Looks at these in a row of which nothing came."""
        self._replayed = 0
        """Letters, in all."""
        self._task: asyncio.Task[None] | None = None
        self._replay: Replay | None = None
        self._stopping = False

    def map_by(self, mapping: CompiledMapping) -> None:
        """The next redrive works by this mapping; one that is under way goes on by the one that it began with."""
        self._next_mapping = mapping

    def letter(self, letter: DeadLetter) -> None:
        """A letter was written."""
        if self._unauthorized and letter.reason is LetterReason.UNAUTHORIZED:
            self._due = True
        if self._late is not None and letter.schema is not None:
            self._late.letter(time.monotonic())

    def tick(self) -> None:
        """Start when it is time: something was delivered, and no answer since speaks against the key."""
        now = time.monotonic()
        if self._stopping or self._task is not None or now < self._not_before:
            return
        if self._again is not None and now >= self._again:
            self._due, self._again = True, None
        late = self._late is not None and self._late.is_due(now)
        if not (self._due or late) or self._dispatcher.key.one_at_a_time:
            return
        # That something was delivered proves the key. What waits for a schema may be all there is: it proves it itself.
        if self._due and self._dispatcher.tally.delivered:
            self._due = False
            self._begin(self._run_unauthorized())
        elif late and self._late is not None:
            self._begin(self._run_late(self._late))

    def _begin(self, run: Coroutine[Any, Any, None]) -> None:
        self._task = asyncio.create_task(run, name="redrive")
        self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Let what is in flight finish."""
        self._stopping = True
        if self._replay is not None:
            self._replay.interrupt()
        if self._task is not None and self._late is not None and self._late.is_asking:
            self._task.cancel()
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Whatever a redrive ends with, delivery continues: it works for dead letters, which can wait."""
        self._task = self._replay = None
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._failures = 0
        else:
            self._failed(error)
        self._not_before = time.monotonic() + pause_after(self._failures)

    def _failed(self, error: BaseException) -> None:
        self._due = self._unauthorized
        self._failures += 1
        if isinstance(error, LetterLogError | ClientRefusedError | OSError):
            self._events.redrive_failed(detail=str(error))
            return
        # A defect of ours, and perhaps brought about by a record that stays where it is: said with all there is to it.
        self._events.redrive_failed(detail=f"{type(error).__name__}: {error}")
        self._logger.error("the redrive met a defect", exc_info=error)

    async def _run_unauthorized(self) -> None:
        replayed = self._replayed
        at_least = await self._run(frozenset({LetterReason.UNAUTHORIZED.value}), _all_of_them)
        sent = self._replayed > replayed
        # There was no room for all of them, and there is some now; where nothing was sent there is none.
        if at_least and sent:
            self._due = True
        self._fruitless = 0 if sent or not self._missing else self._fruitless + 1
        self._again = time.monotonic() + pause_after(self._fruitless) if self._missing else None

    async def _run_late(self, late: LateSchemas) -> None:
        replayed, waiting = self._replayed, False

        async def of_known_schemas(entries: list[LetterEntry]) -> list[LetterEntry]:
            nonlocal waiting
            named = [entry for entry in entries if entry.letter.schema is not None]
            known = await late.known(entry.letter.schema for entry in named)
            waiting = waiting or any(entry.letter.schema not in known for entry in named)
            return [entry for entry in named if entry.letter.schema in known]

        try:
            at_least = await self._run(frozenset({LetterReason.UNDECODABLE.value}), of_known_schemas)
        except BaseException:
            waiting = True
            raise
        else:
            waiting = waiting or at_least or self._missing
        finally:
            late.end(time.monotonic(), replayed=self._replayed > replayed, waiting=waiting)

    async def _run(self, reasons: frozenset[str], chosen: Choose) -> bool:
        """Portion by portion, so that it makes no difference to memory how many there are.

        Returns whether there may be more than were looked at.
        """
        self._missing, self._mapping = False, self._next_mapping
        if self._late is not None:
            self._late.begin()
        log = LetterLog(self._config.kafka, self._config.dead_letter.topic, self._logger, BESIDE)
        counted = await asyncio.to_thread(self._open_letters, log, reasons)
        if counted is None:
            self._events.redrive_failed(detail=f"{log.topic}.resolutions does not exist")
            return False
        waiting: Offsets = counted.offsets()
        while waiting and not self._stopping:
            reader, entries, waiting = await asyncio.to_thread(take_portion, log, waiting)
            if not await self._send(reader, await self._mappable(await chosen(entries)), reasons):
                return False
        return bool(counted.backlog().at_least)

    async def _mappable(self, entries: list[LetterEntry]) -> list[LetterEntry]:
        """What a schema is missing for is not planned: nothing would come of it, and it would be passed over."""
        if self._late is None:
            return entries
        ready, missing = await self._late.mappable(entries, self._schema_needed)
        self._missing = self._missing or missing
        return ready

    def _schema_needed(self, entry: LetterEntry) -> str | None:
        return contents.schema_needed(self._mapping, contents.current(entry.letter, entry.standing))

    def _open_letters(self, log: LetterLog, reasons: frozenset[str]) -> OpenLetters | None:
        """None where there is no place to write what becomes of them."""
        extent = log.extent()
        if not extent.has_resolutions:
            return None
        counted = OpenLetters(self._config.kafka.group_id, extent.topic_id, reasons)
        take_all(log.read, extent, counted)
        return counted

    async def _send(self, reader: LetterReader, entries: list[LetterEntry], reasons: frozenset[str]) -> bool:
        """False where it ended before its end."""
        rules = ReplayRules()
        made = await asyncio.to_thread(self._plan, entries, reasons, rules)
        if not made.sends or self._stopping:
            return not self._stopping
        self._events.redrive_started(letters=len(made.sends))
        outcome = await replay(
            made.sends,
            Wish(rules, SHARE * (self._config.delivery.rate_limit or 0.0), COMMAND, automatic=True),
            Setting(
                self._config,
                self._mapping,
                self._credentials,
                self._proxy,
                self._logger,
                notice=lambda sentence: self._logger.info("redrive: %s", sentence),
            ),
            reader=reader,
            started=self._started,
        )
        self._replay = None
        return self._report(outcome)

    def _plan(self, entries: list[LetterEntry], reasons: frozenset[str], rules: ReplayRules) -> Plan:
        selection = Selection(reasons=reasons, group=self._config.kafka.group_id)
        return plan(in_original_order(select(entries, selection, self._mapping)), self._mapping, rules, time.time())

    def _started(self, running: Replay) -> None:
        self._replay = running
        if self._stopping:
            running.interrupt()

    def _report(self, outcome: ReplayOutcome) -> bool:
        """Whether nothing is left."""
        results = outcome.results
        self._replayed += results[LetterResult.REPLAYED]
        if results[LetterResult.LEFT]:
            self._due = True
        self._events.redrive_ended(
            replayed=results[LetterResult.REPLAYED],
            failed_again=results[LetterResult.FAILED_AGAIN],
            left=results[LetterResult.LEFT],
            stopped=outcome.stopped,
        )
        return not results[LetterResult.LEFT]


async def _all_of_them(entries: list[LetterEntry]) -> list[LetterEntry]:
    return entries


def pause_after(failures: int) -> float:
    """Seconds until the next redrive, after this many in a row that failed."""
    return min(LONGEST_PAUSE, PAUSE * 2.0 ** min(failures, 10))
