"""Dead letters on their way out: each is with the producer, refused, on a shelf, or waits for a person."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from bridge.config.sections import RetryPolicy
from bridge.model import DeadLetter, Disposition, FailedStep, LetterReason, LetterRefused
from bridge.pipeline.dispatch.assignments import OpenRecords
from bridge.pipeline.letter_breaker import TopicLetters
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.ports import DeadLetters, EventLog, Positions
from bridge.pipeline.retry import backoff
from bridge.pipeline.work import AutomaticIdentify, Entry, EventState, OpenElements, PartitionWork, Work


def letter_of(
    work: Work,
    reason: LetterReason,
    message: str,
    status: int | None,
    code: str | None,
    *,
    epoch: float,
    identify: AutomaticIdentify | None = None,
) -> DeadLetter:
    """What is known of an event that was tried and given up; ``epoch`` is the Unix time at monotonic zero.

    `identify` is what failed before it could be tried.
    """
    failed = work if identify is None else identify
    return DeadLetter(
        work.record,
        reason,
        message,
        work.output,
        work.request.route,
        status,
        code,
        failed.request.body,
        work.attempts,
        None if work.first_at is None else int((epoch + work.first_at) * 1000),
        int((epoch + work.last_at) * 1000),
        element=work.element,
        kind=failed.request.kind.name,
        step=failed_step(work, automatic=identify is not None),
    )


def failed_step(work: Work, *, automatic: bool = False, rest_sent: bool = False) -> FailedStep | None:
    """Which of several steps failed; None where there are no others."""
    step = work.step
    if step is None:
        return FailedStep(0, 1, automatic=True) if automatic else None
    return FailedStep(step.number, step.of, rest_sent, automatic)


def rest_of(work: Work) -> Iterator[Work]:
    """The steps behind this one that were not sent."""
    step = work.step
    while step is not None and (then := step.then) is not None:
        yield then
        step = then.step


class LetterDesk:
    """A letter that cannot be written is back-pressure: its offset stays open and nothing more is admitted.

    Nothing is skipped. `submit` sets the letter on its event first, and so the event is none any more that may be
    delivered; the rest follows.
    """

    def __init__(
        self, port: DeadLetters[Work], positions: Positions, event_log: EventLog, kept: OpenRecords,
        refused: RefusedLetters,
    ) -> None:  # fmt: skip
        self._port = port
        self._positions = positions
        self._event_log = event_log
        self._tally, self._assignments, self._queues = kept.tally, kept.assignments, kept.queues
        self.refused = refused
        self._shelves: dict[TopicLetters, list[Work]] = {}
        """By topic: letters that the row in front of them keeps from being written, oldest first."""
        self._stuck: dict[Entry, PartitionWork] = {}
        """Open records that wait for a person: of a held topic or partition. They take no room from the others."""

    # --- the way of a letter ------------------------------------------------------------------------

    def submit(self, work: Work, letter: DeadLetter) -> None:
        """The event becomes this letter; the breaker says whether it is written."""
        if work.life is not None:
            letter = replace(letter, trace=work.life.letter_begins(letter))
        work.letter = letter
        topic = work.partition.topic
        for left in rest_of(work):
            if left.step is not None:
                left.step.has_letter = True
        if topic.admits(letter):
            self._write(work, letter)
            return
        self._queues.leave(work)
        if work.partition.tracker.life is TrackerState.LIVE:
            work.state = EventState.SHELVED
            self._shelves.setdefault(topic, []).append(work)
            if topic.held:
                self._stick(work)
        else:
            # Left open for the partition's next owner: from the shelf it would be written when it is no longer ours.
            work.state = EventState.GONE
        if not topic.held and not self._assignments.may_deliver(topic):
            self._hold(topic)

    def delivered(self, topic: TopicLetters) -> None:
        """Something of the topic was delivered, so its letters are no row."""
        topic.end_row()
        self._assignments.forget_witness(topic)
        if not topic.held:
            for work in self._shelves.pop(topic, ()):
                if work.letter is not None:
                    self.submit(work, work.letter)

    def given_up(self, topic: TopicLetters) -> None:
        """Events that could have ended the row left unanswered; when they were the last, it is counted from zero.

        To hold the topic would be a verdict without evidence. What it costs is bounded: a rebalance brings at most
        `hold_after` further letters, as it does wherever the topic gets a new owner.
        """
        if self._shelves.get(topic) and not topic.held and not self._assignments.may_deliver(topic):
            self.delivered(topic)

    def written(self, work: Work, refused: LetterRefused | None, now: float) -> None:
        """The producer's receipt."""
        work.partition.writing -= 1
        self.refused.forget(work)
        life = work.partition.tracker.life
        if life is TrackerState.DEAD or (life is TrackerState.DRAINING and refused is not None):
            # The record stays open for the next owner, who writes a letter of his own.
            work.state = EventState.GONE
            self._queues.leave(work)
        elif refused is None:
            self._accepted(work)
        elif work.letter is not None:
            self._refuse(work, work.letter, refused, now)
        self.refused.end(now, written=refused is None)

    def rewrite(self, now: float) -> None:
        """Try refused letters again."""
        for work in self.refused.due(now):
            if work.state is EventState.SHELVED and work.letter is not None:
                self._write(work, work.letter)

    def drop(self, leaving: Collection[PartitionWork], goes: Callable[[Work], bool], now: float) -> None:
        """Forget letters of partitions that are leaving; their records stay open for the next owner."""
        for topic in {partition.topic: None for partition in leaving}:
            self._shelves[topic] = [work for work in self._shelves.get(topic, ()) if not goes(work)]
        for entry in [entry for entry, partition in self._stuck.items() if partition in leaving]:
            del self._stuck[entry]
            self._count_stuck(entry, -1)
        self.refused.drop(goes, now)

    def _write(self, work: Work, letter: DeadLetter) -> None:
        work.state = EventState.WRITING
        work.partition.writing += 1
        self._port.write(letter, work)

    def _accepted(self, work: Work) -> None:
        """All in-sync replicas have the letter: the event is complete."""
        letter = work.letter
        if letter is not None:
            self._tally.letters[letter.reason] += 1
            self._tally.letters_of[letter.kind] += 1
            self._event_log.dead_letter(letter)
            if work.life is not None:
                work.life.letter_written(letter)
            if letter.route is not None:
                self._tally.route(letter.route).dead_lettered += 1
        self._queues.leave(work)
        for left in rest_of(work):  # they are with the letter, for whoever sends it again
            self._assignments.complete(left, Disposition.DEAD_LETTERED)
        self._assignments.complete(work, Disposition.DEAD_LETTERED)

    def _refuse(self, work: Work, letter: DeadLetter, refused: LetterRefused, now: float) -> None:
        self._event_log.letter_refused(letter, refused.message)
        self._tally.letter_failures += 1
        if work.life is not None:
            work.life.letter_refused(letter, refused.message)
        work.state = EventState.SHELVED
        if refused.too_large:
            self._hold_partition(work, refused.message)
        else:
            self.refused.add(work, refused.message, now)

    # --- what waits for a person ----------------------------------------------------------------------

    def _hold(self, topic: TopicLetters) -> None:
        topic.held = True
        for work in self._shelves.get(topic, ()):
            self._stick(work)
        for partition in self._assignments:
            if partition.topic is topic:
                self._stick_opening(partition)
        self._positions.pause_topic(topic.name)
        self._event_log.topic_held(topic.name, topic.run, topic.messages.sentence(), topic.messages.sample)

    def _hold_partition(self, work: Work, message: str) -> None:
        partition = work.partition
        partition.held = message
        self._stick(work)
        self._stick_opening(partition)
        self._queues.leave(work)
        self._positions.pause_partition(partition.tracker)
        self._event_log.partition_held(partition.tracker, message)

    def _stick(self, work: Work) -> None:
        self._add_stuck(work.entry, work.partition)
        if isinstance(work.fanout, OpenElements):
            self._add_stuck(work.fanout, work.partition)
            for left in rest_of(work):
                self._add_stuck(left.entry, work.partition)

    def _stick_opening(self, partition: PartitionWork) -> None:
        """No further element of it is opened, so it cannot be done before the partition is given up."""
        if partition.opening is not None:
            self._add_stuck(partition.opening, partition)

    def _add_stuck(self, entry: Entry, partition: PartitionWork) -> None:
        if entry not in self._stuck:
            self._stuck[entry] = partition
            self._count_stuck(entry, 1)

    def _count_stuck(self, entry: Entry, sign: int) -> None:
        """An element takes the room of one; the bytes of all of them are those of their record."""
        tally = self._tally
        tally.stuck += sign
        if isinstance(entry, Work) and entry.fanout is not None:
            tally.elements_aside += sign
        else:
            tally.stuck_bytes += sign * entry.size


class RefusedLetters:
    """Letters that Kafka did not take: each is written again after a while. While there are any, none can be written.

    They are what shows that writing works again.
    """

    def __init__(self, event_log: EventLog, retry: RetryPolicy, rng: random.Random) -> None:
        self._event_log = event_log
        self._retry = retry
        self._rng = rng
        self._letters: set[Work] = set()
        """Still to be written."""
        self._due: list[tuple[float, int, Work]] = []
        """A heap of those that are not with the producer, by the time of their next attempt."""
        self._sequence = 0
        self._in_a_row = 0
        self.since: float | None = None
        """Monotonic time from which on no letter could be written; None: they can."""
        self.detail = ""

    @property
    def next_try(self) -> float | None:
        """When one is written again, in monotonic seconds; None: all are with the producer, or there is none."""
        return self._due[0][0] if self._due else None

    def add(self, work: Work, message: str, now: float) -> None:
        """One was refused."""
        self.detail = message
        if self.since is None:
            self.since = now
            self._event_log.letters_unwritable(message)
        self._in_a_row += 1
        self._sequence += 1
        self._letters.add(work)
        heapq.heappush(self._due, (now + backoff(self._in_a_row, self._retry, self._rng), self._sequence, work))

    def due(self, now: float) -> list[Work]:
        """Take out those whose time has come."""
        found = []
        while self._due and self._due[0][0] <= now:
            found.append(heapq.heappop(self._due)[2])
        return found

    def forget(self, work: Work) -> None:
        """Its receipt came; whoever is refused again is added again."""
        self._letters.discard(work)

    def drop(self, goes: Callable[[Work], bool], now: float) -> None:
        """Forget those of partitions that are leaving."""
        for work in [work for work in self._letters if goes(work)]:
            work.state = EventState.GONE
            self._letters.remove(work)
        self.end(now, written=False)

    def end(self, now: float, *, written: bool) -> None:
        """A letter was written, or no refused one is left that could show when they can be: only a new one can tell."""
        if self.since is not None and (written or not self._letters):
            self._event_log.letters_writable(now - self.since)
            self.since, self.detail, self._in_a_row = None, "", 0
