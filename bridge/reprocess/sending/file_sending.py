"""Sends the lines of a file through the dispatcher that live events go through: same order, guards, retries and budget.

The file is one partition to the dispatcher, its lines are the offsets. The budget is shared as replays share it: the
sending declares its rate as a member of their group, and nothing is sent before running bridges can know of it, nor
while the membership is not proven. What fails for good is handed to whoever keeps it; no dead letter is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bridge.model import DeadLetter, Delivered, LetterReason, Outcomes, Record, TopicPartition, Verdict
from bridge.pipeline.offsets import OffsetTracker
from bridge.pipeline.work import Work
from bridge.reprocess.lines import FileLine, LineInFlight, SendTally
from bridge.reprocess.replay.replay_log import SendingLog
from bridge.reprocess.side_traffic import SideTraffic, Tracker, Wiring


class Sending(SideTraffic):
    """One file, on the loop's thread. `run` it once."""

    def __init__(
        self,
        lines: Sequence[FileLine],
        wiring: Wiring,
        *,
        letters_end: Mapping[int, int],
        rejected: Callable[[FileLine, DeadLetter], None],
    ) -> None:
        """`letters_end` are the ends of the dead-letter topic's partitions, whose claims carry the declaration.

        ``rejected`` keeps an event that failed for good, before it counts as through.
        """
        self.tally = SendTally(lines)
        super().__init__(wiring, self.tally, SendingLog, letters_topic=wiring.config.dead_letter.topic)
        self._letters_end = letters_end
        self._rejected = rejected
        self._next = 0
        """The place of the next line to hand over."""
        self._parcels: dict[int, LineInFlight] = {}
        self._tracker: Tracker = OffsetTracker(TopicPartition("file", 0), 0)
        self._is_taken = False
        self._is_paused = False

    async def run(self) -> SendTally:
        """Everything that can be sent. Raises what a defect raised."""
        async with self._ticking():
            # What is on the wire still gets its answer, or is left: leaving waits for `unclaim`.
            await self._membership(self._letters_end, lambda: not self.tally.left)
        return self.tally

    def interrupt(self) -> None:
        """As `stop`, because somebody wants it."""
        self.tally.interrupted = True
        self.stop("interrupted")

    # --- claims, which only carry the declaration ----------------------------------------------------

    def claimed(self, partitions: Sequence[int]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        if partitions and not self._is_taken:
            self._is_taken = True
            self._guarded(self._dispatcher.assigned, [self._tracker])
            self._guarded(self._feed)

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:  # noqa: ARG002 - the port's
        """The file is nobody else's (`kafka.letters.replay_group.Claimant`), but the declaration is taken back."""
        self._budget.begin()
        now = self._clock.monotonic()
        self._guarded(self._dispatcher.governor.pacer.set_rate, self._budget.rate(now), now)
        if not self._has_ended or not self._is_taken:
            done()
            return

        def drained(_positions: object) -> None:
            done()

        self._is_taken = False
        self._guarded(self._dispatcher.revoke, [self._tracker], drained)

    def lost(self, partitions: Sequence[int]) -> None:  # noqa: ARG002 - the port's
        """See `kafka.letters.replay_group.Claimant`: the declaration may not count any more."""
        self._budget.begin()

    def refused(self, sentence: str) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        self.tally.refused = True
        self.stop(sentence.rstrip("."))

    # --- lines in --------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Hand over as many as there is room for, in their order."""
        records, size = self._dispatcher.room()
        while self._next < len(self.tally.lines) and records > 0 and size > 0 and self._is_feeding:
            place, self._next = self._next, self._next + 1
            line = self.tally.lines[place]
            self._parcels[place] = LineInFlight(line)
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

    def _answered(self, attempt: Work, verdict: Verdict) -> None:
        if type(verdict) is Delivered:
            self._parcels[attempt.record.offset].accept(attempt.output)
            self._settle(attempt.record.offset)
        self._hear(attempt, verdict)

    def write(self, letter: DeadLetter, token: Work) -> None:
        """See `ports.DeadLetters`: what failed is kept beside the file."""
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

    def pause_partition(self, tracker: Tracker) -> None:  # noqa: ARG002 - the port's
        """See `ports.Positions`: too much waits behind users whose events fail."""
        self._is_paused = True

    def resume_partition(self, tracker: Tracker) -> None:  # noqa: ARG002 - the port's
        """See `ports.Positions`."""
        self._is_paused = False
        self._loop.call_soon(self._guarded, self._feed)
