"""Sends letters again, through the dispatcher that live events go through: same order, budget, guards and retries.

Each letter becomes a record of the dead-letter topic to the dispatcher, numbered in the order of sending; the mapper
here turns it back into the record it was. An accepted request frees its permit only when the resolution is
acknowledged, so a crash resends at most what was in flight. A letter that fails again is counted in its resolution and
never written anew. Nothing is sent before its partition is claimed and everything others wrote about it was read.
"""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final

from bridge.kafka.letters.letter_log import LetterLogError
from bridge.kafka.letters.resolution_writer import ResolutionWriter
from bridge.model import DeadLetter, Delivered, LetterReason, Outcomes, Record, TopicPartition, Verdict
from bridge.pipeline.work import Work
from bridge.reprocess.author import author
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay import plan
from bridge.reprocess.replay.letter_in_flight import LetterInFlight
from bridge.reprocess.replay.outcome import LetterResult, ReplayOutcome
from bridge.reprocess.replay.plan import LetterFate, PlannedLetter, ReplayRules
from bridge.reprocess.replay.recorder import Recorder
from bridge.reprocess.replay.replay_log import ReplayLog
from bridge.reprocess.side_traffic import SideTraffic, Tracker, Wiring

if TYPE_CHECKING:
    from bridge.reprocess.reading.reader import LetterReader

_DRAIN: Final = 15.0
"""Seconds the last resolutions may take once nothing more is sent."""


class Replay(SideTraffic):
    """One replay of a plan, on the loop's thread. `run` it once."""

    def __init__(
        self,
        planned: Sequence[PlannedLetter],
        rules: ReplayRules,
        wiring: Wiring,
        *,
        reader: LetterReader,
        command: str,
    ) -> None:
        """`planned` in the order of sending; `command` as resolutions name it."""
        self.outcome = ReplayOutcome()
        super().__init__(wiring, self.outcome, ReplayLog, letters_topic=reader.extent.topic)
        self._reader = reader
        self._rules = rules
        self._waiting: dict[int, list[tuple[int, LetterEntry]]] = {}
        for order, each in enumerate(planned):
            self._waiting.setdefault(each.entry.letter.place.partition, []).append((order, each.entry))
        self._total = len(planned)
        self._queue: list[tuple[int, LetterEntry]] = []
        """Of claimed partitions, by order."""
        self._paused: dict[int, list[tuple[int, LetterEntry]]] = {}
        """Partitions of which too much waits behind users whose events fail, and what of their queue came up since."""
        self._parcels: dict[tuple[int, int], LetterInFlight] = {}
        """Handed to the dispatcher and not through, by partition and number."""
        self._strays: dict[tuple[int, int], LetterInFlight] = {}
        """Of partitions that went to another member; their last answers may still come."""
        self._number = 0
        self._trackers: dict[int, Tracker] = {}
        self._catching_up = asyncio.Lock()
        self._reading: set[asyncio.Task[None]] = set()
        self._recorder = Recorder(
            ResolutionWriter(wiring.config, wiring.logger, self._loop),
            reader,
            author(command),
            wiring.clock,
            self._loop,
            self._unrecorded,
        )

    async def run(self) -> ReplayOutcome:
        """Everything that can be sent. Raises what a defect raised."""
        async with self._ticking():
            while self._unfinished() and not self._has_ended:
                await self._round()
                if self._unfinished() and not self._has_ended:
                    await self._wait_for_others()
            await self._recorder.finish(_DRAIN)
        self.outcome.results[LetterResult.LEFT] = self._total - self.outcome.done
        return self.outcome

    def interrupt(self) -> None:
        """As `stop`, because somebody wants it."""
        self.outcome.interrupted = True
        self.stop("interrupted; run it again to resume")

    def _unfinished(self) -> int:
        return self._total - self.outcome.done

    # --- claims -------------------------------------------------------------------------------------

    async def _round(self) -> None:
        """Join, do all that can be claimed, leave: nobody waits for a claim that its owner has no use for."""
        positions = {tp.partition: log.end for tp, log in self._reader.extent.letters.items()}
        await self._membership(positions, self._round_is_over)

    def _round_is_over(self) -> bool:
        if not self._unfinished():
            return True
        queued = self._queue or any(self._paused.values())
        return bool(self._trackers) and not self._reading and not queued and not self._parcels

    async def _wait_for_others(self) -> None:
        self._notice("the other letters are claimed by another replay; waiting for it")
        await asyncio.to_thread(self._reader.catch_up)
        await asyncio.sleep(random.uniform(2.0, 6.0))  # noqa: S311 - so that two of them do not meet again at once
        for entries in list(self._waiting.values()):
            settled = [each for each in entries if not self._reader.ledger.standing(each[1].letter).state.is_open]
            for each in settled:
                entries.remove(each)
                self._through(LetterResult.ELSEWHERE)

    def claimed(self, partitions: Sequence[int]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        self._guarded(self._claimed, partitions)

    def _claimed(self, partitions: Sequence[int]) -> None:
        if not partitions:
            return
        task = self._loop.create_task(self._take(list(partitions)), name="claim")
        self._reading.add(task)
        task.add_done_callback(self._taken)
        trackers = {p: Tracker(TopicPartition(self._reader.extent.topic, p), 0) for p in partitions}
        self._trackers |= trackers
        self._dispatcher.assigned(list(trackers.values()))

    async def _take(self, partitions: list[int]) -> None:
        """Everything others wrote about these is read before anything of them is sent."""
        trackers = [self._trackers.get(partition) for partition in partitions]
        async with self._catching_up:
            await asyncio.to_thread(self._reader.catch_up)
        for partition, tracker in zip(partitions, trackers, strict=True):
            # Meanwhile it may have gone to another member, and even come back as another claim.
            if tracker is not None and self._trackers.get(partition) is tracker:
                for each in self._waiting.pop(partition, []):
                    heapq.heappush(self._queue, each)
        self._feed()

    def _taken(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LetterLogError):
            self.stop(str(error))
        elif error is not None:
            self._crash = error
        self._changed.set()

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        self._guarded(self._unclaim, partitions, done)

    def _unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:
        trackers = [self._trackers.pop(partition) for partition in partitions if partition in self._trackers]
        self._unqueue(partitions)

        def drained(_positions: object) -> None:
            self._return(partitions)
            done()

        self._dispatcher.revoke(trackers, drained)

    def lost(self, partitions: Sequence[int]) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        self._guarded(self._lost, partitions)

    def _lost(self, partitions: Sequence[int]) -> None:
        trackers = [self._trackers.pop(partition) for partition in partitions if partition in self._trackers]
        self._unqueue(partitions)
        self._dispatcher.lost(trackers)
        self._return(partitions)

    def refused(self, sentence: str) -> None:
        """See `kafka.letters.replay_group.Claimant`."""
        self.stop(sentence)

    def _unqueue(self, partitions: Iterable[int]) -> None:
        """What waits to be fed belongs to whoever claims the partition next; perhaps to us."""
        gone = set(partitions)
        for partition in gone:
            self._unpause(partition)
        for each in self._queue:
            if each[1].letter.place.partition in gone:
                self._waiting.setdefault(each[1].letter.place.partition, []).append(each)
        self._queue = [each for each in self._queue if each[1].letter.place.partition not in gone]
        heapq.heapify(self._queue)

    def _return(self, partitions: Iterable[int]) -> None:
        """The same for what was fed and not sent to its end."""
        gone = set(partitions)
        for place in [place for place in self._parcels if place[0] in gone]:
            parcel = self._strays[place] = self._parcels.pop(place)
            self._waiting.setdefault(place[0], []).append((parcel.order, parcel.entry))
        self._changed.set()

    # --- letters in ---------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Hand over as many as there is room for, in their order."""
        records, size = self._dispatcher.room()
        while self._queue and records > 0 and size > 0 and not self._has_ended:
            order, entry = heapq.heappop(self._queue)
            letter = entry.letter
            if letter.place.partition in self._paused:
                self._paused[letter.place.partition].append((order, entry))
                continue
            entry = LetterEntry(letter, self._reader.ledger.standing(letter))
            if not self._is_still_to_be_sent(entry):
                self._through(LetterResult.ELSEWHERE)
                continue
            tracker = self._trackers[letter.place.partition]
            self._number += 1
            record = Record(
                tracker.partition.topic, letter.place.partition, self._number, None, letter.key, letter.value, ()
            )
            self._parcels[record.partition, record.offset] = LetterInFlight(order, entry)
            self._dispatcher.accept(tracker, [record])
            records, size = self._dispatcher.room()
        self._changed.set()

    def _is_still_to_be_sent(self, entry: LetterEntry) -> bool:
        """Others may have settled it since the plan was made, or failed with it often enough."""
        if not entry.standing.state.is_open:
            return False
        return plan.decide(entry, self._mapping, self._rules, self._clock.wall()).fate is LetterFate.SEND

    def map(self, record: Record, now: float) -> Outcomes:  # noqa: ARG002 - an event's age is judged at its letter's time
        """See `ports.Mapper`: the letter's own event (or those of its record) under the present mapping."""
        return self._parcels[record.partition, record.offset].map(self._mapping)

    # --- what comes of them --------------------------------------------------------------------------

    def _answered(self, attempt: Work, verdict: Verdict) -> None:
        if type(verdict) is not Delivered:
            self._hear(attempt, verdict)
            return
        place = (attempt.record.partition, attempt.record.offset)
        # What was accepted is recorded even if its partition was lost meanwhile.
        parcel = self._parcels.get(place) or self._strays[place]
        parcel.accept(attempt.output)

        def recorded() -> None:
            self._settle(place)
            self._guarded(self._hear, attempt, verdict)

        self._recorder.accepted(parcel, verdict, attempt.request.body, recorded)

    def write(self, letter: DeadLetter, token: Work) -> None:
        """See `ports.DeadLetters`: no new letter is written, its resolution counts the failure."""
        place = (token.record.partition, token.record.offset)
        parcel = self._parcels.get(place) or self._strays[place]

        def receipt() -> None:
            self._settle(place)
            self._guarded(self._dispatcher.letter_written, token, None)
            self._guarded(self._feed)

        if letter.reason is LetterReason.UNAUTHORIZED:
            self._loop.call_soon(self._guarded, self._dispatcher.letter_written, token, None)
            return  # The key's failure and not the letter's: it stays as it was, and the journal stops the replay.
        parcel.fail(token.output)
        self._recorder.failed(parcel, letter, receipt)
        self.outcome.failures[f"{letter.reason.value} {letter.status or ''}".strip()] += 1

    def _settle(self, place: tuple[int, int]) -> None:
        """Count a letter that is through. One whose partition was lost is counted when it comes up again."""
        parcel = self._parcels.get(place)
        if parcel is not None and parcel.is_through and not parcel.recording:
            del self._parcels[place]
            self._through(LetterResult.FAILED_AGAIN if parcel.has_failed else LetterResult.REPLAYED)

    def _unrecorded(self, parcel: LetterInFlight, sentence: str) -> None:
        if parcel.is_delivered:
            self.outcome.unrecorded.append(parcel.entry.letter.place)
        self.stop(sentence)

    def _through(self, result: LetterResult) -> None:
        self.outcome.results[result] += 1
        self._progress(self.outcome.done)
        self._changed.set()

    # --- ports that need little ------------------------------------------------------------------------

    def pause_partition(self, tracker: Tracker) -> None:
        """See `ports.Positions`."""
        self._paused.setdefault(tracker.partition.partition, [])

    def resume_partition(self, tracker: Tracker) -> None:
        """See `ports.Positions`."""
        self._unpause(tracker.partition.partition)
        self._loop.call_soon(self._guarded, self._feed)

    def _unpause(self, partition: int) -> None:
        for each in self._paused.pop(partition, ()):
            heapq.heappush(self._queue, each)
