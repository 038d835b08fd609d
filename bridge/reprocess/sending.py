"""Sends the lines of a file through the dispatcher that live events go through: same order, guards, retries and budget.

The file is one partition to the dispatcher, its lines are the offsets. The budget is shared as replays share it: the
sending declares its rate as a member of their group, and nothing is sent before running bridges can know of it, nor
while the membership is not proven. What fails for good is handed to whoever keeps it; no dead letter is written.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from bridge.kafka.claims import Claims
from bridge.model import DeadLetter, Delivered, LetterReason, Outcomes, Record, TopicPartition, Verdict
from bridge.pipeline.dispatcher import Dispatcher
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.ports import Alarm, Attempt, Clock, Credentials, Sink
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry as OpenEntry
from bridge.pipeline.work import Work
from bridge.reprocess import declarations
from bridge.reprocess.budget import Budget
from bridge.reprocess.lines import Line, Parcel, Tally
from bridge.reprocess.outside import SendingJournal

if TYPE_CHECKING:
    from bridge.config.sections import Config
    from bridge.mapping.mapper import CompiledMapping

_TICK: Final = 0.25
_LOOK: Final = declarations.STALE / 15
"""Seconds between looks at what others declare."""


class Sending:
    """One file, on the loop's thread. `run` it once."""

    def __init__(
        self,
        lines: Sequence[Line],
        *,
        config: Config,
        mapping: CompiledMapping,
        letters_end: Mapping[int, int],
        settings: DeliverySettings,
        sink: Sink,
        credentials: Credentials,
        budget: Budget,
        clock: Clock,
        alarm: Alarm,
        logger: logging.Logger,
        rejected: Callable[[Line, DeadLetter], None],
        progress: Callable[[int], None],
        notice: Callable[[str], None],
    ) -> None:
        """`letters_end` are the ends of the dead-letter topic's partitions, whose claims carry the declaration.

        ``rejected`` keeps an event that failed for good, before it counts as through.
        """
        self.tally = Tally(lines)
        self._loop = asyncio.get_running_loop()
        self._config = config
        self._mapping = mapping
        self._letters_end = letters_end
        self._budget = budget
        self._clock = clock
        self._logger = logger
        self._rejected = rejected
        self._progress = progress
        self._next = 0
        """The place of the next line to hand over."""
        self._parcels: dict[int, Parcel] = {}
        self._tracker: OffsetTracker[OpenEntry] = OffsetTracker(TopicPartition("file", 0), 0)
        self._is_taken = False
        self._is_paused = False
        self._claims: Claims | None = None
        self._changed = asyncio.Event()
        self._crash: BaseException | None = None
        self._dispatcher = Dispatcher(
            settings,
            mapper=self,
            sink=sink,
            letters=self,
            positions=self,
            credentials=credentials,
            journal=SendingJournal(self.stop, notice),
            clock=clock,
            alarm=alarm,
            rng=random.Random(),  # noqa: S311 - jitter, not a secret
        )

    async def run(self) -> Tally:
        """Everything that can be sent. Raises what a defect raised."""
        ticking = asyncio.create_task(self._tick(), name="sending-tick")
        try:
            self._budget.begin()
            self._claims = claims = Claims(
                self._config.kafka,
                declarations.group_of(self._config.kafka.group_id),
                self._config.dead_letter.topic,
                self,
                positions=self._letters_end,
                declare=self._budget.declare,
                loop=self._loop,
                logger=self._logger,
            )
            claims.start()
            while self.tally.left and not self._has_ended:
                self._changed.clear()
                await self._changed.wait()
            # What is on the wire still gets its answer, or is left: `claims.stop` waits for `unclaim`.
            await asyncio.wrap_future(claims.stop())
            self._claims = None
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        if self._crash is not None:
            raise self._crash
        self.tally.requests = self._dispatcher.tally.requests
        self.tally.ambiguous = self._dispatcher.tally.ambiguous
        return self.tally

    def stop(self, sentence: str) -> None:
        """Start nothing more; what is in flight finishes."""
        if self.tally.stopped is None:
            self.tally.stopped = sentence
        self._dispatcher.stop()
        self._changed.set()

    def interrupt(self) -> None:
        """As `stop`, because somebody wants it."""
        self.tally.interrupted = True
        self.stop("interrupted")

    @property
    def _has_ended(self) -> bool:
        return self.tally.stopped is not None or self._crash is not None

    # --- claims, which only carry the declaration ----------------------------------------------------

    def claimed(self, partitions: Sequence[int]) -> None:
        """See `kafka.claims.Claimant`."""
        if partitions and not self._is_taken:
            self._is_taken = True
            self._guarded(self._dispatcher.assigned, [self._tracker])
            self._guarded(self._feed)

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:  # noqa: ARG002 - the port's
        """See `kafka.claims.Claimant`: the file is nobody else's, but the declaration is taken back now."""
        self._budget.begin()
        self._guarded(self._dispatcher.governor.pacer.set_rate, self._rate(), self._clock.monotonic())
        if not self._has_ended or not self._is_taken:
            done()
            return

        def drained(_positions: object) -> None:
            done()

        self._is_taken = False
        self._guarded(self._dispatcher.revoke, [self._tracker], drained)

    def lost(self, partitions: Sequence[int]) -> None:  # noqa: ARG002 - the port's
        """See `kafka.claims.Claimant`: the declaration may not count any more."""
        self._budget.begin()

    def proven(self, issued_at: float) -> None:
        """See `kafka.claims.Claimant`."""
        self._budget.declared(self._clock.monotonic())
        self._guarded(self._dispatcher.membership_proven, issued_at)

    def refused(self, sentence: str) -> None:
        """See `kafka.claims.Claimant`."""
        self.tally.refused = True
        self.stop(sentence.rstrip("."))

    # --- lines in --------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Hand over as many as there is room for, in their order."""
        records, size = self._dispatcher.room()
        while self._next < len(self.tally.lines) and records > 0 and size > 0 and self._is_feeding:
            place, self._next = self._next, self._next + 1
            line = self.tally.lines[place]
            self._parcels[place] = Parcel(line)
            record = line.record
            numbered = Record("file", 0, place, record.timestamp_ms, record.key, record.value, record.headers)
            self._dispatcher.accept(self._tracker, [numbered])
            self._settle(place)  # At once where no event is made of it.
            records, size = self._dispatcher.room()
        self._changed.set()

    @property
    def _is_feeding(self) -> bool:
        return self._is_taken and not self._is_paused and not self._has_ended

    def map(self, record: Record, now: float) -> Outcomes:
        """See `ports.Mapper`: the line's own record, of which the dispatcher has only the number."""
        parcel = self._parcels[record.offset]
        outcomes = self._mapping.map(parcel.line.record, now)
        parcel.mapped(outcomes)
        return outcomes

    # --- what comes of them ----------------------------------------------------------------------------

    def answered(self, attempt: Attempt, verdict: Verdict) -> None:
        """See `ports.Answers`."""
        self._guarded(self._answered, attempt, verdict)

    def _answered(self, attempt: Attempt, verdict: Verdict) -> None:
        if type(verdict) is Delivered and isinstance(attempt, Work):
            self._parcels[attempt.record.offset].accept(attempt.output)
            self._settle(attempt.record.offset)
        self._dispatcher.answered(attempt, verdict)
        self._dispatcher.pump()
        self._feed()

    def write(self, letter: DeadLetter, token: object) -> None:
        """See `ports.DeadLetters`: what failed is kept beside the file."""
        if not isinstance(token, Work):
            raise TypeError(type(token))
        if letter.reason is not LetterReason.UNAUTHORIZED:  # That is the key's failure: the line is left.
            place = token.record.offset
            self._rejected(self._parcels[place].line, letter)
            self.tally.failed(letter)
            self._parcels[place].fail(token.output)
            self._loop.call_soon(self._guarded, self._settle, place)
        self._loop.call_soon(self._guarded, self._dispatcher.letter_written, token, None)
        self._loop.call_soon(self._guarded, self._feed)

    def _settle(self, place: int) -> None:
        """Count a line that is through, once."""
        parcel = self._parcels.get(place)
        if parcel is None or parcel.fate is None:
            return
        del self._parcels[place]
        self.tally.settle(place, parcel.line, parcel.fate)
        self._progress(self.tally.done)
        self._changed.set()

    # --- ports that need little --------------------------------------------------------------------------

    def store(self, positions: Sequence[object]) -> None:
        """See `ports.Positions`: a file has none."""

    def prove_membership(self) -> None:
        """See `ports.Positions`."""
        if self._claims is not None:
            self._claims.prove()

    def pause_topic(self, topic: str) -> None:
        """See `ports.Positions`: the journal stops the sending."""

    def pause_partition(self, tracker: OffsetTracker[OpenEntry]) -> None:  # noqa: ARG002 - the port's
        """See `ports.Positions`: too much waits behind users whose events fail."""
        self._is_paused = True

    def resume_partition(self, tracker: OffsetTracker[OpenEntry]) -> None:  # noqa: ARG002 - the port's
        """See `ports.Positions`."""
        self._is_paused = False
        self._loop.call_soon(self._guarded, self._feed)

    def pump(self) -> None:
        """The alarm rings."""
        self._guarded(self._dispatcher.pump)

    def _rate(self) -> float | None:
        return self._budget.rate(self._clock.monotonic())

    async def _tick(self) -> None:
        looked = 0.0
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            if now - looked > _LOOK:
                looked = now
                await self._budget.look(now)
            self._dispatcher.governor.pacer.set_rate(self._rate(), now)
            self._guarded(self._dispatcher.tick)
            self._guarded(self._feed)

    def _guarded(self, step: Callable[..., None], *arguments: object) -> None:
        """An exception here is a defect; it must end the command and not vanish in a callback."""
        try:
            step(*arguments)
        except Exception as defect:  # noqa: BLE001 - see above
            self._crash = self._crash or defect
            self._changed.set()
