"""Takes another mapping over while the bridge runs: on SIGHUP, or because its file changed where that is watched."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

from bridge.decode.protocol import NO_SCHEMAS
from bridge.limiter import RareLog
from bridge.ops.log.events import Events
from bridge.service.reload import candidate as candidates
from bridge.service.reload.candidate import (
    ConfigurationFile,
    FoundConfiguration,
    Judgement,
    RefusedFile,
    UnchangedFile,
    Unsettled,
)
from bridge.service.reload.looks import EVERY, FileLooks
from bridge.service.reload.trying_examples import problems_of
from bridge.service.watches.tasks import end
from bridge.service.watches.working import FileNow, WorkingConfiguration

if TYPE_CHECKING:
    from bridge.registry.lookups import RegistryLookups

TRIES: Final = 5
"""Of a file that changes each time it is read."""
PAUSE: Final = 0.3
"""Seconds for which it must stay the same."""

Apply = Callable[[FoundConfiguration], Awaitable[Sequence[str]]]
"""Put it to work. Returns the topics that have another try by it."""


class Reloader:
    """One task on the loop; files are read, and mappings compiled, on a thread. One file at a time."""

    def __init__(
        self,
        file: ConfigurationFile,
        working: WorkingConfiguration,
        apply: Apply,
        events: Events,
        registry: RegistryLookups | None,
        logger: logging.Logger,
        *,
        every: float = EVERY,
    ) -> None:
        self._file = file
        self._working = working
        self._apply = apply
        self._events = events
        self._registry = registry
        self._every = every
        self._beside = candidates.beside(working.config.mapping)
        self._looks = FileLooks("")
        self._asked = asyncio.Event()
        self._log = RareLog(logger)
        self._task: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Somebody wants the file to be read now."""
        self._asked.set()

    def start(self) -> None:
        """Wait for that, and look at the file where `reload.watch` says so."""
        self._task = asyncio.create_task(self._run(), name="reload")

    async def stop(self) -> None:
        """Take nothing over any more."""
        await end(self._task)

    async def _run(self) -> None:
        while True:
            try:
                if await self._is_asked():
                    await self._reload()
                else:
                    await self._look()
            except Exception as defect:  # noqa: BLE001 - what runs is not worse for it
                self._log.write(
                    logging.ERROR, f"the configuration could not be read again: {defect!r}; please report this"
                )

    async def _is_asked(self) -> bool:
        """Wait for the next look; whether somebody wants it."""
        try:
            async with asyncio.timeout(self._every if self._working.config.reload.watch else None):
                await self._asked.wait()
        except TimeoutError:
            return False
        self._asked.clear()
        return True

    async def _look(self) -> None:
        if self._looks.is_due(await self._stamp(), time.monotonic()):
            await self._take(await self._judged(), asked=False)

    async def _stamp(self) -> str:
        return await asyncio.to_thread(self._file.stamp, self._beside)

    async def _reload(self) -> None:
        """Whoever asks has written the file; but not every tool knows when another one is through with it."""
        for _ in range(TRIES):
            before = await self._stamp()
            judgement = await self._judged()
            await asyncio.sleep(PAUSE)
            if not isinstance(judgement, Unsettled) and before == await self._stamp():
                await self._take(judgement, asked=True)
                return
        self._events.configuration_unsettled(file=str(self._file.path))

    async def _judged(self) -> Judgement:
        working, schemas = self._working, NO_SCHEMAS if self._registry is None else self._registry.schemas
        judgement = await asyncio.to_thread(candidates.judge, self._file, working.config, working.mapping, schemas)
        if isinstance(judgement, FoundConfiguration):
            problems = await problems_of(judgement.trial, judgement.config.mapping.examples, self._registry)
            if problems:
                return judgement.refused(problems)
        return judgement

    async def _take(self, judgement: Judgement, *, asked: bool) -> None:
        now = time.monotonic()
        match judgement:
            case FoundConfiguration():
                self._beside = candidates.beside(judgement.config.mapping)
                await self._take_over(judgement, asked=asked)
                self._looks.decided(judgement.stamp, now, is_refused=False)
            case UnchangedFile(stamp):
                self._beside = candidates.beside(self._working.config.mapping)
                self._fixed()
                self._looks.decided(stamp, now, is_refused=False)
                if asked:
                    self._events.configuration_unchanged(mapping=self._working.number)
            case RefusedFile():
                self._beside = judgement.beside
                self._refuse(judgement, asked=asked)
                self._looks.decided(judgement.stamp, now, is_refused=True)

    async def _take_over(self, found: FoundConfiguration, *, asked: bool) -> None:
        working, began = self._working, time.monotonic()
        before, routes = working.number, {route.name for route in working.mapping.routes}
        for warning in found.warnings:
            self._events.configuration(key=warning.where, message=warning.message)
        tried_again = await self._apply(found)
        self._fixed()
        now = {route.name for route in working.mapping.routes}
        self._events.configuration_reloaded(
            mapping=working.number,
            before=before,
            configuration=working.hash,
            routes_added=sorted(now - routes),
            routes_removed=sorted(routes - now),
            tried_again=tried_again,
            because="SIGHUP" if asked else "the file changed",
            seconds=time.monotonic() - began,
        )

    def _refuse(self, found: RefusedFile, *, asked: bool) -> None:
        working, problems = self._working, tuple(str(each) for each in found.problems)
        known = working.file
        working.file = FileNow(found.hash, problems, known.since or time.time())
        if asked or problems != known.problems:
            working.refusals += 1
            self._events.configuration_refused(
                file=str(self._file.path),
                problems=problems,
                mapping=working.number,
                watched=working.config.reload.watch,
            )

    def _fixed(self) -> None:
        """The file is what the process works by."""
        working, since = self._working, self._working.file.since
        working.file = FileNow(working.hash)
        if since is not None:
            self._events.configuration_fixed(seconds=time.time() - since)
