"""Dead letters on their way out: written, refused and written again, or shelved by the breaker."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable

from bridge.counts.records import Tally
from bridge.model import DeadLetter, LetterReason, LetterRefused
from bridge.pipeline.letter_breaker import Ruling, TopicLetters
from bridge.pipeline.offsets import TrackerState
from bridge.pipeline.ports import DeadLetters, EventLog, Positions
from bridge.pipeline.queues.queues import DelayQueue
from bridge.pipeline.retry import backoff
from bridge.pipeline.settings import RetrySettings
from bridge.pipeline.work import Entry, EventState, PartitionWork, Work


def letter_of(
    work: Work, reason: LetterReason, message: str, status: int | None, code: str | None, *, epoch: float
) -> DeadLetter:
    """What is known of an event that was tried and given up; ``epoch`` is the Unix time at monotonic zero."""
    request = work.request
    return DeadLetter(
        work.record,
        reason,
        message,
        work.output,
        request.route,
        status,
        code,
        request.body,
        work.attempts,
        None if work.first_at is None else int((epoch + work.first_at) * 1000),
        int((epoch + work.last_at) * 1000),
    )


class LetterDesk:
    """A letter that cannot be written is back-pressure: its offset stays open and intake stops, nothing is skipped."""

    def __init__(
        self, acknowledged: Callable[[Work], None], waiting: DelayQueue, port: DeadLetters[Work], positions: Positions,
        journal: EventLog, tally: Tally, retry: RetrySettings, rng: random.Random,
    ) -> None:  # fmt: skip
        self._acknowledged = acknowledged
        self._waiting = waiting
        self._port = port
        self._positions = positions
        self._journal = journal
        self._tally = tally
        self._retry = retry
        self._rng = rng
        self._again: list[tuple[float, int, Work]] = []
        self._unwritten: set[Work] = set()
        """Letters that were refused and are still to be written: they are what shows that writing works again."""
        self._stuck: dict[Entry, Work] = {}
        """Open records that wait for a person: of a held topic or partition. They take no room from the others."""
        self._sequence = 0
        self._refusals = 0
        self.unwritable_since: float | None = None
        self.detail = ""

    @property
    def next_try(self) -> float | None:
        """When one that was refused is written again, in monotonic seconds; None: it is being written."""
        return self._again[0][0] if self._again else None

    def submit(self, work: Work) -> None:
        """A new letter: ask the breaker first."""
        topic = work.partition.topic
        was_held = topic.held
        ruling = topic.rule()
        if ruling is Ruling.WRITE:
            if work.letter is not None:
                topic.messages.add(work.letter.message)
            self._write(work)
            return
        self._waiting.leave_lane(work)
        if work.partition.tracker.life is TrackerState.LIVE:
            work.state = EventState.SHELVED
            topic.shelf.append(work)
            if topic.held:
                self._stick(work)
        else:
            # Left open for the partition's next owner: from the shelf it would be written when it is no longer ours.
            work.state = EventState.GONE
        if ruling is Ruling.HOLD and not was_held:
            self._hold(topic)

    def delivered(self, topic: TopicLetters) -> None:
        """Something of the topic was delivered, so its letters are no row."""
        for work in topic.delivered():
            self.submit(work)

    def released(self, topic: TopicLetters) -> None:
        """Events that could have ended the row left unanswered; when they were the last, it is counted anew.

        To hold the topic would be a verdict without evidence. What it costs is bounded: a rebalance brings at most
        `hold_after` further letters, as it does wherever the topic gets a new owner.
        """
        if topic.exhausted():
            self.delivered(topic)

    def settle(self, topic: TopicLetters) -> None:
        """Something of the topic ended otherwise; hold it when the letters waited for the last of these."""
        if topic.exhausted():
            topic.held = True
            self._hold(topic)

    def written(self, work: Work, refused: LetterRefused | None, now: float) -> None:
        """The producer's receipt."""
        life = work.partition.tracker.life
        self._unwritten.discard(work)
        if life is TrackerState.DEAD or (life is TrackerState.DRAINING and refused is not None):
            # The record stays open for the next owner, who writes a letter of his own.
            work.state = EventState.GONE
            self._waiting.leave_lane(work)
        elif refused is None:
            self._accepted(work)
        else:
            if work.letter is not None:
                self._journal.letter_refused(work.letter, refused.message)
            if refused.too_large:
                self._hold_partition(work.partition, work, refused.message)
            else:
                self._refused(work, refused.message, now)
        if refused is None or not self._unwritten:
            self._reopen(now)

    def due(self) -> float | None:
        """When to call `rewrite`."""
        return self._again[0][0] if self._again else None

    def rewrite(self, now: float) -> None:
        """Try refused letters again."""
        while self._again and self._again[0][0] <= now:
            work = heapq.heappop(self._again)[2]
            if work.state is EventState.SHELVED:
                self._write(work)

    def drop(self, goes: Callable[[Work], bool], topics: Iterable[TopicLetters], now: float) -> None:
        """Forget letters of partitions that are leaving; their records stay open for the next owner."""
        for topic in topics:
            topic.shelf = [work for work in topic.shelf if not goes(work)]
        for entry in [entry for entry, work in self._stuck.items() if goes(work)]:
            self._tally.stuck -= 1
            self._tally.stuck_bytes -= self._stuck.pop(entry).size
        for work in [work for work in self._unwritten if goes(work)]:
            work.state = EventState.GONE
            self._unwritten.remove(work)
        if not self._unwritten:
            self._reopen(now)

    def _write(self, work: Work) -> None:
        letter = work.letter
        if letter is None:
            raise ValueError(f"{work.record.coordinates}: no letter to write")
        work.state = EventState.WRITING
        work.partition.writing += 1
        self._port.write(letter, work)

    def _reopen(self, now: float) -> None:
        """A letter was written, or no refused one is left that could show when they can be: only a new one can tell."""
        if self.unwritable_since is not None:
            self._journal.letters_writable(now - self.unwritable_since)
            self.unwritable_since, self.detail, self._refusals = None, "", 0

    def _accepted(self, work: Work) -> None:
        letter = work.letter
        if letter is not None:
            self._tally.letters[letter.reason] += 1
            self._journal.dead_letter(letter)
        self._acknowledged(work)

    def _refused(self, work: Work, message: str, now: float) -> None:
        self._tally.letter_failures += 1
        self.detail = message
        if self.unwritable_since is None:
            self.unwritable_since = now
            self._journal.letters_unwritable(message)
        self._refusals += 1
        self._sequence += 1
        self._unwritten.add(work)
        work.state = EventState.SHELVED
        heapq.heappush(self._again, (now + backoff(self._refusals, self._retry, self._rng), self._sequence, work))

    def _hold(self, topic: TopicLetters) -> None:
        for work in topic.shelf:
            self._stick(work)
        self._positions.pause_topic(topic.name)
        self._journal.topic_held(topic.name, topic.run, topic.messages.sentence())

    def _hold_partition(self, partition: PartitionWork, work: Work, message: str) -> None:
        self._tally.letter_failures += 1
        partition.held = message
        work.state = EventState.SHELVED
        self._stick(work)
        self._waiting.leave_lane(work)
        self._positions.pause_partition(partition.tracker)
        self._journal.partition_held(partition.tracker, message)

    def _stick(self, work: Work) -> None:
        entry: Entry = work.fanout or work
        if entry not in self._stuck:
            self._stuck[entry] = work
            self._tally.stuck += 1
            self._tally.stuck_bytes += work.size
