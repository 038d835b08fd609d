"""Starts assigned partitions, or holds them with a reason and looks at them again.

Runs on the poll thread: within the client's assignment callback, and between polls for what is held.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from confluent_kafka import OFFSET_END, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.formats import offset_map
from bridge.formats.losses import Lost
from bridge.holds import Reason
from bridge.kafka import topic_ids
from bridge.kafka.consumer.starts import start_policy
from bridge.kafka.consumer.thread.consumption import Positioned, Started
from bridge.kafka.consumer.thread.partition_state import PartitionState
from bridge.model import TopicPartition
from bridge.pipeline.offsets import OffsetTracker

if TYPE_CHECKING:
    from bridge.kafka.consumer.commits import Commits
    from bridge.kafka.consumer.starts.lookup import Lookup
    from bridge.kafka.consumer.starts.start_policy import StartFacts
    from bridge.kafka.consumer.thread.context import ConsumerContext

LOOKUP_BUDGET: Final = 5.0
"""Seconds the questions of one assignment may take. The group waits, heartbeats continue."""
RETRY_BUDGET: Final = 1.0
"""Seconds a later look at held partitions may take: the others wait for it."""
RECHECK_EVERY: Final = 30.0
"""Seconds between looks at partitions that only their owner can release."""
_OPERATORS: Final = (Reason.HELD_BY_OPERATOR, Reason.PAUSED_BY_OPERATOR)
_AFTER_THE_END: Final = 0.1
_FIRST_RETRY: Final = 1.0
"""Seconds until a committed offset that could not be read is asked for again; doubles up to `RECHECK_EVERY`."""


class StartRunner:
    """Decides by `start_policy.resolve` and carries it out."""

    def __init__(self, context: ConsumerContext, lookup: Lookup, commits: Commits) -> None:
        self.held: Mapping[TopicPartition, tuple[Reason, str]] = {}
        """Replaced whole, so it may be read from anywhere."""
        self.next_looks: Mapping[TopicPartition, float] = {}
        """When each of them is looked at again, in monotonic seconds. Replaced whole, too."""
        self.ends: Mapping[TopicPartition, int] = {}
        """When an operator's hold ends by itself, in Unix seconds, of those that do. Replaced whole, too."""
        self._consumer = consumer = context.consumer
        self._assign_now = consumer.incremental_assign if context.incremental else consumer.assign
        self._partitions = context.partitions
        self._hand_over = context.hand_over
        self._pauses = context.pauses
        self._counts = context.counts
        self._logger = context.logger
        self._start_from = context.kafka.start_from
        self._clock = context.clock
        self._lookup = lookup
        self._commits = commits
        self._left: dict[TopicPartition, tuple[str, int]] = {}
        """Of partitions that were given up: the id of the topic that was read, and the offset up to which it was."""

    def assign(self, partitions: Sequence[TopicPartition]) -> None:
        """Begin reading these, or hold them; `assigned` tells the loop which are read."""
        entries = [PartitionState(partition) for partition in partitions]
        found: dict[TopicPartition, StartFacts] = {}
        if entries:
            self._pauses.forget(entries)
            found = self._find(partitions, LOOKUP_BUDGET)
        decisions = {entry: self._decide(entry, found) for entry in entries}
        self._assign_now([_assignment(entry, decision) for entry, decision in decisions.items()])
        for entry, decision in decisions.items():
            self._partitions.add(entry)
            if isinstance(decision, start_policy.Start):
                self._start(entry, decision, found)
                self._forget_ended(entry, found)
            else:
                self.hold(entry, decision.reason, decision.detail)
                # What is unknown may be a leader that lags: it counts where it is still so at a later look.
                is_known = decision.possibly_lost > 0
                self._count_lost(entry, decision.possibly_lost, decision.lost if is_known else None)
        self._pauses.apply(entries)
        started = [entry.tracker for entry in entries if entry.tracker is not None]
        self._hand_over.tell(self._hand_over.consumption.assigned, started)
        self._tell_started(decisions)
        self._begin(decisions, found)

    def _find(self, partitions: Sequence[TopicPartition], budget: float) -> dict[TopicPartition, StartFacts]:
        wanted = start_policy.wanted_time(self._start_from, time.time())
        return self._lookup.find(partitions, time_ms=wanted, budget=budget)

    def _resolve(
        self, partition: TopicPartition, found: Mapping[TopicPartition, StartFacts]
    ) -> start_policy.Start | start_policy.Hold:
        return start_policy.resolve(partition, found.get(partition, start_policy.StartFacts()), self._start_from)

    def _decide(
        self, entry: PartitionState, found: Mapping[TopicPartition, StartFacts]
    ) -> start_policy.Start | start_policy.Hold:
        """What an operator said in this assignment counts more than what the last commit carries of it.

        Of a topic that was created again since this partition had a position in it, all is new.
        """
        facts = found.get(entry.partition, start_policy.StartFacts())
        if not entry.told_of_hold:
            entry.operator_hold = facts.operator_hold
        if entry.operator_hold is not None and entry.operator_hold.is_over(time.time()):
            entry.operator_hold, entry.told_of_hold = None, True
        facts = replace(facts, operator_hold=entry.operator_hold)
        read = entry.topic_id or self._read_before(entry.partition, facts)
        if entry.operator_hold is None and topic_ids.differ(facts.topic_id or "", read):
            return start_policy.begin_again(entry.partition, facts, self._start_from, read=read)
        return start_policy.resolve(entry.partition, facts, self._start_from)

    def _read_before(self, partition: TopicPartition, found: StartFacts) -> str:
        """The id of the topic of which the group has what this process left behind: all that it read there is done.

        Brokers that assign may take a partition of a topic that is created again, and give it again, before anybody
        here knows: by then the last commit, which is by name, says of the new topic what is true of the earlier one.
        """
        topic_id, offset = self._left.get(partition, ("", -1))
        if found.position is None or found.position.offset != offset:
            return ""
        committed = offset_map.decode(found.position.metadata)
        return "" if committed is None or committed.topic_id != topic_id else topic_id

    def _start(
        self, entry: PartitionState, start: start_policy.Start, found: Mapping[TopicPartition, StartFacts]
    ) -> None:
        position = start.position
        entry.tracker = OffsetTracker(
            entry.partition,
            position.offset,
            topic_id=found[entry.partition].topic_id or "",
            leader_epoch=position.leader_epoch,
            restored=start.restored,
        )
        entry.position, entry.topic_id = position, entry.tracker.topic_id
        entry.next_offset = position.offset
        entry.subscription = found[entry.partition].subscription

    def _forget_ended(self, entry: PartitionState, found: Mapping[TopicPartition, StartFacts]) -> None:
        """A hold that was released, or has ended, and that the committed text still has."""
        if found[entry.partition].operator_hold is not None:
            self._commits.tell(entry)

    def _tell_started(self, decisions: Mapping[PartitionState, start_policy.Start | start_policy.Hold]) -> None:
        told = [
            Started(entry.partition, start.position.offset, start.why, start_policy.DETAILS[start.why], by_us=True)
            for entry, start in decisions.items()
            if isinstance(start, start_policy.Start)
        ]
        if told:
            self._hand_over.tell(self._hand_over.consumption.started, told)

    def _begin(
        self,
        decisions: dict[PartitionState, start_policy.Start | start_policy.Hold],
        found: Mapping[TopicPartition, StartFacts],
    ) -> None:
        """Commit the starts that are not committed yet, where `start_from` decided also those of the same topics' other
        partitions: whoever starts one of these later would take it for one that was added. What is new to everybody
        starts at its beginning either way, and a late commit of ours would set back what its owner has committed since.
        """
        new = [entry for entry, start in decisions.items() if isinstance(start, start_policy.Start) and start.is_new]
        mine = {entry.partition for entry in self._partitions}
        others = [
            (partition, start)
            for partition in found
            if partition not in mine
            and isinstance(start := self._resolve(partition, found), start_policy.Start)
            and start.why is start_policy.StartReason.START_FROM
        ]
        if new or others:
            self._commits.begin(new, [(partition, start.position) for partition, start in others])
        if others:
            told = [
                Started(partition, start.position.offset, start.why, start_policy.DETAILS[start.why], by_us=False)
                for partition, start in others
            ]
            self._hand_over.tell(self._hand_over.consumption.started, told)

    # --- held partitions ----------------------------------------------------------------------------

    def hold(self, entry: PartitionState, reason: Reason, detail: str) -> None:
        """Take nothing from this partition until it is looked at again."""
        if (reason, detail) != (entry.held, entry.detail):
            seconds = _held_for(entry) if reason in _OPERATORS else 0.0
            self._hand_over.tell(self._hand_over.consumption.partition_held, entry.partition, reason, detail, seconds)
        entry.held, entry.detail = reason, detail
        passing = reason in (Reason.POSITION_UNKNOWN, Reason.CREATED_AGAIN)
        shortest = _FIRST_RETRY if passing else RECHECK_EVERY
        entry.retry_in = min(RECHECK_EVERY, max(shortest, entry.retry_in * 2))
        entry.retry_at = self._clock() + min(entry.retry_in, _ends_in(entry))
        self._publish()

    def identify(self, topic: str, topic_id: str) -> None:
        """Hold the partitions that are read under another id than this, the topic's present one; they begin again soon.

        Client and brokers keep reading at the old offset as soon as the new log is long enough. Of those that are not
        read, the committed offset is forgotten: they begin with what the new topic has, whenever they begin.
        """
        others = [
            entry
            for entry in self._partitions.by_topic.get(topic, {}).values()
            if not entry.closing and topic_ids.differ(entry.topic_id, topic_id)
        ]
        for entry in [each for each in others if each.tracker is None]:
            # Committed again, with a hold or its end, it would be a position in the new topic.
            entry.position, entry.refresh, entry.acknowledged = None, False, False
        changed = [entry for entry in others if entry.tracker is not None]
        for entry in changed:
            if entry.held is not Reason.CREATED_AGAIN:
                self.hold(entry, Reason.CREATED_AGAIN, start_policy.created_again(entry.partition))
        self._pauses.apply(changed)

    def _count_lost(self, entry: PartitionState, offsets: int, lost: Lost | None) -> None:
        """Each offset once, however often it is looked at."""
        self._counts.possibly_lost += max(0, offsets - entry.possibly_lost)
        entry.possibly_lost = max(entry.possibly_lost, offsets)
        if lost is None or lost.at_most == 0:
            return
        key = (lost.partition, lost.topic_id, lost.start)
        if self._counts.lost.get(key) != lost:
            # Who waits for news of it looks whether it is another one.
            self._counts.lost = {**self._counts.lost, key: lost}

    def recheck(self) -> None:
        """Look again at held partitions whose time has come."""
        now = self._clock()
        due = [e for e in self._partitions if e.held is not None and not e.closing and e.retry_at <= now]
        if not due:
            return
        self._recheck_running([e for e in due if e.tracker is not None and e.held is Reason.OUT_OF_RANGE])
        self._recheck_recreated([e for e in due if e.tracker is not None and e.held is Reason.CREATED_AGAIN])
        self.recheck_waiting([entry for entry in due if entry.tracker is None])

    def _recheck_running(self, entries: Sequence[PartitionState]) -> None:
        """Those that fell out of the log while they were read: a replica that lagged behind may have caught up."""
        if not entries:
            return
        ranges = self._lookup.ranges([entry.partition for entry in entries], RETRY_BUDGET)
        for entry in entries:
            log = ranges.get(entry.partition)
            if log is not None and log.first <= entry.next_offset <= log.end:
                self._release(entry, entry.next_offset)
            else:
                self.hold(entry, Reason.OUT_OF_RANGE, entry.detail)
                if log is not None:
                    self._count_lost(entry, log.first - entry.next_offset, _fallen_out(entry, log.first))

    def _recheck_recreated(self, entries: Sequence[PartitionState]) -> None:
        """Those whose topic was created again while they were read, once all that was read of the old one is done."""
        done = [entry for entry in entries if _is_done(entry)]
        found = self._find([entry.partition for entry in done], RETRY_BUDGET) if done else {}
        started: dict[PartitionState, start_policy.Start | start_policy.Hold] = {}
        for entry in entries:
            facts, tracker = found.get(entry.partition), entry.tracker
            if facts is None or tracker is None:
                self.hold(entry, Reason.CREATED_AGAIN, entry.detail)
                continue
            decision = start_policy.begin_again(entry.partition, facts, self._start_from, read=tracker.topic_id)
            if isinstance(decision, start_policy.Hold):
                self.hold(entry, Reason.CREATED_AGAIN, entry.detail)
            elif self._commits.set_back(entry, decision.position) and self._release(entry, decision.position.offset):
                self._hand_over.tell(self._hand_over.consumption.revoke, [tracker], _nobody)
                self._start(entry, decision, found)
                entry.end_seen, entry.first_position = -1, None
                self._hand_over.tell(self._hand_over.consumption.assigned, [entry.tracker])
                started[entry] = decision
        self._tell_started(started)
        self._begin(started, found)

    def recheck_waiting(self, entries: Sequence[PartitionState]) -> None:
        """Those that are not read at all: begin where the group is now, unless something holds them.

        What was read here before begins only when its last commit is acknowledged: what the brokers say of it before
        that is older, and what is done would be sent again.
        """
        entries = [each for each in entries if each.tracker is None]
        for entry in [each for each in entries if each.owes_commit]:
            entry.refresh = entry.refresh or not self._commits.is_under_way(entry)
            entry.retry_at = self._clock() + _FIRST_RETRY
        entries = [each for each in entries if not each.owes_commit]
        if not entries:
            return
        found = self._find([entry.partition for entry in entries], RETRY_BUDGET)
        decisions = {entry: self._decide(entry, found) for entry in entries}
        started: dict[PartitionState, start_policy.Start | start_policy.Hold] = {}
        for entry, decision in decisions.items():
            if isinstance(decision, start_policy.Hold):
                self.hold(entry, decision.reason, decision.detail)
                self._count_lost(entry, decision.possibly_lost, decision.lost)
            elif self._is_set_back(entry, decision) and self._release(entry, decision.position.offset):
                self._start(entry, decision, found)
                self._forget_ended(entry, found)
                self._hand_over.tell(self._hand_over.consumption.assigned, [entry.tracker])
                started[entry] = decision
        self._tell_started(started)
        self._begin(started, found)

    def _is_set_back(self, entry: PartitionState, start: start_policy.Start) -> bool:
        """False where the client still has an offset in the earlier topic of the name to commit, or may have."""
        return not (start.is_new and entry.topic_id) or self._commits.set_back(entry, start.position)

    def positions(self, entries: Sequence[PartitionState]) -> dict[TopicPartition, StartFacts]:
        """Where the group is on these, as far as the brokers said it within a second."""
        return self._find([entry.partition for entry in entries], RETRY_BUDGET) if entries else {}

    def forget(self, entries: Iterable[PartitionState]) -> None:
        """These partitions are no longer this member's."""
        for entry in entries:
            if entry.topic_id:
                self._left[entry.partition] = entry.topic_id, entry.next_offset
            if entry.held is not None:
                self._hand_over.tell(self._hand_over.consumption.partition_released, entry.partition)
        self._publish()

    def _publish(self) -> None:
        held = [entry for entry in self._partitions if entry.held is not None]
        self.held = {entry.partition: (entry.held, entry.detail) for entry in held if entry.held is not None}
        self.next_looks = {entry.partition: entry.retry_at for entry in held if math.isfinite(entry.retry_at)}
        self.ends = {e.partition: e.operator_hold.until for e in held if e.operator_hold and e.operator_hold.until}

    def _release(self, entry: PartitionState, offset: int) -> bool:
        try:
            self._consumer.seek(entry.client_partition(offset))
        except KafkaException as error:
            self._logger.warning("%s: could not go to offset %d: %s", entry.partition, offset, error)
            entry.retry_at = self._clock() + 1.0
            return False
        entry.held, entry.detail, entry.retry_in = None, "", 0.0
        self._publish()
        self._pauses.apply([entry])
        self._hand_over.tell(self._hand_over.consumption.partition_released, entry.partition)
        return True


def _assignment(entry: PartitionState, decision: start_policy.Start | start_policy.Hold) -> ClientPartition:
    """Explicit offsets always: without one the client would fetch the position a second time and decide by itself.

    A held partition is assigned at the end and paused before anything is fetched.
    """
    if isinstance(decision, start_policy.Hold):
        return entry.client_partition(OFFSET_END)
    return entry.client_partition(decision.position.offset, decision.position.leader_epoch)


def _fallen_out(entry: PartitionState, first: int) -> Lost | None:
    """What a partition may have lost that fell out of the log while it was read; its log begins at `first` now."""
    if first <= entry.next_offset:
        return None
    topic_id = "" if entry.tracker is None else entry.tracker.topic_id
    return Lost(entry.partition, topic_id, entry.next_offset, first, Reason.OUT_OF_RANGE.value)


def _held_for(entry: PartitionState) -> float:
    """Seconds since an operator held it; the hold may be older than this process."""
    hold = entry.operator_hold
    return 0.0 if hold is None or not hold.since else max(0.0, time.time() - hold.since)


def _ends_in(entry: PartitionState) -> float:
    """Seconds until an operator's hold ends by itself. The two clocks do not tick alike: never quite at once."""
    hold = entry.operator_hold
    return (
        math.inf if hold is None or not hold.until else max(_AFTER_THE_END, hold.until + _AFTER_THE_END - time.time())
    )


def _is_done(entry: PartitionState) -> bool:
    """Whether all that was handed over of this partition has arrived with the loop and is done there."""
    tracker = entry.tracker
    return tracker is not None and not tracker.open and tracker.next_offset == entry.next_offset


def _nobody(_: Positioned) -> None:
    """Takes final offsets that are nobody's: they were in a topic that is gone."""
