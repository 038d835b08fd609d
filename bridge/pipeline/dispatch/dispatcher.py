"""The record's way through the pipeline: accepted, queued in its lane, sent, answered, complete.

One thread runs everything here. Methods return at once; what takes time is outside, behind `ports`, and comes back as
`answered` and `letter_written`. A completion carries the `Work` it belongs to, and through it the tracker of that one
assignment: an answer for a partition that was given up frees its permit and its lane, and does nothing to offsets.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence

from bridge.counts.records import Tally
from bridge.holds import Reason
from bridge.model import (
    DeadLetter,
    Delivered,
    Disposition,
    Failed,
    LetterReason,
    LetterRefused,
    Outcome,
    Position,
    Reject,
    Request,
    Retried,
    Retry,
    TopicPartition,
    Unauthorized,
    Verdict,
)
from bridge.pipeline.arrivals import Arrival
from bridge.pipeline.budget.governor import Block, Governor
from bridge.pipeline.budget.key_guard import KeyRuling
from bridge.pipeline.dispatch.admission import Admission
from bridge.pipeline.dispatch.assignments import Assignments, Drained
from bridge.pipeline.dispatch.letters import LetterDesk, letter_of
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.offsets import OffsetTracker, TrackerState
from bridge.pipeline.ports import Alarm, Clock, Credentials, DeadLetters, EventLog, Mapper, Positions, Sink
from bridge.pipeline.queues.failing import Failing
from bridge.pipeline.queues.queues import DelayQueue
from bridge.pipeline.queues.ready_queue import ReadyQueue
from bridge.pipeline.retry import SOON, Evidence, backoff, jitter, longer
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, EventState, PartitionWork, Work

Tracker = OffsetTracker[Entry]
_NEVER = float("inf")
TOLD_AT = 3
"""Failures of one event after which it is told of."""
# What is asked for every event: a member of an enum takes ten times as long to look up as a global.
_IN_FLIGHT, _DELIVERED, _DRAINING, _DEAD = (
    EventState.IN_FLIGHT,
    Disposition.DELIVERED,
    TrackerState.DRAINING,
    TrackerState.DEAD,
)


class Dispatcher:
    """Owns every open record of this process."""

    def __init__(
        self,
        settings: DeliverySettings,
        *,
        mapper: Mapper,
        sink: Sink[Work],
        letters: DeadLetters[Work],
        positions: Positions,
        credentials: Credentials,
        journal: EventLog,
        clock: Clock,
        alarm: Alarm,
        rng: random.Random,
    ) -> None:
        self.settings = settings
        self._sink = sink
        self._positions = positions
        self._credentials = credentials
        self._journal = journal
        self._monotonic, self._wall = clock.monotonic, clock.wall
        self._alarm = alarm
        self._rng = rng
        self.tally = Tally()
        self.governor = Governor(settings, rng, clock.monotonic())
        self.evidence = Evidence()
        self.failing = Failing(settings, self.tally, positions)
        self._waiting = DelayQueue(self.failing, settings.max_in_flight)
        self.lanes, self._turns = self._waiting.lanes, self._waiting.turns
        self.letters = LetterDesk(
            self._letter_acknowledged, self._waiting, letters, positions, journal, self.tally, settings.retry, rng
        )
        self.assignments = Assignments(self.tally, settings, self.failing)
        self._next_due = _NEVER
        self._intake = Admission(mapper, settings.ordering, self.tally, self.evidence, clock, self._enqueue)

    # --- assignments ------------------------------------------------------------------------------

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        """These partitions are ours from now on, each from its tracker's start."""
        now = self._monotonic()
        for tracker in trackers:
            partition = self.assignments.add(tracker, now)
            if partition.topic.held:
                self._positions.pause_partition(tracker)
        self.governor.membership.looked(now)
        if trackers and not self.governor.membership.believable(now):
            self._ask_membership(now)
        self.pump()

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        """These partitions move to another member: release what waits, let finish what is outside.

        ``drained`` is called once, with the final positions, at the latest after `drain_timeout`.
        """
        now = self._monotonic()
        leaving = self.assignments.begin_drain(trackers, drained, now)
        self._wake_at(self.assignments.deadline())
        self._release(leaving, now)
        self._finish_drains(now)
        self.pump()

    def start_over(self, topic: str) -> None:
        """Somebody looked at the topic's dead letters: its hold ends, and those in a row are counted anew.

        What is read of it was given up before and begins again, so that nothing stands on the shelf; a partition that
        came since then was paused.
        """
        letters = self.assignments.topics.get(topic)
        if letters is None:
            return
        letters.start_over()
        for partition in self.assignments:
            if partition.topic is letters and partition.held is None and partition not in self.failing.paused:
                self._positions.resume_partition(partition.tracker)
        self.pump()

    def lost(self, trackers: Sequence[Tracker]) -> None:
        """These partitions are another member's already: nothing of them may be sent or committed any more."""
        now = self._monotonic()
        leaving = self.assignments.lose(trackers)
        self._release(leaving, now)
        self._abort(leaving)
        if not self.assignments:
            self.governor.membership.forget(now)
        self._finish_drains(now)
        self.pump()

    def stop(self) -> None:
        """Start nothing more; the revocation that follows releases the rest."""
        self.governor.stopping = True

    def membership_proven(self, issued_at: float) -> None:
        """The group coordinator acknowledged a request of this member issued at this monotonic time."""
        self.governor.membership.proven(issued_at)
        self.pump()

    # --- records in -------------------------------------------------------------------------------

    def room(self) -> tuple[int, int]:
        """Records and bytes that may be handed over now."""
        if self.letters.unwritable_since is not None or self.governor.stopping:
            return 0, 0
        records, size = self.tally.taking_room
        free = self.failing.room(self.settings.max_buffered - records)
        return free, self.settings.max_buffered_bytes - size

    def accept(self, tracker: Tracker, records: Sequence[Arrival], until: float = _NEVER) -> int:
        """Records of one partition, in order of their offsets. Returns how many it is through with.

        That is one at least; no further one begins after `until` (monotonic).
        What belongs to a partition that is leaving or held is dropped unread: its position stays below it.
        """
        partition = self.assignments.get(tracker)
        if partition is None or tracker.life is not TrackerState.LIVE or partition.held is not None:
            return len(records)
        through = self._intake.accept(partition, records, until)
        self.pump()
        return through

    def _enqueue(self, work: Work, outcome: Outcome) -> None:
        if isinstance(outcome, Request):
            if outcome.left_out:
                self.tally.left_out += outcome.left_out
            work.partition.topic.sendable += 1
            if self.lanes.push(work):
                self._turns.push(work)
        elif isinstance(outcome, Failed):
            work.letter = DeadLetter(
                work.record,
                outcome.reason,
                outcome.message,
                work.output,
                outcome.route,
                value_left_out=outcome.value_left_out,
            )
            self.letters.submit(work)

    # --- requests out -----------------------------------------------------------------------------

    def pump(self) -> None:
        """Start everything that may start now, and set the alarm for what may start later."""
        now = self._monotonic()
        governor, turns = self.governor, self._turns
        governor.membership.looked(now)
        if now >= self._next_due:
            self._wake(now)
        if self.failing.paused:
            self.failing.review()
        block = self._start_ready(governor, turns, now)
        if block is not None:
            self._wake_at(block.until)
            if block.reason is Reason.MEMBERSHIP and self.assignments:
                self._ask_membership(now)
        if self._next_due < _NEVER:
            # Each time: the alarm that was set may be spent, by ringing a little too early, or when answers came
            # between the moment it was due and the moment it rang.
            self._alarm.at(self._next_due)

    def _start_ready(self, governor: Governor, turns: ReadyQueue, now: float) -> Block | None:
        """Start what is ready; the reason why something is left, if it is the governor's."""
        order, again = turns.order, turns.again
        while (order or again) and governor.in_flight < governor.max_in_flight:
            block = governor.block(now)
            if block is not None:
                return block
            # Where only `max_in_flight` bounds sending, one "go" is good for all places that are free.
            watched = governor.watched
            for _ in range(1 if watched else governor.max_in_flight - governor.in_flight):
                work = turns.pop() if governor.outage.since is None else turns.probe(self._rng)
                if work is None:
                    return None  # What failed before has as many places as it may have.
                if watched:
                    governor.started(now)
                else:
                    governor.in_flight += 1
                self._start(work, now)
        return None

    def tick(self) -> None:
        """Call at least every half second: notices a stopped process, keeps the membership proven."""
        now = self._monotonic()
        self.governor.membership.looked(now)
        if self.assignments:
            self._ask_membership(now)
        self.failing.review()
        self.pump()

    def _start(self, work: Work, now: float) -> None:
        work.state = _IN_FLIGHT
        work.attempts += 1
        work.last_at = now
        if work.first_at is None:
            work.first_at = now
        work.partition.on_wire[work] = None
        self.tally.requests += 1
        self._sink.send(work)

    def _ask_membership(self, now: float) -> None:
        if self.governor.membership.should_ask(now):
            self._positions.prove_membership()
        if not self.governor.membership.believable(now):
            self._wake_at(now + 1.0)

    def _wake(self, now: float) -> None:
        """Do what has come due, and find out what comes next."""
        self._next_due = _NEVER
        self._waiting.wake(now)
        self.letters.rewrite(now)
        self._finish_drains(now)
        key = self.governor.key
        if key.recheck_due(now):
            held_since = key.held_since
            if key.rechecked(self._credentials.refresh(), now) and held_since is not None:
                self._journal.unblocked(Reason.UNAUTHORIZED, now - held_since)
        if key.held:
            self._wake_at(key.next_recheck)
        self._wake_at(self._waiting.due())
        self._wake_at(self.letters.due())
        self._wake_at(self.assignments.deadline())

    def _wake_at(self, when: float | None) -> None:
        if when is not None and when < self._next_due:
            self._next_due = when

    # --- answers ----------------------------------------------------------------------------------

    def answered(self, work: Work, verdict: Verdict) -> None:
        """The sink's verdict on one request; frees its permit whatever became of its partition.

        Starts nothing: `pump` must follow, at the latest in the next turn of the loop. Many answers come in one turn,
        and what may start is found out for all of them at once.
        """
        partition = work.partition
        partition.on_wire.pop(work, None)
        self.governor.in_flight -= 1
        if self._turns.again_out:
            self._turns.again_out.discard(work)
        try:
            if type(verdict) is Delivered:
                self._delivered(work, partition)
            elif isinstance(verdict, Retry):
                self._retry(work, verdict, self._monotonic())
            elif isinstance(verdict, Reject):
                self._rejected(work, verdict, self._monotonic())
            elif isinstance(verdict, Unauthorized):
                self._unauthorized(work, verdict, self._monotonic())
        except Exception as bug:
            bug.add_note(f"while taking the answer {verdict!r} for {work.record.coordinates}")
            raise
        if partition.tracker.life is _DRAINING:
            self._finish_drains(self._monotonic())

    def _delivered(self, work: Work, partition: PartitionWork) -> None:
        """The hot path: each event comes through here once."""
        governor, request = self.governor, work.request
        governor.throttles = 0
        if governor.key.one_at_a_time or governor.outage.failures:
            self._proved(self._monotonic())
        if work.mark is not None:
            self.evidence.recovered()
        self.evidence.succeeded(request.user_id)
        self.tally.routes[request.route].delivered += 1
        written_ms = work.record.timestamp_ms
        if written_ms is not None:
            self.tally.took(self._wall() - written_ms / 1000)
        if work.lane is not None or work.mark is not None:
            following = self.lanes.advance(work)
            work.lane = None
            if following is not None:
                self._turns.push(following)
        if partition.tracker.life is _DEAD:
            return
        topic = partition.topic
        topic.sendable -= 1
        self.assignments.complete(work, _DELIVERED)
        if topic.run:
            self.letters.delivered(topic)

    def _proved(self, now: float) -> None:
        for reason, seconds in self.governor.proved(now):
            self._journal.unblocked(reason, seconds)
            if reason is Reason.OUTAGE:
                self._waiting.unpark()

    def _retry(self, work: Work, verdict: Retry, now: float) -> None:
        self.tally.retries[verdict.reason] += 1
        self.tally.ambiguous += verdict.ambiguous
        if work.state is EventState.GONE and verdict.status is None:
            # Its connection was closed by us, which says nothing of the destination.
            self._waiting.leave_lane(work)
            return
        if verdict.stale and work.attempts == 1:
            # Its connection had ended before, most likely, which says nothing of the destination. Once: an event that
            # makes the destination close would else be sent without end, and never found out.
            if self._back(work):
                self._turns.push_first(work)
            return
        throttled = verdict.reason == "rate_limited"
        before, alone = work.mark, self._fails_alone(work, verdict)
        asked = verdict.after if verdict.after or throttled else None
        if (throttled or asked is not None) and not alone:
            wait = self.governor.throttled(asked, now)
            if self.governor.pause(wait + jitter(wait, self._rng), verdict.detail, now):
                self._journal.asked_to_wait(wait, verdict.detail)
        if self._failed(work, verdict, alone, now):
            return
        if not self._back(work):
            return
        if throttled and before is None:
            self._turns.push_first(work)
            return
        self.failing.begin(work)
        # Where others wait because of it, its attempts come soon, so that they end.
        failures = min(work.attempts, SOON) if work.partition in self.failing.paused else work.attempts
        wait = longer(asked, backoff(failures, self.settings.retry, self._rng), self.settings.retry)
        self._waiting.park(work, now + wait)
        self._wake_at(work.due)
        if work.mark is not None and work.mark.times == TOLD_AT:
            self._journal.retrying(self.retried_of(work))

    def _fails_alone(self, work: Work, verdict: Retry) -> bool:
        """Whether others were accepted meanwhile, so that neither an outage nor a wait of all follows from it."""
        if self.governor.outage.on:
            return False
        if work.mark is not None:
            throttled = verdict.reason == "rate_limited"
            if self.evidence.throttled_alone(work.mark) if throttled else self.evidence.alone(work.mark):
                return True
        return self.evidence.poisoned(work.who)

    def _failed(self, work: Work, verdict: Retry, alone: bool, now: float) -> bool:  # noqa: FBT001 - a finding
        """Weigh a failure; True when it was this event's last and it went to the dead letters."""
        throttled = verdict.reason == "rate_limited"
        outage = self.governor.outage
        transport = verdict.status is None
        if not (alone or throttled) and outage.failed(work.who, verdict.detail, transport=transport, now=now):
            self.evidence.doubt()
            self._journal.blocked(Reason.OUTAGE, verdict.detail)
        counts = self._counts(work, alone, throttled)
        work.mark = self.evidence.failed(work.mark, verdict, alone=alone)
        if work.partition.tracker.life is TrackerState.DEAD:
            return False
        if not counts:
            if self.failing.paused and not outage.on:
                self.failing.sip()
            return False
        work.counted += 1
        work.partition.dirty = True
        if work.counted < self.evidence.allowed(work.who, self.settings.retry.max_attempts):
            return False
        self.evidence.burn(work.who)
        message = f"kept failing while other events were accepted; last: {verdict.detail}"
        self._dead_letter(work, LetterReason.RETRIES_EXHAUSTED, message, verdict.status, None, now)
        return True

    def _counts(self, work: Work, alone: bool, throttled: bool) -> bool:  # noqa: FBT001 - findings
        """Whether a failure speaks against the event.

        Twenty others have to be accepted, of different users, unless the others wait because of it: then fewer users
        are heard because of the buffer, and not of the API. A 429 counts only then.
        """
        if not alone:
            return False
        holds_up = work.partition in self.failing.paused
        if throttled and not holds_up:
            return False
        if self.evidence.poisoned(work.who) and self.evidence.spend():
            return True
        if work.mark is None:
            return False
        if throttled:
            return self.evidence.heard_since_last(work.mark)
        return self.evidence.speaks_against(work.who, work.mark) or (holds_up and self.evidence.alone(work.mark))

    def _rejected(self, work: Work, verdict: Reject, now: float) -> None:
        self._proved(now)
        self._dead_letter(work, LetterReason.REJECTED, verdict.detail, verdict.status, verdict.error_code, now)

    def _unauthorized(self, work: Work, verdict: Unauthorized, now: float) -> None:
        key = self.governor.key
        held_since = key.held_since
        ruling = key.unauthorized(verdict, self._credentials.refresh(), now)
        if key.held and held_since is None:
            self._journal.blocked(Reason.UNAUTHORIZED, verdict.detail)
            self._wake_at(key.next_recheck)
        elif held_since is not None and not key.held:
            self._journal.unblocked(Reason.UNAUTHORIZED, now - held_since)
        if ruling is KeyRuling.LETTER:
            self._dead_letter(work, LetterReason.UNAUTHORIZED, verdict.detail, verdict.status, verdict.error_code, now)
        elif self._back(work):
            self.tally.retries[LetterReason.UNAUTHORIZED.value] += 1
            self._turns.push(work)

    def _back(self, work: Work) -> bool:
        """Whether the event stays ours to send; if its partition is leaving, it is left open for the next owner."""
        if work.partition.tracker.life is TrackerState.LIVE:
            return True
        self._waiting.leave_lane(work)
        work.state = EventState.GONE
        if work.partition.tracker.life is TrackerState.DRAINING:
            topic = work.partition.topic
            topic.sendable -= 1
            self.letters.released(topic)
        return False

    # --- ends -------------------------------------------------------------------------------------

    def _dead_letter(
        self, work: Work, reason: LetterReason, message: str, status: int | None, code: str | None, now: float
    ) -> None:
        if work.partition.tracker.life is TrackerState.DEAD:
            self._waiting.leave_lane(work)
            return
        work.letter = letter_of(work, reason, message, status, code, epoch=self._wall() - now)
        topic = work.partition.topic
        topic.sendable -= 1
        self.letters.submit(work)
        self.letters.settle(topic)

    def letter_written(self, work: Work, refused: LetterRefused | None) -> None:
        """The dead-letter producer's receipt."""
        work.partition.writing -= 1
        now = self._monotonic()
        self.letters.written(work, refused, now)
        self._wake_at(self.letters.due())
        self._finish_drains(now)
        self.pump()

    def _letter_acknowledged(self, work: Work) -> None:
        """All in-sync replicas have the letter: the event is complete."""
        if work.letter is not None and work.letter.route is not None:
            self.tally.route(work.letter.route).dead_lettered += 1
        self._waiting.leave_lane(work)
        self.assignments.complete(work, Disposition.DEAD_LETTERED)

    # --- leaving ----------------------------------------------------------------------------------

    def _release(self, leaving: Sequence[PartitionWork], now: float) -> None:
        """Take out of every queue what belongs to these partitions and is not outside."""
        partitions = set(leaving)

        def goes(work: Work) -> bool:
            return work.partition in partitions and work.state not in (EventState.IN_FLIGHT, EventState.WRITING)

        topics = list(dict.fromkeys(partition.topic for partition in leaving))
        self.letters.drop(goes, topics, now)
        for work in self._waiting.release(goes):
            if work.letter is None:
                work.partition.topic.sendable -= 1
        for topic in topics:
            self.letters.released(topic)

    def _abort(self, partitions: Sequence[PartitionWork]) -> None:
        aborted = [work for partition in partitions for work in partition.on_wire]
        for work in aborted:
            work.state = EventState.GONE
        self._sink.abort(aborted)

    def _finish_drains(self, now: float) -> None:
        for drain in self.assignments.finished_drains(now):
            late = [partition for partition in drain.partitions if partition.busy]
            for partition in late:
                self.tally.forced_drains += 1
                self._journal.drain_forced(partition.tracker, len(partition.on_wire))
            self._abort(late)
            self.assignments.finish(drain, now, self._wall())
            for topic in dict.fromkeys(partition.topic for partition in late):
                self.letters.released(topic)

    @property
    def ready(self) -> bool:
        """Whether something waits for nothing but a permit."""
        return bool(self._turns)

    def retried(self, most: int) -> list[Retried]:
        """The events that failed and are tried again, those with most attempts first."""
        worst = heapq.nlargest(most, self.lanes.failing_heads(), key=lambda work: work.attempts)
        return [self.retried_of(work) for work in worst]

    def retried_of(self, work: Work) -> Retried:
        """What this event's attempts came to."""
        now = self._monotonic()
        return Retried(
            work.partition.tracker.partition,
            work.record.offset,
            work.output,
            work.request.route.name,
            work.attempts,
            work.counted,
            self.evidence.allowed(work.who, self.settings.retry.max_attempts),
            max(0.0, work.due - now) if work.state is EventState.PARKED else None,
            None if work.mark is None else work.mark.answer,
            self.failing.behind(work),
        )

    @property
    def parked(self) -> int:
        """Events waiting for the time of their next attempt."""
        return self._waiting.parked

    @property
    def topics(self) -> dict[str, TopicLetters]:
        """By name, as far as they were ever assigned."""
        return self.assignments.topics

    def mine(self) -> list[TopicPartition]:
        """The partitions that are assigned and not leaving."""
        return [
            partition.tracker.partition for partition in self.assignments if partition.tracker.life is TrackerState.LIVE
        ]

    def positions(self) -> list[tuple[Tracker, Position]]:
        """What to take to the broker now; call once per commit interval."""
        return self.assignments.positions(self._monotonic(), self._wall())
