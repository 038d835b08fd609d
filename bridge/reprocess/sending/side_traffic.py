"""What sends beside live traffic, a replay or a file: through the dispatcher that live events go through, within a
declared share of the budget, and to an end as soon as something goes wrong.

A membership of the replays' group carries the declaration, so nothing is sent before running bridges can know of it.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from bridge.formats import declarations
from bridge.kafka.letters.replay_group import ReplayGroup
from bridge.model import DeadLetter, Outcomes, Record, Verdict
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import Alarm, Clock, Credentials, Sink
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, Work
from bridge.reprocess.budget import Budget
from bridge.reprocess.replay.replay_log import ReplayLog

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.mapping.mapper import CompiledMapping

Tracker = OffsetTracker[Entry]
_TICK: Final = 0.25
_LOOK: Final = declarations.STALE / 15
"""Seconds between looks at what others declare."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What one is built of; `service.replays.side_traffic` makes it from the configuration."""

    config: Config
    mapping: CompiledMapping
    settings: DeliverySettings
    sink: Sink[Work]
    credentials: Credentials
    budget: Budget
    clock: Clock
    alarm: Alarm
    logger: logging.Logger
    progress: Callable[[int], None]
    """Hears how many are done."""
    notice: Callable[[str], None]
    """Hears sentences."""


class Account(Protocol):
    """The part of the result that is the same whatever is sent."""

    stopped: str | None
    interrupted: bool
    requests: int
    ambiguous: int


class SideTraffic(ABC):
    """Is the dispatcher's mapper, its dead letters and its positions, and hears of claims. On the loop's thread."""

    def __init__(self, wiring: Wiring, account: Account, journal: type[ReplayLog], *, letters_topic: str) -> None:
        self._loop = asyncio.get_running_loop()
        self._account = account
        self._config, self._mapping, self._logger = wiring.config, wiring.mapping, wiring.logger
        self._clock, self._budget = wiring.clock, wiring.budget
        self._progress, self._notice = wiring.progress, wiring.notice
        self._letters_topic = letters_topic
        self._changed = asyncio.Event()
        self._crash: BaseException | None = None
        self._claims: ReplayGroup | None = None
        self._dispatcher = Dispatcher(
            wiring.settings,
            mapper=self,
            sink=wiring.sink,
            letters=self,
            positions=self,
            credentials=wiring.credentials,
            journal=journal(self.stop, wiring.notice),
            clock=wiring.clock,
            alarm=wiring.alarm,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )

    # --- its life ------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _ticking(self) -> AsyncIterator[None]:
        """While this is open, time passes. Raises at its end what a defect raised, and completes the account."""
        ticking = asyncio.create_task(self._tick(), name="side-traffic-tick")
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        if self._crash is not None:
            raise self._crash
        self._account.requests = self._dispatcher.tally.requests
        self._account.ambiguous = self._dispatcher.tally.ambiguous

    async def _membership(self, positions: Mapping[int, int], is_over: Callable[[], bool]) -> None:
        """Join, until it is over or something ends it; then leave, which waits for `unclaim`.

        `positions` are the ends of the dead-letter topic's partitions: the claims' commits need some offset.
        """
        self._budget.begin()
        self._claims = claims = ReplayGroup(
            self._config.kafka,
            declarations.group_of(self._config.kafka.group_id),
            self._letters_topic,
            self,
            positions=positions,
            declare=self._budget.declare,
            loop=self._loop,
            logger=self._logger,
        )
        claims.start()
        while not self._has_ended and not is_over():
            self._changed.clear()
            await self._changed.wait()
        await asyncio.wrap_future(claims.stop())
        self._claims = None

    def stop(self, sentence: str) -> None:
        """Start nothing more; what is in flight finishes."""
        if self._account.stopped is None:
            self._account.stopped = sentence
        self._dispatcher.stop()
        self._changed.set()

    @property
    def _has_ended(self) -> bool:
        return self._account.stopped is not None or self._crash is not None

    async def _tick(self) -> None:
        looked = 0.0
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            if now - looked > _LOOK:
                looked = now
                await self._budget.look(now)
            self._dispatcher.governor.pacer.set_rate(self._budget.rate(now), now)
            self._guarded(self._dispatcher.tick)
            self._guarded(self._feed)

    def _guarded(self, step: Callable[..., None], *arguments: object) -> None:
        """An exception here is a defect; it must end the command and not vanish in a callback."""
        try:
            step(*arguments)
        except Exception as defect:  # noqa: BLE001 - see above
            self._crash = self._crash or defect
            self._changed.set()

    def _hear(self, attempt: Work, verdict: Verdict) -> None:
        """The dispatcher's part of an answer."""
        self._dispatcher.answered(attempt, verdict)
        self._dispatcher.pump()
        self._feed()

    # --- ports that are the same whatever is sent -----------------------------------------------------

    def pump(self) -> None:
        """The alarm rings."""
        self._guarded(self._dispatcher.pump)

    def answered(self, attempt: Work, verdict: Verdict) -> None:
        """See `ports.Answers`."""
        self._guarded(self._answered, attempt, verdict)

    def proven(self, issued_at: float) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        self._budget.declared(self._clock.monotonic())
        self._guarded(self._dispatcher.membership_proven, issued_at)

    def store(self, positions: Sequence[object]) -> None:  # noqa: B027 - there is nothing to do
        """See `ports.Positions`: what is done is kept elsewhere."""

    def prove_membership(self) -> None:
        """See `ports.Positions`."""
        if self._claims is not None:
            self._claims.prove()

    def pause_topic(self, topic: str) -> None:  # noqa: B027 - there is nothing to do
        """See `ports.Positions`: the journal stops it all."""

    # --- and those that are not ------------------------------------------------------------------------

    @abstractmethod
    def _feed(self) -> None:
        """Hand over as many as there is room for, in their order."""

    @abstractmethod
    def _answered(self, attempt: Work, verdict: Verdict) -> None: ...

    @abstractmethod
    def map(self, record: Record, now: float) -> Outcomes:
        """See `ports.Mapper`."""

    @abstractmethod
    def write(self, letter: DeadLetter, token: Work) -> None:
        """See `ports.DeadLetters`."""

    @abstractmethod
    def pause_partition(self, tracker: OffsetTracker[Any]) -> None:
        """See `ports.Positions`: too much waits behind users whose events fail."""

    @abstractmethod
    def resume_partition(self, tracker: OffsetTracker[Any]) -> None:
        """See `ports.Positions`."""

    @abstractmethod
    def claimed(self, partitions: Sequence[int]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""

    @abstractmethod
    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""

    @abstractmethod
    def lost(self, partitions: Sequence[int]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""

    @abstractmethod
    def refused(self, sentence: str) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
