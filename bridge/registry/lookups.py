"""The schemas that are known, and the look-ups for those that are wanted: one for each reference, however many wait.

Everything here belongs to one event loop and is called on its thread. In steady state nothing happens.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol

from bridge.decode.protocol import NoSchema, Schema, Schemas
from bridge.registry.known import KnownSchemas
from bridge.registry.outcomes import LookupResult, RegistryFailure, UnknownReference, UnusableSchema
from bridge.registry.policy import AskAgain, Attempt, Decided, Waiting, decide

AT_ONCE: Final = 8
"""Look-ups under way at the same time: a start with hundreds of schemas is no attack on the registry."""
CREDENTIALS_LOOKED_AT: Final = 2.0
"""Seconds between two looks at the files of the login while it is refused; looking asks the registry nothing."""
DISK_PATIENCE: Final = 2.0
"""Seconds for a disk to answer: a network's folder that hangs must not hold what the registry could say."""
_SILENT: Final = frozenset({LookupResult.FOUND, LookupResult.UNUSABLE, LookupResult.UNKNOWN})

OnKnown = Callable[[], None]
Unwant = Callable[[], None]


class SchemaSource(Protocol):
    """Where schemas come from: a registry's API."""

    @property
    def urls(self) -> tuple[str, ...]:
        """Its addresses, without credentials."""

    @property
    def requests(self) -> int:
        """HTTP requests made so far."""

    async def fetch(self, reference: str) -> tuple[Schema, str]:
        """The schema, and which of `urls` answered. Raises the signals of `outcomes`."""

    def credentials_changed(self) -> bool:
        """Whether what it logs in with is another than at the last attempt."""


class SchemaFolder(Protocol):
    """Where schemas are kept over a restart. It may wait for a disk, and never raises."""

    def read(self, reference: str) -> Schema | None:
        """What is kept of it."""

    def write(self, reference: str, schema: Schema, url: str) -> None:
        """Keep what `url` answered."""


@dataclass(frozen=True, slots=True)
class LookupTrouble:
    """Why a reference is not known yet."""

    reference: str
    registry: str
    """The addresses asked, without credentials."""
    kind: LookupResult
    what: str
    """A sentence."""
    since: float
    next_try: float | None
    """Both by the clock of the look-ups; None: it is being asked for right now."""


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The registry as an operator sees it."""

    urls: tuple[str, ...]
    state: str
    """``idle``: never asked. ``ok``, ``trouble``: by the last attempt."""
    since: float | None
    """Since when the state is this one, by the clock of the look-ups."""
    kind: LookupResult | None
    """Of the trouble."""
    problem: str | None
    """The last trouble's sentence, while it lasts."""
    known: int
    unknown: int
    """References that were decided to have no schema, and are not asked for at the moment."""
    known_bytes: int
    waiting: tuple[str, ...]
    """References that records wait for."""
    lookups: Mapping[LookupResult, int]
    """Attempts by their result."""
    from_folder: int
    """Schemas that were read from `schema_registry.cache_dir`."""
    requests: int


@dataclass(slots=True, eq=False)
class _Wanted:
    """One reference that is asked for."""

    reference: str
    since: float
    task: asyncio.Task[None] | None = None
    wanted_by: dict[object, OnKnown] = field(default_factory=dict)
    waiting: Waiting = field(default_factory=Waiting)
    last: AskAgain | None = None
    next_try: float | None = None


class RegistryLookups:
    """Looks schemas up, each until it is known or decided, for as long as somebody wants it."""

    def __init__(
        self,
        source: SchemaSource,
        *,
        unknown_after: float,
        folder: SchemaFolder | None = None,
        clock: Callable[[], float],
        luck: Callable[[], float] = random.random,
    ) -> None:
        """`unknown_after`: seconds for which an unknown id is asked for. `clock`: monotonic seconds."""
        self._source = source
        self._folder = folder
        self._unknown_after = unknown_after
        self._clock = clock
        self._luck = luck
        self._known = KnownSchemas(clock)
        self._lookups: dict[str, _Wanted] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._recovered = asyncio.Event()
        self._counts: Counter[LookupResult] = Counter()
        self._from_folder = 0
        self._state = "idle"
        self._since: float | None = None
        self._trouble: AskAgain | None = None
        self._writing: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def schemas(self) -> Schemas:
        """All that is known. It grows, and may forget what can be looked up again."""
        return self._known

    def want(self, reference: str, on_known: OnKnown) -> Unwant:
        """Have `on_known` called, once and later than this, as soon as `schemas` has the reference.

        The answer takes that back: where nobody wants it any more, it is not asked for any more either.
        """
        lookup = self._lookups.get(reference)
        if lookup is None:
            lookup = self._lookups[reference] = _Wanted(reference, self._clock())
            if not self._closed:
                lookup.task = asyncio.get_running_loop().create_task(self._look_up(lookup))
        token = object()
        lookup.wanted_by[token] = on_known

        def unwant() -> None:
            if lookup.wanted_by.pop(token, None) is not None and not lookup.wanted_by:
                self._give_up(lookup)

        return unwant

    def trouble(self, reference: str) -> LookupTrouble | None:
        """Why it is not known yet; None while it is asked for the first time, and where nobody wants it."""
        lookup = self._lookups.get(reference)
        if lookup is None or lookup.last is None:
            return None
        return LookupTrouble(
            reference,
            ", ".join(self._source.urls),
            lookup.last.result,
            lookup.last.sentence,
            lookup.since,
            lookup.next_try,
        )

    def snapshot(self) -> RegistrySnapshot:
        """Everything that is shown of the registry."""
        known, unknown = self._known.counts()
        return RegistrySnapshot(
            urls=self._source.urls,
            state=self._state,
            since=self._since,
            kind=self._trouble.result if self._trouble else None,
            problem=self._trouble.sentence if self._trouble else None,
            known=known,
            unknown=unknown,
            known_bytes=self._known.size,
            waiting=tuple(self._lookups),
            lookups=dict(self._counts),
            from_folder=self._from_folder,
            requests=self._source.requests,
        )

    async def aclose(self) -> None:
        """Stop all look-ups; nobody is called any more."""
        self._closed = True
        tasks = [lookup.task for lookup in self._lookups.values() if lookup.task]
        for lookup in list(self._lookups.values()):
            lookup.wanted_by.clear()
            self._give_up(lookup)
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        if self._writing:
            await asyncio.wait(self._writing, timeout=DISK_PATIENCE)

    def _give_up(self, lookup: _Wanted) -> None:
        if self._lookups.get(lookup.reference) is lookup:
            del self._lookups[lookup.reference]
        if lookup.task is not None:
            lookup.task.cancel()

    async def _look_up(self, lookup: _Wanted) -> None:
        """Until it is decided; then whoever waits is told."""
        decided = self._settled(lookup.reference) or await self._kept(lookup.reference)
        unknown = False
        while decided is None:
            async with self._places:
                attempt, url = await self._attempt(lookup.reference)
            step = decide(
                attempt,
                self._history(lookup),
                now=self._clock(),
                unknown_after=self._unknown_after,
                luck=self._luck(),
            )
            self._counts[step.result] += 1
            self._show(step)
            if isinstance(step, AskAgain):
                await self._wait(lookup, step)
                continue
            decided = step.schema
            unknown = step.result is LookupResult.UNKNOWN
            self._keep(lookup.reference, decided, url)
        if self._known.get(lookup.reference) is not decided:
            self._known.add(lookup.reference, decided, again=unknown)
        self._tell(lookup)

    def _settled(self, reference: str) -> Schema | NoSchema | None:
        """What is known already is told all the same. What was unknown is asked for: somebody hopes that it changed."""
        return None if self._known.was_unknown(reference) else self._known.get(reference)

    def _history(self, lookup: _Wanted) -> Waiting:
        """What was decided as unknown before, and is unknown still, is not waited for a second time."""
        if lookup.last is None and self._known.was_unknown(lookup.reference):
            return Waiting(unknown_since=self._clock() - self._unknown_after)
        return lookup.waiting

    async def _kept(self, reference: str) -> Schema | None:
        if self._folder is None:
            return None
        try:
            async with asyncio.timeout(DISK_PATIENCE):
                schema = await asyncio.to_thread(self._folder.read, reference)
        except TimeoutError:
            return None
        self._from_folder += schema is not None
        return schema

    def _keep(self, reference: str, decided: Schema | NoSchema, url: str) -> None:
        """On the disk, if anywhere. No record waits for that."""
        if isinstance(decided, Schema) and self._folder is not None:
            writing = asyncio.create_task(asyncio.to_thread(self._folder.write, reference, decided, url))
            self._writing.add(writing)
            writing.add_done_callback(self._writing.discard)

    async def _attempt(self, reference: str) -> tuple[Attempt, str]:
        try:
            return await self._source.fetch(reference)
        except (RegistryFailure, UnknownReference, UnusableSchema) as signal:
            return signal, ""
        except Exception as error:  # noqa: BLE001 - a defect here must not end the look-up without a word: records wait
            sentence = f"the look-up of {reference} failed in a way nobody thought of: {type(error).__name__}: {error}"
            return RegistryFailure(LookupResult.REFUSED, sentence), ""

    async def _wait(self, lookup: _Wanted, step: AskAgain) -> None:
        """Until the next attempt is due, or something says that it may succeed now."""
        lookup.waiting, lookup.last = step.waiting, step
        lookup.next_try = until = self._clock() + step.pause
        if step.result is LookupResult.UNKNOWN:
            await asyncio.sleep(step.pause)
        while step.result is not LookupResult.UNKNOWN and (left := until - self._clock()) > 0:
            if step.result is LookupResult.LOGIN:
                if self._source.credentials_changed():
                    break
                left = min(left, CREDENTIALS_LOOKED_AT)
            if await self._recovers(left):
                break
        lookup.next_try = None

    async def _recovers(self, within: float) -> bool:
        """Whether another look-up found the registry working in so many seconds."""
        recovered = self._recovered
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await recovered.wait()
        return recovered.is_set()

    def _show(self, step: AskAgain | Decided) -> None:
        """The state of the registry, by its last attempt; what recovered has everybody asked for at once."""
        is_trouble = isinstance(step, AskAgain) and step.result not in _SILENT
        state = "trouble" if is_trouble else "ok"
        if state != self._state:
            if self._state == "trouble":
                self._recovered.set()
                self._recovered = asyncio.Event()
            self._state, self._since = state, self._clock()
        self._trouble = step if isinstance(step, AskAgain) and is_trouble else None

    def _tell(self, lookup: _Wanted) -> None:
        if self._lookups.get(lookup.reference) is lookup:
            del self._lookups[lookup.reference]
        lookup.task = None
        waiting, lookup.wanted_by = list(lookup.wanted_by.values()), {}
        for on_known in waiting:
            on_known()
