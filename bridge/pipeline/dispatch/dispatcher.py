"""The record's way through the pipeline: accepted, queued behind its user, sent, answered, complete.

One thread runs everything here. Methods return at once; what takes time is outside, behind `ports`, and comes back as
`answered` and `letter_written`. A completion carries the `Work` it belongs to, and through it the tracker of that one
assignment: an answer for a partition that was given up frees its permit and its key queue, and does nothing to offsets.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from dataclasses import replace

from bridge.holds import Reason
from bridge.model import (
    IDENTIFY,
    TRACK,
    DeadLetter,
    Delivered,
    Failed,
    LetterRefused,
    Outcome,
    Position,
    Record,
    Reject,
    Request,
    Retried,
    Retry,
    TopicPartition,
    Unauthorized,
    Verdict,
)
from bridge.pipeline.budget.governor import Governor
from bridge.pipeline.dispatch.admission import Admission
from bridge.pipeline.dispatch.answers import Answers
from bridge.pipeline.dispatch.assignments import Drained, OpenRecords
from bridge.pipeline.dispatch.intake import Intake
from bridge.pipeline.dispatch.letters import LetterDesk, RefusedLetters, failed_step
from bridge.pipeline.dispatch.recent_failures import RecentFailures
from bridge.pipeline.dispatch.starting import StartingRequests
from bridge.pipeline.dispatch.steps import StepOrder
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.offsets import OffsetTracker, TrackerState
from bridge.pipeline.ports import (
    Alarm,
    Arrival,
    Clock,
    Credentials,
    DeadLetters,
    EventLog,
    Mapper,
    NoLookups,
    Positions,
    SchemaLookups,
    Sink,
)
from bridge.pipeline.schema_wait import NothingIn
from bridge.pipeline.settings import DeliverySettings
from bridge.pipeline.work import Entry, EventState, PartitionWork, Work

Tracker = OffsetTracker[Entry]
_NEVER = float("inf")
# What is asked for every event: a member of an enum takes ten times as long to look up as a global.
_IN_FLIGHT, _DRAINING = EventState.IN_FLIGHT, TrackerState.DRAINING


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
        event_log: EventLog,
        clock: Clock,
        alarm: Alarm,
        rng: random.Random,
        lookups: SchemaLookups | None = None,
    ) -> None:
        """`lookups`: None where the mapper never needs a schema."""
        self.settings = settings
        self._sink = sink
        self._positions = positions
        self._credentials = credentials
        self._event_log = event_log
        self._monotonic, self._wall = clock.monotonic, clock.wall
        self._alarm = alarm
        self._rng = rng
        self._next_due = _NEVER
        self.stopping = False
        """Nothing more starts."""
        kept = OpenRecords(settings, mapper, positions, self._read_on)
        self.tally, self.evidence, self.failing = kept.tally, kept.evidence[TRACK], kept.failing
        self.queues, self.assignments = kept.queues, kept.assignments
        self.listeners = kept.listeners
        """Who wants to hear what becomes of each record."""
        self.sending = StartingRequests(
            settings, kept, sink, credentials, rng, clock.monotonic(), wake_at=self._wake_at
        )
        self.key, self.membership, self.governors = self.sending.key, self.sending.membership, self.sending.governors
        self.identifies = self.sending.identifies
        self.events_budget, self.users_budget = self.sending.events_budget, self.sending.users_budget
        refused = RefusedLetters(event_log, settings.retry, rng)
        self.letters = LetterDesk(letters, positions, event_log, kept, refused)
        self._steps = StepOrder(self.queues, self.failing, self.identifies, self._fail)
        self._intake = Intake(
            settings,
            Admission(mapper, settings, kept, clock, self._enqueue, self._forget),
            kept,
            lookups or NoLookups(),
            positions,
            clock.monotonic,
            read_on=self._read_on,
            wake_at=self._wake_at,
        )
        self.opening, self.schemas = self._intake.opening, self._intake.schemas
        self.answers = Answers(
            settings.retry,
            kept,
            self.letters,
            identifies=self.identifies,
            steps=self._steps,
            credentials=credentials,
            event_log=event_log,
            clock=clock,
            rng=rng,
            wake_at=self._wake_at,
        )
        self.recent_failures = RecentFailures()
        self._events_ready = self.queues.ready[TRACK]

    # --- assignments ------------------------------------------------------------------------------

    def assigned(self, trackers: Sequence[Tracker]) -> None:
        """These partitions are ours from now on, each from its tracker's start."""
        now = self._monotonic()
        for tracker in trackers:
            partition = self.assignments.add(tracker, now)
            if partition.topic.held:
                self._positions.pause_partition(tracker)
        self.membership.looked(now)
        if trackers and not self.membership.is_member(now):
            self._ask_membership(now)
        self.pump()

    def revoke(self, trackers: Sequence[Tracker], drained: Drained) -> None:
        """These partitions move to another member: release what waits, let finish what is outside.

        ``drained`` is called once, with the final committed offsets, at the latest after `drain_timeout`.
        """
        now = self._monotonic()
        leaving = self.assignments.begin_drain(trackers, drained, now)
        self._wake_at(self.assignments.deadline())
        self._release(leaving, now)
        self._finish_drains(now)
        self.pump()

    def start_over(self, topic: str) -> None:
        """Somebody looked at the topic's dead letters: its hold ends, and those in a row are counted from zero.

        What is read of it was given up before and begins again, so that nothing stands on the shelf; a partition that
        came since then was paused.
        """
        topic_letters = self.assignments.topics.get(topic)
        if topic_letters is None:
            return
        topic_letters.held = False
        topic_letters.end_row()
        self.assignments.forget_witness(topic_letters)
        for partition in self.assignments:
            if partition.topic is topic_letters:
                self._read_on(partition)
        self.pump()

    def _read_on(self, partition: PartitionWork) -> None:
        if partition.held is None and partition not in self.failing.paused and not self._intake.holds(partition):
            self._positions.resume_partition(partition.tracker)

    def lost(self, trackers: Sequence[Tracker]) -> None:
        """These partitions are another member's already: nothing of them may be sent or committed any more."""
        now = self._monotonic()
        leaving = self.assignments.lose(trackers)
        self._release(leaving, now)
        self._abort(leaving)
        if not self.assignments:
            self.membership.forget(now)
        self._finish_drains(now)
        self.pump()

    def stop(self) -> None:
        """Start nothing more; the revocation that follows releases the rest."""
        self.stopping = True

    def heartbeat_answered(self, issued_at: float) -> None:
        """The group coordinator acknowledged a request of this member issued at this monotonic time."""
        self.membership.answered(issued_at)
        self.pump()

    # --- records in -------------------------------------------------------------------------------

    def map_by(self, mapper: Mapper) -> None:
        """Another mapping works from here on, for every record that is not mapped yet.

        What is mapped keeps what it was mapped to, until it is done: requests that wait or are tried again, the steps
        behind them, and the elements of a record of which some are not open yet. Call it between two turns of the loop.
        """
        self.assignments.map_by(mapper)
        self._intake.map_by(mapper)
        self.pump()

    def room(self) -> tuple[int, int]:
        """Records and bytes that may be handed over now."""
        if self.letters.refused.since is not None or self.stopping:
            return 0, 0
        records, size = self.tally.taking_room
        kept, kept_size = self._intake.kept
        free = self.failing.room(self.settings.max_buffered - records - kept)
        return free, self.settings.max_buffered_bytes - size - kept_size

    def accept(self, tracker: Tracker, records: Sequence[Arrival], until: float = _NEVER) -> int:
        """Records of one partition, in order of their offsets. Returns how many it is through with.

        That is one at least; no further one begins after `until` (monotonic).
        What belongs to a partition that is leaving or held is dropped unread: its committed offset stays below it.
        What comes behind a record that needs a schema first, or that holds many records, is kept or read again later.
        """
        partition = self.assignments.get(tracker)
        if partition is None or tracker.life is not TrackerState.LIVE or partition.held is not None:
            return len(records)
        if partition in self.opening:
            self.opening.arrived(partition, records)
            return len(records)
        through = self._intake.accept(partition, records, until)
        self.pump()
        return through

    def passed(self, tracker: Tracker, start: int, stop: int, leader_epoch: int | None) -> None:
        """There is no record at these offsets, behind all that arrived before: see `OffsetTracker.nothing_in`."""
        partition = self.assignments.get(tracker)
        if partition is None:
            tracker.nothing_in(start, stop, leader_epoch)
        else:
            self._intake.passed(partition, NothingIn(start, stop, leader_epoch))

    def looked_up(self, reference: str) -> None:
        """The mapper knows this schema now, or that there is none."""
        self.schemas.looked_up(reference, self._monotonic())
        self.pump()

    def reads_again(self, tracker: Tracker) -> None:
        """What arrives of this partition from now on begins at the offset that `Positions.read_again` was given."""
        partition = self.assignments.get(tracker)
        if partition is not None and tracker.life is TrackerState.LIVE:
            self.schemas.reads_again(partition)

    def _enqueue(self, work: Work, outcome: Outcome) -> None:
        if isinstance(outcome, Request):
            if outcome.left_out:
                self.tally.left_out += outcome.left_out
            if self.queues.keys.push(work):
                if work.step is None and outcome.kind is TRACK:
                    self._events_ready.push(work)  # nearly all: a call less
                else:
                    self._arrive(work)
        elif isinstance(outcome, Failed):
            if work.step is not None and work.step.waits:
                work.step.failed = outcome
            else:
                self._fail(work, outcome)

    def _forget(self, record: Record, user: str) -> None:
        self.identifies.forget(user, record)
        self._event_log.user_forgotten(record)

    def _arrive(self, work: Work) -> None:
        """It is the head of its key queue from the start."""
        self.queues.go(work)
        kind = work.request.kind
        if kind is not TRACK and self.governors[kind].outage.on and work.state is EventState.READY:
            self.failing.begin(work)

    def _fail(self, work: Work, failed: Failed) -> None:
        letter = DeadLetter(
            work.record,
            failed.reason,
            failed.message,
            work.output,
            failed.route,
            value_left_out=failed.value_left_out,
            element=work.element,
            schema=failed.schema,
            kind=failed.kind,
            step=failed_step(work),
        )
        step = work.step
        if failed.kind == IDENTIFY.name and step is not None and step.then is not None and step.rest_follows:
            letter = replace(letter, step=failed_step(work, rest_sent=True))
            self._steps.go_on_without(step)
        self.letters.submit(work, letter)

    # --- requests out -----------------------------------------------------------------------------

    def pump(self) -> None:
        """Start everything that may start now, and set the alarm for what may start later."""
        now = self._monotonic()
        self.membership.looked(now)
        if now >= self._next_due:
            self._wake(now)
        if self.failing.paused:
            self.failing.review()
        if not self.stopping:
            if self.schemas.looked_up_for or self.opening:
                self._intake.go_on(now)
            for block in self.sending.start_all(now):
                self._wake_at(block.until)
                if block.reason is Reason.MEMBERSHIP and self.assignments:
                    self._ask_membership(now)
        if self._next_due < _NEVER:
            # Each time: the alarm that was set may be spent, by ringing a little too early, or when answers came
            # between the moment it was due and the moment it rang.
            self._alarm.at(self._next_due)

    def tick(self) -> None:
        """Call at least every half second: notices a suspended process, keeps its membership known."""
        now = self._monotonic()
        self.membership.looked(now)
        if self.assignments:
            self._ask_membership(now)
        self.failing.review()
        self.pump()

    def _ask_membership(self, now: float) -> None:
        if self.membership.should_ask(now):
            self._positions.send_heartbeat()
        if not self.membership.is_member(now):
            self._wake_at(now + 1.0)

    def _wake(self, now: float) -> None:
        """Do what has come due, and find out what comes next."""
        self._next_due = _NEVER
        self.queues.wake(now)
        self.letters.rewrite(now)
        self.schemas.wake(now)
        self._finish_drains(now)
        key = self.key
        if key.recheck_due(now):
            held_since = key.held_since
            if key.rechecked(self._credentials.refresh(), now) and held_since is not None:
                self._event_log.unblocked(Reason.UNAUTHORIZED, now - held_since)
        if key.held:
            self._wake_at(key.next_recheck)
        self._wake_at(self.queues.delayed.due())
        self._wake_at(self.letters.refused.next_try)
        self._wake_at(self.schemas.due())
        self._wake_at(self.assignments.deadline())

    def _wake_at(self, when: float | None) -> None:
        if when is not None and when < self._next_due:
            self._next_due = when

    def set_rate(self, rate: float | None, now: float) -> None:
        """Requests of each budget that may start per second from now on; None: any number."""
        for budget in self.sending.budgets:
            budget.pacer.set_rate(rate, now)

    # --- what comes back --------------------------------------------------------------------------

    def answered(self, work: Work, verdict: Verdict) -> None:
        """The sink's verdict on one request; frees its permit whatever became of its partition.

        Starts nothing: `pump` must follow, at the latest in the next turn of the loop. Many answers come in one turn,
        and what may start is found out for all of them at once.
        """
        partition, kind = work.partition, work.request.kind
        governor, ready = self.governors[kind], self.queues.ready[kind]
        partition.on_wire.pop(work, None)
        governor.in_flight -= 1
        if ready.again_out:
            ready.again_out.discard(work)
        if work.life is not None:
            work.life.attempt_ended(work.request, verdict)
        try:
            if type(verdict) is Delivered:
                self.answers.delivered(work, partition, governor)
            elif not isinstance(verdict, Delivered):
                self.recent_failures.note(kind.name, verdict, self._wall())
                self._failed(work, verdict, governor, self._monotonic())
        except Exception as bug:
            bug.add_note(f"while taking the answer {verdict!r} for {work.record.coordinates}")
            raise
        if partition.tracker.life is _DRAINING:
            self._finish_drains(self._monotonic())

    def _failed(self, work: Work, verdict: Retry | Reject | Unauthorized, governor: Governor, now: float) -> None:
        if isinstance(verdict, Retry):
            self.answers.retry(work, verdict, governor, now)
        elif isinstance(verdict, Reject):
            self.answers.rejected(work, verdict, governor, now)
        else:
            self.answers.unauthorized(work, verdict, governor, now)

    def letter_written(self, work: Work, refused: LetterRefused | None) -> None:
        """The dead-letter producer's receipt."""
        now = self._monotonic()
        self.letters.written(work, refused, now)
        self._wake_at(self.letters.refused.next_try)
        self._finish_drains(now)
        self.pump()

    # --- leaving ----------------------------------------------------------------------------------

    def _release(self, leaving: Sequence[PartitionWork], now: float) -> None:
        """Take out of every queue what belongs to these partitions and is not outside."""
        partitions = set(leaving)

        def goes(work: Work) -> bool:
            return work.partition in partitions and work.state not in (EventState.IN_FLIGHT, EventState.WRITING)

        self._intake.drop(leaving)
        self.letters.drop(partitions, goes, now)
        self.queues.release(goes)
        for partition in leaving:
            for entry in partition.tracker.open.values():
                for work in (entry,) if isinstance(entry, Work) else entry.works:
                    if work.state is EventState.WAITING:  # in no queue: without a key, for a step or an identify
                        work.state = EventState.GONE
        self.identifies.review()
        for topic in dict.fromkeys(partition.topic for partition in leaving):
            self.letters.given_up(topic)

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
                self._event_log.drain_forced(partition.tracker, len(partition.on_wire))
            self._abort(late)
            self.assignments.finish(drain, now, self._wall())
            for topic in dict.fromkeys(partition.topic for partition in late):
                self.letters.given_up(topic)

    # --- what is seen of it -----------------------------------------------------------------------

    def paced_until(self, now: float) -> float | None:
        """When the next request goes that waits for nothing but the rate of its kind; None: there is none."""
        if self.stopping:
            return None
        return self.sending.paced_until(now)

    @property
    def ready(self) -> bool:
        """Whether something waits for nothing but a permit."""
        return any(self.queues.ready.values())

    def retried(self, most: int) -> list[Retried]:
        """The events that failed and are tried again, those with most attempts first."""
        worst = heapq.nlargest(most, self.queues.keys.failing_heads(), key=lambda work: work.attempts)
        return [self.answers.retried(work) for work in worst]

    @property
    def parked(self) -> int:
        """Events waiting for the time of their next attempt."""
        return len(self.queues.delayed)

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
        """What to take to the broker now; whoever takes it there decides how often."""
        return self.assignments.positions(self._monotonic(), self._wall())
