"""Sends letters again, through the dispatcher that live events go through: same order, budget, guards and retries.

Each letter becomes a record of the dead-letter topic to the dispatcher, numbered in the order of sending; the mapper
here turns it back into the record it was. An accepted request frees its permit only when the resolution is
acknowledged, so a crash resends at most what was in flight. A letter that fails again is counted in its resolution and
never written again. Nothing is sent before its partition is claimed and everything others wrote about it was read.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from bridge.kafka.letters.letter_log import LetterLogError
from bridge.kafka.letters.resolution_writer import ResolutionWriter
from bridge.model import DeadLetter, Delivered, Outcomes, Record, TopicPartition
from bridge.pipeline.work import Work
from bridge.reprocess.author import author
from bridge.reprocess.reading.selection import LetterEntry
from bridge.reprocess.replay import plan
from bridge.reprocess.replay.letters import LetterInFlight, LetterQueue, LetterResult, ReplayOutcome
from bridge.reprocess.replay.patience import Patience
from bridge.reprocess.replay.plan import LetterFate, PlannedLetter, ReplayRules
from bridge.reprocess.replay.recorder import Recorder
from bridge.reprocess.sending.events_in_flight import rest_was_sent
from bridge.reprocess.sending.side_traffic import SideTraffic, Tracker, Wiring
from bridge.reprocess.sending.traffic_log import ReplayLog, cause_of

if TYPE_CHECKING:
    from bridge.reprocess.reading.reader import LetterReader

_DRAIN: Final = 15.0
"""Seconds the last resolutions may take once nothing more is sent."""


class Replay:
    """One replay of a plan, on the loop's thread. `run` it once. Is the `side_traffic.Cargo`."""

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
        loop = asyncio.get_running_loop()
        self.outcome = ReplayOutcome()
        self.traffic = SideTraffic(wiring, self, self.outcome, ReplayLog, letters_topic=reader.extent.topic)
        self._wiring = wiring
        self._reader = reader
        self._rules = rules
        self._total = len(planned)
        topics = {each.entry.letter.origin.topic for each in planned if each.entry.letter.origin is not None}
        self._rest_follows = all(map(wiring.mapping.rest_follows, topics))
        self._letters = LetterQueue(each.entry for each in planned)
        self._trackers: dict[int, Tracker] = {}
        """Of the partitions that are ours."""
        self._catching_up = asyncio.Lock()
        self._reading: set[asyncio.Task[None]] = set()
        writer = ResolutionWriter(wiring.config, wiring.logger, loop)
        self._recorder = Recorder(writer, reader, author(command), wiring.clock, loop, self._unrecorded)

    async def run(self) -> ReplayOutcome:
        """Everything that can be sent. Raises what a defect raised."""
        async with self.traffic.ticking():
            while self._unfinished() and not self.traffic.has_ended:
                await self._round()
                if self._unfinished() and not self.traffic.has_ended:
                    await self._wait_for_others()
            await self._recorder.finish(_DRAIN)
        self.outcome.results[LetterResult.LEFT] = self._total - self.outcome.done
        return self.outcome

    def interrupt(self) -> None:
        """Stop, because somebody wants it."""
        self.outcome.interrupted = True
        self.traffic.stop("interrupted; run it again to resume")

    def _unfinished(self) -> int:
        return self._total - self.outcome.done

    async def _round(self) -> None:
        """Join, do all that can be claimed, leave: nobody waits for a claim that its owner has no use for."""
        positions = {tp.partition: log.end for tp, log in self._reader.extent.letters.items()}
        await self.traffic.membership(positions, self._round_is_over)

    def _round_is_over(self) -> bool:
        if not self._unfinished():
            return True
        return bool(self._trackers) and not self._reading and self._letters.is_idle

    async def _wait_for_others(self) -> None:
        """Until nothing is left, or it takes a claim to get on.

        Whoever joins makes all the others stop, drain and start again: not while they get on with what is left.
        """
        self._wiring.notice("the other dead letters are claimed by another replay; waiting for it")
        patience = Patience(self._wiring.clock.monotonic())
        while True:
            await asyncio.to_thread(self._reader.catch_up)
            settled = self._letters.drop(lambda each: not self._reader.ledger.standing(each.letter).state.is_open)
            for _ in range(settled):
                self._through(LetterResult.ELSEWHERE)
            if not self._unfinished() or self.traffic.has_ended:
                return
            # Of differing length, so that two of them do not meet again at once.
            await self.traffic.rest(random.uniform(2.0, 6.0))  # noqa: S311
            now = self._wiring.clock.monotonic()
            if not patience.waits_on(now, settled=settled, others_send=self._wiring.budget.others_send(now)):
                return

    # --- claims -------------------------------------------------------------------------------------

    def claimed(self, partitions: Sequence[int]) -> None:
        """Nothing of them is sent before `_catch_up` is through."""
        if not partitions:
            return
        trackers = {each: Tracker(TopicPartition(self._reader.extent.topic, each), 0) for each in partitions}
        self._trackers |= trackers
        self.traffic.dispatcher.assigned(list(trackers.values()))
        task = asyncio.get_running_loop().create_task(self._catch_up(trackers), name="claim")
        self._reading.add(task)
        task.add_done_callback(self._caught_up)

    async def _catch_up(self, trackers: dict[int, Tracker]) -> None:
        """Everything others wrote about these is read before anything of them is sent."""
        async with self._catching_up:
            await asyncio.to_thread(self._reader.catch_up)
        for partition, tracker in trackers.items():
            # Meanwhile it may have gone to another member, and even come back as another claim.
            if self._trackers.get(partition) is tracker:
                self._letters.claim(partition)
        self.feed()

    def _caught_up(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, LetterLogError):
            self.traffic.stop(str(error))
        elif error is not None:
            self.traffic.crash(error)
        self.traffic.wake()

    def unclaim(self, partitions: Sequence[int], done: Callable[[], None]) -> None:
        """Given back when what is in flight has its answers."""
        trackers = self._disown(partitions)
        self._letters.release(partitions)

        def drained(_positions: object) -> None:
            self._letters.give_up(partitions)
            self.traffic.wake()
            done()

        self.traffic.dispatcher.revoke(trackers, drained)

    def lost(self, partitions: Sequence[int]) -> None:
        """Nothing is waited for."""
        trackers = self._disown(partitions)
        self._letters.give_up(partitions)
        self.traffic.dispatcher.lost(trackers)
        self.traffic.wake()

    def _disown(self, partitions: Sequence[int]) -> list[Tracker]:
        return [self._trackers.pop(each) for each in partitions if each in self._trackers]

    def refused(self, sentence: str) -> None:
        """There will be no claims."""
        self.traffic.stop(sentence)

    # --- letters in ---------------------------------------------------------------------------------

    def feed(self) -> None:
        """See `Cargo`."""
        dispatcher = self.traffic.dispatcher
        records, size = dispatcher.room()
        while records > 0 and size > 0 and not self.traffic.has_ended:
            following = self._letters.next()
            if following is None:
                break
            order, (letter, _) = following
            entry = LetterEntry(letter, self._reader.ledger.standing(letter))
            if not self._is_still_to_be_sent(entry):
                self._through(LetterResult.ELSEWHERE)
                continue
            sent = self._letters.send(order, entry)
            tracker = self._trackers[letter.place.partition]
            topic, partition = tracker.partition
            dispatcher.accept(tracker, [Record(topic, partition, sent.number, None, letter.key, letter.value, ())])
            records, size = dispatcher.room()
        self.traffic.wake()

    def _is_still_to_be_sent(self, entry: LetterEntry) -> bool:
        """Others may have settled it since the plan was made, or failed with it often enough."""
        if not entry.standing.state.is_open:
            return False
        decided = plan.decide(entry, self._wiring.mapping, self._rules, self._wiring.clock.wall())
        return decided.fate is LetterFate.SEND

    def map(self, record: Record, now: float) -> Outcomes:  # noqa: ARG002 - an event's age is judged at its letter's time
        """See `Cargo`: the letter's own event (or those of its record) under the present mapping."""
        return self._letters.sent(record.offset).map(self._wiring.mapping)

    def rest_follows(self, topic: str, /) -> bool:  # noqa: ARG002 - letters of all topics are in one
        """See `Cargo`: where it does for the topics of all letters; else the rest stays with what is refused."""
        return self._rest_follows

    def pause(self, partition: int) -> None:
        """See `Cargo`."""
        self._letters.pause(partition)

    def resume(self, partition: int) -> None:
        """See `Cargo`."""
        self._letters.resume(partition)

    # --- what comes of them --------------------------------------------------------------------------

    def accepted(self, work: Work, verdict: Delivered, heard: Callable[[], None]) -> None:
        """See `Cargo`: recorded first, even if its partition was lost meanwhile."""
        sent = self._letters.sent(work.record.offset)
        sent.accept(work.output)

        def recorded() -> None:
            self._settle(sent)
            heard()

        self._recorder.accepted(sent, verdict, work.request.body, recorded)

    def failed(self, letter: DeadLetter, work: Work, heard: Callable[[], None]) -> None:
        """See `Cargo`: no new letter is written, its resolution counts the failure."""
        sent = self._letters.sent(work.record.offset)
        sent.fail(work.output, rest_sent=rest_was_sent(letter))

        def recorded() -> None:
            self._settle(sent)
            heard()

        self._recorder.failed(sent, letter, recorded)
        self.outcome.failures[cause_of(letter)] += 1

    def _settle(self, sent: LetterInFlight) -> None:
        if self._letters.take_through(sent):
            self._through(LetterResult.FAILED_AGAIN if sent.has_failed else LetterResult.REPLAYED)

    def _unrecorded(self, sent: LetterInFlight, sentence: str) -> None:
        if sent.is_delivered:
            self.outcome.unrecorded.append(sent.entry.letter.place)
        self.traffic.stop(sentence)

    def _through(self, result: LetterResult) -> None:
        self.outcome.results[result] += 1
        self._wiring.progress(self.outcome.done)
        self.traffic.wake()
