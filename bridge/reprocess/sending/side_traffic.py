"""What sends beside live traffic, a replay or a file: through the dispatcher that live events go through, within a
declared share of the budget, and to an end as soon as something goes wrong.

A membership of the replays' group carries the declaration, so nothing is sent before running bridges can know of it.

`SideTraffic` has what is the same whatever is sent; what is sent is its `Cargo`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from bridge.formats import declarations
from bridge.kafka.letters.replay_group import ClaimHolder, ReplayGroup
from bridge.model import DeadLetter, Delivered, LetterReason, Outcomes, Record, Verdict
from bridge.pipeline.dispatch.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import Alarm, Clock, Credentials, EventLog, Sink
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import AutomaticIdentify, Entry, Work
from bridge.reprocess.sending.budget import Budget

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.mapping.mapper import CompiledMapping

Tracker = OffsetTracker[Entry]
_TICK: Final = 0.25
_LOOK: Final = declarations.STALE / 15
"""Seconds between looks at what others declare."""


@dataclass(frozen=True, slots=True)
class Wiring:
    """What one is built of; `service.side_traffic` makes it from the configuration."""

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


class Cargo(ClaimHolder, Protocol):
    """What is sent, of claimed partitions. Everything is called on the loop's thread; an exception ends it all."""

    def feed(self) -> None:
        """Hand the dispatcher as many as there is room for, in their order."""

    def map(self, record: Record, now: float) -> Outcomes:
        """See `ports.Mapper`: of a record that was fed."""

    def rest_follows(self, topic: str, /) -> bool:
        """See `ports.Mapper`."""

    def accepted(self, work: Work, verdict: Delivered, heard: Callable[[], None]) -> None:
        """The API accepted one event. Its permit is free when ``heard`` is called."""

    def failed(self, letter: DeadLetter, work: Work, heard: Callable[[], None]) -> None:
        """One event failed for good, and not for the key. The dispatcher continues when ``heard`` is called."""

    def pause(self, partition: int) -> None:
        """Feed nothing more of it: too much waits behind users whose events fail."""

    def resume(self, partition: int) -> None:
        """Feed it again."""


class SideTraffic:
    """Is the dispatcher's dead letters and positions, hears of claims, and tells its cargo. On the loop.

    `crash`, `wake` and `later` are the cargo's to call.
    """

    def __init__(
        self,
        wiring: Wiring,
        cargo: Cargo,
        account: Account,
        log: Callable[[Callable[[str], None], Callable[[str], None]], EventLog],
        *,
        letters_topic: str,
    ) -> None:
        """``log`` makes the dispatcher's log of what stops it and of who hears its sentences."""
        self._loop = asyncio.get_running_loop()
        self._wiring = wiring
        self._cargo = cargo
        self._account = account
        self._letters_topic = letters_topic
        self._changed = asyncio.Event()
        self._crash: BaseException | None = None
        self._claims: ReplayGroup | None = None
        self.dispatcher = Dispatcher(
            wiring.settings,
            mapper=cargo,
            sink=wiring.sink,
            letters=self,
            positions=self,
            credentials=wiring.credentials,
            event_log=log(self.stop, wiring.notice),
            clock=wiring.clock,
            alarm=wiring.alarm,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )

    # --- its life ------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def ticking(self) -> AsyncIterator[None]:
        """While this is open, time passes. Raises at its end what a defect raised, and completes the account."""
        ticking = asyncio.create_task(self._tick(), name="side-traffic-tick")
        try:
            yield
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        if self._crash is not None:
            raise self._crash
        self._account.requests = self.dispatcher.tally.requests
        self._account.ambiguous = self.dispatcher.tally.ambiguous

    async def membership(self, positions: Mapping[int, int], is_over: Callable[[], bool]) -> None:
        """Join, until it is over or something ends it; then leave, which waits for `Cargo.unclaim`.

        `positions` are the ends of the dead-letter topic's partitions: the claims' commits need some offset.
        """
        kafka, budget = self._wiring.config.kafka, self._wiring.budget
        budget.begin()
        self._claims = claims = ReplayGroup(
            kafka,
            declarations.group_of(kafka.group_id),
            self._letters_topic,
            self,
            positions=positions,
            declare=budget.declare,
            loop=self._loop,
            logger=self._wiring.logger,
        )
        claims.start()
        while not self.has_ended and not is_over():
            self._changed.clear()
            await self._changed.wait()
        await asyncio.wrap_future(claims.stop())
        self._claims = None

    async def rest(self, seconds: float) -> None:
        """Let time pass, but no more once it has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.has_ended:
                    self._changed.clear()
                    await self._changed.wait()

    @property
    def has_ended(self) -> bool:
        """Whether nothing more is started."""
        return self._account.stopped is not None or self._crash is not None

    def stop(self, sentence: str) -> None:
        """Start nothing more; what is in flight finishes."""
        if self._account.stopped is None:
            self._account.stopped = sentence
        self.dispatcher.stop()
        self.wake()

    def crash(self, defect: BaseException) -> None:
        """It must end the command and not vanish in a callback."""
        self._crash = self._crash or defect
        self.wake()

    def wake(self) -> None:
        """Something changed by which the membership may be over."""
        self._changed.set()

    def _guarded(self, step: Callable[..., None], *arguments: object) -> None:
        """An exception here is a defect."""
        try:
            step(*arguments)
        except Exception as defect:  # noqa: BLE001 - see above
            self.crash(defect)

    def later(self, step: Callable[..., None], *arguments: object) -> None:
        """The same once the dispatcher has returned."""
        self._loop.call_soon(self._guarded, step, *arguments)

    async def _tick(self) -> None:
        budget, looked = self._wiring.budget, 0.0
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            if now - looked > _LOOK:
                looked = now
                await budget.look(now)
            self.pace(now)
            self._guarded(self.dispatcher.tick)
            self._guarded(self._cargo.feed)

    def pace(self, now: float) -> None:
        """Bring what may be sent at this monotonic time to the dispatcher: of each budget no more than that has."""
        for each in self.dispatcher.sending.budgets:
            each.pacer.set_rate(self._wiring.budget.rate_within(each.limit, now), now)

    # --- the sink's and the alarm's ---------------------------------------------------------------------

    def pump(self) -> None:
        """The alarm rings."""
        self._guarded(self.dispatcher.pump)

    def answered(self, work: Work, verdict: Verdict) -> None:
        """See `ports.VerdictSink`."""
        self._guarded(self._answered, work, verdict)

    def _answered(self, work: Work, verdict: Verdict) -> None:
        # An identify of the dispatcher's own is none of the cargo's events: the one behind it is, and goes next.
        if type(verdict) is Delivered and not isinstance(work, AutomaticIdentify):
            self._cargo.accepted(work, verdict, partial(self._guarded, self._hear, work, verdict))
        else:
            self._hear(work, verdict)

    def _hear(self, work: Work, verdict: Verdict) -> None:
        self.dispatcher.answered(work, verdict)
        self.dispatcher.pump()
        self._cargo.feed()

    # --- the dispatcher's dead letters -------------------------------------------------------------------

    def write(self, letter: DeadLetter, token: Work) -> None:
        """See `ports.DeadLetters`: none is written here, the cargo keeps what failed."""
        heard = partial(self.later, self._written, token)
        if letter.reason is LetterReason.UNAUTHORIZED:
            heard()  # The key's failure and not the event's: it stays as it was, and the log stops it all.
        else:
            self._cargo.failed(letter, token, heard)

    def _written(self, work: Work) -> None:
        self.dispatcher.letter_written(work, None)
        self._cargo.feed()

    # --- the dispatcher's positions ------------------------------------------------------------------------

    def store(self, positions: Sequence[object]) -> None:
        """See `ports.Positions`: what is done is kept elsewhere."""

    def send_heartbeat(self) -> None:
        """See `ports.Positions`."""
        if self._claims is not None:
            self._claims.prove()

    def pause_topic(self, topic: str) -> None:
        """See `ports.Positions`: the log stops it all."""

    def pause_partition(self, tracker: Tracker) -> None:
        """See `ports.Positions`."""
        self._cargo.pause(tracker.partition.partition)

    def resume_partition(self, tracker: Tracker) -> None:
        """See `ports.Positions`."""
        self._cargo.resume(tracker.partition.partition)
        self.later(self._cargo.feed)

    def read_again(self, tracker: Tracker, offset: int) -> None:
        """See `ports.Positions`: what is sent beside needs no schema any more."""

    # --- `kafka.letters.replay_group.Claimant` ---------------------------------------------------------------

    def heartbeat_answered(self, issued_at: float) -> None:
        """The declaration is known from now on."""
        self._wiring.budget.declared(self._wiring.clock.monotonic())
        self._guarded(self.dispatcher.heartbeat_answered, issued_at)

    def claimed(self, partitions: Sequence[int]) -> None:
        """Told to the cargo, as all of them."""
        self._guarded(self._cargo.claimed, partitions)

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:
        """As above."""
        self._guarded(self._cargo.unclaim, partitions, done)

    def lost(self, partitions: Sequence[int]) -> None:
        """As above."""
        self._guarded(self._cargo.lost, partitions)

    def refused(self, sentence: str) -> None:
        """As above."""
        self._guarded(self._cargo.refused, sentence)
