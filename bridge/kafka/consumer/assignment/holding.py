"""Carries out what an operator asks of partitions: hold them, release them, move the group's committed offset.

One request at a time, each in the same steps: the partitions are drained, what was asked is decided and
committed with the committed offset, the coordinator's answer is waited for, and then they are looked at like partitions
that were just assigned. Whatever ends the process in between leaves either the old commit or the new one.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bridge.formats import offset_map
from bridge.kafka import topic_ids
from bridge.kafka.consumer.starts import start_policy
from bridge.model import Position, TopicPartition

if TYPE_CHECKING:
    from bridge.formats.operator_hold import OperatorHold
    from bridge.kafka.consumer.assignment.draining import Draining
    from bridge.kafka.consumer.commits import Commits
    from bridge.kafka.consumer.starts.start_runner import StartRunner
    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.partition_state import PartitionState

ANSWER_LIMIT: Final = 15.0
"""Seconds the coordinator may take to acknowledge, before the operator is told that it has not yet."""


class OperatorOutcome(enum.StrEnum):
    """What became of one partition."""

    DONE = "done"
    """As asked, and committed."""
    NOT_KEPT = "not_kept"
    """As asked, in this process only: there is no committed offset that could carry it, or no room in its metadata."""
    UNCONFIRMED = "unconfirmed"
    """As asked, but the coordinator has not acknowledged it yet; it is asked again."""
    GONE = "gone"
    """It went to another replica meanwhile."""
    MOVED_MEANWHILE = "moved_meanwhile"
    """The committed offset is not the one that was decided by: nothing was set."""
    UNREADABLE = "unreadable"
    """The committed offset could not be read: nothing was set."""


@dataclass(frozen=True, slots=True)
class Move:
    """A new committed offset for one partition."""

    expected: int | None
    """The committed offset that this was decided by; None: there was none."""
    expected_map: str
    """The offset map that this was decided by."""
    offset: int
    map: str
    """What to commit along with it."""

    def is_decided_by(self, standing: Position | None) -> bool:
        """Whether this is still where the group is: the same records are done.

        Two maps may say that in two ways: each also carries how much waits at its time.
        """
        if standing is None:
            return self.expected is None
        if standing.offset != self.expected:
            return False
        return standing.metadata == self.expected_map or _done(standing.metadata) == _done(self.expected_map)


Done = Callable[[Mapping[TopicPartition, OperatorOutcome]], None]
Decide = Callable[[Sequence["PartitionState"]], dict["PartitionState", OperatorOutcome]]
"""Once they are drained: what is to be committed. Returns those of which nothing is to be waited for."""


class _Job:
    def __init__(self, entries: Sequence[PartitionState], decide: Decide, then: Callable[[], None], done: Done) -> None:
        self.entries = list(entries)
        self.decide = decide
        self.then = then
        self.done = done
        self.outcomes: dict[PartitionState, OperatorOutcome] = {}
        self.deadline: float | None = None
        """Until when the answer is waited for; None until they are drained."""


class Holding:
    """Belongs to the poll thread; `done` is called there as well."""

    def __init__(
        self, context: ConsumerContext, draining: Draining, start_runner: StartRunner, commits: Commits
    ) -> None:
        self._partitions = context.partitions
        self._hand_over = context.hand_over
        self._pauses = context.pauses
        self._clock = context.clock
        self._draining = draining
        self._start_runner = start_runner
        self._commits = commits
        self._jobs: list[_Job] = []

    @property
    def busy(self) -> bool:
        """Whether a request is under way; another one would decide by what that one is about to change."""
        return bool(self._jobs)

    # --- what is asked ------------------------------------------------------------------------------

    def hold(self, partitions: Sequence[TopicPartition], hold: OperatorHold, done: Done) -> None:
        """Read these no further, here or wherever they are assigned next, until they are released or the hold ends."""
        entries = [] if self._pauses.stopping else self._entries(partitions)
        for entry in entries:
            # From here on each commit carries it: a crash in the middle of the drain leaves the partition held.
            entry.operator_hold, entry.told_of_hold = hold, True

        def kept(outcomes: Mapping[TopicPartition, OperatorOutcome]) -> None:
            if self._commits.keeps(hold):
                done(outcomes)
            else:
                done({p: OperatorOutcome.NOT_KEPT if o is OperatorOutcome.DONE else o for p, o in outcomes.items()})

        self._begin(entries, self._keep, lambda: self._tell_held(entries), partitions, kept)

    def release(
        self,
        partitions: Sequence[TopicPartition],
        topic: str,
        done: Done,
        *,
        start_over: bool,
        also: Sequence[TopicPartition] = (),
    ) -> None:
        """Read these again from the group's committed offset, as far as nothing else holds them.

        `start_over`: the topic's dead letters are counted from zero; then all of its partitions must be among these and
        `also`, which begin again with them and keep what an operator asked of them.
        """
        for entry in [] if self._pauses.stopping else self._entries(partitions):
            entry.operator_hold, entry.told_of_hold = None, True
        self.try_again([*partitions, *also], topic, done, start_over=start_over)

    def try_again(self, partitions: Sequence[TopicPartition], topic: str, done: Done, *, start_over: bool) -> None:
        """The same without an operator: what one holds stays held, also where that has not come to an end yet."""
        entries = [] if self._pauses.stopping else self._entries(partitions)

        def read_again() -> None:
            if start_over:
                self._pauses.topics.discard(topic)
                self._pauses.apply(self._partitions)
                self._hand_over.tell(self._hand_over.consumption.start_over, topic)
            self._read([entry for entry in entries if entry.operator_hold is None])

        self._begin(entries, self._unkeep, read_again, partitions, done)

    def move(self, moves: Mapping[TopicPartition, Move], done: Done) -> None:
        """Commit other offsets for these, and read from there whatever is read of them next."""
        entries = self._entries(list(moves))

        def decide(still: Sequence[PartitionState]) -> dict[PartitionState, OperatorOutcome]:
            return self._move(still, moves)

        self._begin(entries, decide, lambda: self._read(entries), list(moves), done)

    # --- steps --------------------------------------------------------------------------------------

    def carry_on(self) -> None:
        """Do what can be done now; call it between polls."""
        self._draining.step()
        for job in list(self._jobs):
            if job.deadline is None and self._is_drained(job):
                job.deadline = self._clock() + ANSWER_LIMIT
                job.outcomes |= job.decide([entry for entry in job.entries if self._is_ours(entry)])
            if job.deadline is not None and self._is_through(job, job.deadline):
                self._jobs.remove(job)
                for entry in job.entries:
                    entry.retry_at = 0.0
                job.then()
                job.done({entry.partition: outcome for entry, outcome in job.outcomes.items()})

    def _entries(self, partitions: Sequence[TopicPartition]) -> list[PartitionState]:
        return [entry for each in partitions if (entry := self._partitions.get(each)) is not None]

    def _begin(
        self,
        entries: Sequence[PartitionState],
        decide: Decide,
        then: Callable[[], None],
        partitions: Sequence[TopicPartition],
        done: Done,
    ) -> None:
        if self._pauses.stopping:
            entries = []  # The process leaves the group, and what it has drains already.
        there = {entry.partition for entry in entries}
        gone = {each: OperatorOutcome.GONE for each in partitions if each not in there}
        for entry in entries:
            # Looked at before the commit is acknowledged, it would begin at the offset from before.
            entry.retry_at = float("inf")
        self._draining.set_aside(entries)
        self._jobs.append(_Job(entries, decide, then, lambda outcomes: done({**gone, **outcomes})))
        self.carry_on()

    def _is_drained(self, job: _Job) -> bool:
        """Whether none of them is read. One that began again meanwhile is drained once more."""
        read = [entry for entry in job.entries if self._is_ours(entry) and entry.tracker is not None]
        self._draining.set_aside(read)
        return not read

    def _is_ours(self, entry: PartitionState) -> bool:
        return self._partitions.get(entry.partition) is entry

    def _is_through(self, job: _Job, deadline: float) -> bool:
        for entry in job.entries:
            if entry in job.outcomes:
                continue
            if not self._is_ours(entry):
                job.outcomes[entry] = OperatorOutcome.GONE
            elif entry.acknowledged:
                job.outcomes[entry] = OperatorOutcome.DONE
            elif self._clock() >= deadline:
                job.outcomes[entry] = OperatorOutcome.UNCONFIRMED
        return len(job.outcomes) == len(job.entries)

    # --- once drained --------------------------------------------------------------------------------

    def _keep(self, entries: Sequence[PartitionState]) -> dict[PartitionState, OperatorOutcome]:
        """Commit the holds, also of partitions that were never read: with the committed offset as it is."""
        found = self._start_runner.positions([entry for entry in entries if entry.position is None])
        for entry in entries:
            if entry.position is None and entry.partition in found:
                entry.position = found[entry.partition].position
                entry.subscription = found[entry.partition].subscription
                entry.topic_id = found[entry.partition].topic_id or ""
        not_kept = [entry for entry in entries if entry.position is None]
        for entry in entries:
            self._commits.tell(entry)
        return dict.fromkeys(not_kept, OperatorOutcome.NOT_KEPT)

    def _unkeep(self, entries: Sequence[PartitionState]) -> dict[PartitionState, OperatorOutcome]:
        for entry in entries:
            self._commits.tell(entry)
        # Of the others the committed text is replaced when they are read again: see `StartRunner.recheck_waiting`.
        return {entry: OperatorOutcome.DONE for entry in entries if entry.position is None}

    def _move(
        self, entries: Sequence[PartitionState], moves: Mapping[TopicPartition, Move]
    ) -> dict[PartitionState, OperatorOutcome]:
        found = self._start_runner.positions(entries)
        refused: dict[PartitionState, OperatorOutcome] = {}
        for entry in entries:
            facts, move = found.get(entry.partition, start_policy.StartFacts()), moves[entry.partition]
            if topic_ids.differ(facts.topic_id or "", entry.topic_id):
                entry.position = None  # It was in the topic of this name that is gone.
            # What was done here in the meantime is known before the brokers have it.
            standing = entry.position or facts.position
            if not facts.position_known:
                refused[entry] = OperatorOutcome.UNREADABLE
            elif not move.is_decided_by(standing):
                refused[entry] = OperatorOutcome.MOVED_MEANWHILE
            else:
                entry.topic_id = facts.topic_id or entry.topic_id
                # Without a leader epoch: it would be one of the log below the old offset.
                entry.position = Position(move.offset, move.map or _empty_map(move.offset, entry.topic_id), None)
                self._commits.tell(entry)
        return refused

    # --- afterwards ---------------------------------------------------------------------------------

    def _tell_held(self, entries: Sequence[PartitionState]) -> None:
        for entry in entries:
            if self._is_ours(entry) and entry.operator_hold is not None:
                held = start_policy.of_operator(entry.operator_hold)
                self._start_runner.hold(entry, held.reason, held.detail)

    def _read(self, entries: Sequence[PartitionState]) -> None:
        self._start_runner.recheck_waiting([e for e in entries if self._is_ours(e) and e.held is not None])


def _done(text: str) -> tuple[range, ...]:
    decoded = offset_map.decode(text)
    return () if decoded is None else decoded.done


def _empty_map(offset: int, topic_id: str) -> str:
    """Says of which topic the offset is, so that it is not believed of another one of the same name."""
    if not topic_id:
        return ""
    return offset_map.encode(
        offset,
        (),
        leader_epoch=None,
        topic_id=topic_id,
        demand=offset_map.Demand(0, 0),
        head=offset_map.Head(),
        max_length=offset_map.BROKER_LIMIT,
    )
