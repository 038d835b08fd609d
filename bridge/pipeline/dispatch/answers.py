"""What follows from the verdict on one request, for its event and for all others."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from bridge.config.sections import RetryPolicy
from bridge.holds import Reason
from bridge.model import IDENTIFY, TRACK, Disposition, LetterReason, Reject, RequestKind, Retried, Retry, Unauthorized
from bridge.pipeline.budget.governor import Governor
from bridge.pipeline.budget.key_guard import KeyRuling
from bridge.pipeline.dispatch.assignments import OpenRecords
from bridge.pipeline.dispatch.identifies import Identifies
from bridge.pipeline.dispatch.letters import LetterDesk, failed_step, letter_of
from bridge.pipeline.dispatch.steps import StepOrder
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.ports import Clock, Credentials, EventLog
from bridge.pipeline.retry import SOON, backoff, jitter, longer
from bridge.pipeline.work import AutomaticIdentify, EventState, PartitionWork, Work

TOLD_AT = 3
"""Failures of one event after which it is told of."""
# What is asked for every event: a member of an enum takes ten times as long to look up as a global.
_DELIVERED, _DEAD = Disposition.DELIVERED, TrackerState.DEAD


class Answers:
    """One method for each verdict. An answer for a partition that was given up does nothing to offsets."""

    def __init__(
        self, retry: RetryPolicy, kept: OpenRecords, letters: LetterDesk, *, identifies: Identifies, steps: StepOrder,
        credentials: Credentials, event_log: EventLog, clock: Clock, rng: random.Random,
        wake_at: Callable[[float | None], None],
    ) -> None:  # fmt: skip
        """``wake_at`` asks for a look at what is due at this monotonic time."""
        self._settings = retry
        self._tally, self._evidence, self._failing = kept.tally, kept.evidence, kept.failing
        self._of_events = kept.evidence[TRACK]
        self._queues, self._assignments = kept.queues, kept.assignments
        self._letters = letters
        self._identifies, self._steps = identifies, steps
        self._credentials = credentials
        self._event_log = event_log
        self._monotonic, self._wall = clock.monotonic, clock.wall
        self._rng = rng
        self._wake_at = wake_at

    # --- accepted -----------------------------------------------------------------------------------

    def delivered(self, work: Work, partition: PartitionWork, governor: Governor) -> None:
        """The hot path: each event comes through here once."""
        request = work.request
        governor.budget.throttles = 0
        if governor.key.one_at_a_time or governor.outage.failures:
            self._proved(request.kind, governor, self._monotonic())
        evidence = self._of_events if request.kind is TRACK else self._evidence[request.kind]
        if work.mark is not None:
            evidence.recovered()
        evidence.succeeded(request.user_id)
        if (work.step is not None or request.kind is not TRACK) and not self._is_event(work):
            return
        self._tally.routes[request.route].delivered += 1
        written_ms = work.record.timestamp_ms
        if written_ms is not None and request.kind is TRACK:  # how late events are, and not what goes before them
            self._tally.took(self._wall() - written_ms / 1000)
        if work.key is not None or self._failing.lengths:
            following = self._queues.keys.advance(work)
            work.key = None
            if following is not None:
                if following.step is None:
                    self._queues.ready[following.request.kind].push(following)
                else:
                    self._queues.go(following)
        if partition.tracker.life is _DEAD:
            return
        self._assignments.complete(work, _DELIVERED)
        topic = partition.topic
        if topic.run:
            self._letters.delivered(topic)

    def _is_event(self, work: Work) -> bool:
        """Take in what an accepted request means to others: those of its record, those of its user.

        False where it was no event of its record, so that nothing is done with it.
        """
        request = work.request
        if request.kind is not TRACK:
            self._tally.accepted[request.kind.name] += 1
        if isinstance(work, AutomaticIdentify):
            self._identifies.accepted(work, self._monotonic())
            return False
        if request.kind is IDENTIFY:
            self._identifies.identified(work, self._monotonic())
        if work.step is not None:
            self._steps.accepted(work.step)
        return True

    def _proved(self, kind: RequestKind, governor: Governor, now: float) -> None:
        for reason, seconds in governor.proved(now):
            if reason is not Reason.OUTAGE:
                self._event_log.unblocked(reason, seconds)
                continue
            if kind is TRACK:
                self._event_log.unblocked(reason, seconds)
            else:
                self._event_log.kind_unblocked(kind.name, seconds)
            self._queues.end_outage(kind)

    # --- failed, for now ----------------------------------------------------------------------------

    def retry(self, work: Work, verdict: Retry, governor: Governor, now: float) -> None:
        """The same request may succeed later."""
        self._tally.retries[verdict.reason] += 1
        self._tally.retried[work.request.kind.name] += 1
        self._tally.ambiguous += verdict.ambiguous
        if work.state is EventState.GONE and verdict.status is None:
            # Its connection was closed by us, which says nothing of the destination.
            self._leave(work)
            return
        if verdict.stale and work.attempts == 1:
            # Its connection had ended before, most likely, which says nothing of the destination. Once: an event that
            # makes the destination close would else be sent without end, and never found out.
            if self._back(work):
                self._queues.ready[work.request.kind].push_first(work)
            return
        throttled = verdict.reason == "rate_limited"
        before, alone = work.mark, self._fails_alone(work, verdict, governor)
        asked = verdict.after if verdict.after or throttled else None
        if (throttled or asked is not None) and not alone:
            wait = governor.throttled(asked, now)
            if governor.pause(wait + jitter(wait, self._rng), verdict.detail, now):
                self._asked_to_wait(work.request.kind, wait, verdict.detail)
        if self._weigh(work, verdict, governor, alone, now) or not self._back(work):
            return
        if throttled and before is None:
            self._queues.ready[work.request.kind].push_first(work)
            return
        if isinstance(work, AutomaticIdentify):
            self._identifies.failed(work)
        else:
            self._failing.begin(work)
        # Where others wait because of it, its attempts come soon, so that they end.
        failures = min(work.attempts, SOON) if work.partition in self._failing.paused else work.attempts
        wait = longer(asked, backoff(failures, self._settings, self._rng), self._settings)
        self._queues.delay(work, now + wait)
        self._wake_at(work.due)
        if work.mark is not None and work.mark.times == TOLD_AT:
            self._event_log.retrying(self.retried(work))

    def _asked_to_wait(self, kind: RequestKind, wait: float, detail: str) -> None:
        if kind is TRACK:
            self._event_log.asked_to_wait(wait, detail)
        else:
            self._event_log.kind_asked_to_wait(kind.name, wait, detail)

    def _fails_alone(self, work: Work, verdict: Retry, governor: Governor) -> bool:
        """Whether others were accepted meanwhile, so that neither an outage nor a wait of all follows from it."""
        if governor.outage.on:
            return False
        evidence = self._evidence[work.request.kind]
        if work.mark is not None:
            throttled = verdict.reason == "rate_limited"
            if evidence.throttled_alone(work.mark) if throttled else evidence.alone(work.mark):
                return True
        return evidence.poisoned(work.who)

    def _weigh(self, work: Work, verdict: Retry, governor: Governor, alone: bool, now: float) -> bool:  # noqa: FBT001
        """Weigh a failure, `alone` or not; True when it was this event's last and it went to the dead letters."""
        throttled = verdict.reason == "rate_limited"
        outage, evidence = governor.outage, self._evidence[work.request.kind]
        transport = verdict.status is None
        if not (alone or throttled) and outage.failed(work.who, verdict.detail, transport=transport, now=now):
            evidence.doubt()
            if work.request.kind is TRACK:
                self._event_log.blocked(Reason.OUTAGE, verdict.detail)
            else:
                self._event_log.kind_blocked(work.request.kind.name, verdict.detail)
            self._steps.set_aside(work.request.kind)
        counts = self._counts(work, alone, throttled)
        work.mark = evidence.failed(work.mark, verdict, alone=alone)
        if work.partition.tracker.life is TrackerState.DEAD:
            return False
        if not counts:
            if self._failing.paused and not outage.on:
                self._failing.sip()
            return False
        work.counted += 1
        work.partition.dirty = True
        if work.counted < evidence.allowed(work.who, self._settings.max_attempts):
            return False
        evidence.burn(work.who)
        others = "events" if work.request.kind is TRACK else f"{work.request.kind.name} requests"
        message = f"kept failing while other {others} were accepted; last: {verdict.detail}"
        self._dead_letter(work, LetterReason.RETRIES_EXHAUSTED, message, verdict.status, None, now)
        return True

    def _counts(self, work: Work, alone: bool, throttled: bool) -> bool:  # noqa: FBT001 - findings
        """Whether a failure speaks against the event.

        Twenty others have to be accepted, of different users, unless the others wait because of it: then fewer users
        are heard because of the buffer, and not of the API. A 429 counts only then.
        """
        if not alone:
            return False
        evidence = self._evidence[work.request.kind]
        holds_up = work.partition in self._failing.paused
        if throttled and not holds_up:
            return False
        if evidence.poisoned(work.who) and evidence.spend():
            return True
        if work.mark is None:
            return False
        if throttled:
            return evidence.heard_since_last(work.mark)
        return evidence.speaks_against(work.who, work.mark) or (holds_up and evidence.alone(work.mark))

    def retried(self, work: Work) -> Retried:
        """What this event's attempts came to."""
        return Retried(
            work.partition.tracker.partition,
            work.record.offset,
            work.output,
            work.request.route.name or None,
            work.attempts,
            work.counted,
            self._evidence[work.request.kind].allowed(work.who, self._settings.max_attempts),
            max(0.0, work.due - self._monotonic()) if work.state is EventState.PARKED else None,
            None if work.mark is None else work.mark.answer,
            self._failing.behind(work),
            None if work.life is None else work.life.trace,
        )

    # --- refused ------------------------------------------------------------------------------------

    def rejected(self, work: Work, verdict: Reject, governor: Governor, now: float) -> None:
        """The request will never be accepted."""
        self._proved(work.request.kind, governor, now)
        self._dead_letter(work, LetterReason.REJECTED, verdict.detail, verdict.status, verdict.error_code, now)

    def unauthorized(self, work: Work, verdict: Unauthorized, governor: Governor, now: float) -> None:
        """The key or the address is wrong: the key guard rules on it."""
        key = governor.key
        held_since = key.held_since
        ruling = key.unauthorized(verdict, self._credentials.refresh(), now)
        if key.held and held_since is None:
            self._event_log.blocked(Reason.UNAUTHORIZED, verdict.detail)
            self._wake_at(key.next_recheck)
        elif held_since is not None and not key.held:
            self._event_log.unblocked(Reason.UNAUTHORIZED, now - held_since)
        if ruling is KeyRuling.LETTER:
            self._dead_letter(work, LetterReason.UNAUTHORIZED, verdict.detail, verdict.status, verdict.error_code, now)
        elif self._back(work):
            self._tally.retries[LetterReason.UNAUTHORIZED.value] += 1
            self._tally.retried[work.request.kind.name] += 1
            self._queues.ready[work.request.kind].push(work)

    # --- what becomes of the event ------------------------------------------------------------------

    def _back(self, work: Work) -> bool:
        """Whether the event stays ours to send; if its partition is leaving, it is left open for the next owner."""
        if work.partition.tracker.life is TrackerState.LIVE:
            return not (isinstance(work, AutomaticIdentify) and self._identifies.gives_up(work))
        work.state = EventState.GONE
        self._leave(work)
        if work.partition.tracker.life is TrackerState.DRAINING:
            self._letters.given_up(work.partition.topic)
        return False

    def _leave(self, work: Work) -> None:
        """It is not ours any more: the next owner of its partition sends it."""
        if isinstance(work, AutomaticIdentify):
            work.state = EventState.GONE
            self._identifies.review()
        else:
            self._queues.leave(work)

    def _dead_letter(
        self, work: Work, reason: LetterReason, message: str, status: int | None, code: str | None, now: float
    ) -> None:
        if work.partition.tracker.life is TrackerState.DEAD:
            self._leave(work)
            return
        identify = work if isinstance(work, AutomaticIdentify) else None
        if identify is not None:
            the_key_is = reason is LetterReason.UNAUTHORIZED
            if not the_key_is and self._identifies.is_news(identify.request.user_id):
                self._event_log.identify_refused(identify.record, status, code, message)
            event = self._identifies.refused(identify, now, the_key_is=the_key_is)
            if event is None:
                return
            work = event
        letter = letter_of(work, reason, message, status, code, epoch=self._wall() - now, identify=identify)
        if work.step is not None and work.step.then is not None and self._rest_follows(work, reason):
            letter = replace(letter, step=failed_step(work, rest_sent=True))
            self._steps.go_on_without(work.step)
        self._letters.submit(work, letter)

    @staticmethod
    def _rest_follows(work: Work, reason: LetterReason) -> bool:
        """Whether the steps behind one that failed are sent: only an identify's, and not where the key is at fault."""
        is_identify = work.request.kind is IDENTIFY and reason is not LetterReason.UNAUTHORIZED
        return is_identify and work.step is not None and work.step.rest_follows
