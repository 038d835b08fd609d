"""Commits what is done; an answer to a commit shows that this process is still a member, as a heartbeat does.

Two ways out. A new offset is stored with the client, whose ownership check is a fence, and is committed with its next
periodic commit. A new offset map at an old offset (the lowest open record is stuck while later ones complete) is not
committed that way; it needs an explicit commit, asynchronous, at most one under way and as often as the others. The
broker checks the member but never the assignment, so an explicit commit is made on the poll thread only, where no
rebalance can come between, and only for partitions that it is assigned.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from bridge.formats.commit_text import CommitText
from bridge.kafka import answers, commit_timing
from bridge.kafka.consumer.commit_errors import CommitTrouble, classify
from bridge.kafka.partitions import committable, from_client
from bridge.limiter import Rare, RareLog
from bridge.model import Position, TopicPartition

if TYPE_CHECKING:
    from confluent_kafka import KafkaError

    from bridge.formats.operator_hold import OperatorHold
    from bridge.kafka.consumer.thread.consumption import Positioned, Tracker
    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.partition_state import PartitionState

_ANSWER_OVERDUE: Final = 120.0
"""Seconds after which an explicit commit counts as never answered: twice the client's own limit for a request."""
_AFTER_REBALANCE: Final = 0.05
"""Seconds until a commit that met a rebalance is tried again; the window lasts some ten milliseconds."""
_WORTH_REPEATING: Final = frozenset(
    {CommitTrouble.COORDINATOR_MOVING, CommitTrouble.REBALANCING, CommitTrouble.UNREACHABLE}
)


@dataclass(frozen=True, slots=True)
class _Pending:
    """The explicit commit under way."""

    number: int
    issued_at: float
    entries: tuple[PartitionState, ...]


class Commits:
    """All methods belong to the poll thread, except `offer` and `send_heartbeat`."""

    def __init__(
        self,
        context: ConsumerContext,
        *,
        mapping: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`mapping` is the number of the mapping that every commit names."""
        self._consumer = context.consumer
        self._partitions = context.partitions
        self._counts = context.counts
        self._hand_over = context.hand_over
        self._log = RareLog(context.logger, clock=context.clock)
        self._failures = Rare(clock=context.clock)
        self._clock = context.clock
        self._refresh_every = commit_timing.commit_every(context.kafka.commit_interval)
        self._sleep = sleep
        self._offered: deque[Positioned] = deque()
        self._beginnings: list[ClientPartition] = []
        self._heartbeat_wanted = False
        self._pending: _Pending | None = None
        self._number = 0
        self._refreshed_at = float("-inf")
        self._text = CommitText(mapping)
        self._heartbeat_by = 0
        """Which partition a heartbeat commits: another one after a refusal. A topic that this user may not read fails
        its own partitions, and the commit as a whole only with all of them."""

    # --- called on the loop's thread ---------------------------------------------------------------

    def offer(self, positions: Positioned) -> None:
        """To be stored soon."""
        self._offered.append(positions)

    def send_heartbeat(self) -> None:
        """Commit something explicitly, soon."""
        self._heartbeat_wanted = True

    # --- called on the poll thread -----------------------------------------------------------------

    @property
    def has_offers(self) -> bool:
        """Whether something was offered that is not stored yet."""
        return bool(self._offered)

    def take_offered(self) -> None:
        """Store everything offered so far."""
        while self._offered:
            positions = self._offered.popleft()
            present = self._take(positions)
            self._counts.refused_positions += len(positions) - present

    def _take(self, positions: Positioned) -> int:
        """How many of them are of present assignments."""
        present = [(entry, each) for tracker, each in positions if (entry := self._partitions.of(tracker)) is not None]
        for entry, position in present:
            self._store(entry, position)
        return len(present)

    def begin(self, entries: Iterable[PartitionState], beginnings: Iterable[tuple[TopicPartition, Position]]) -> None:
        """Commit first offsets at once: of `entries`, and of the other partitions of topics that start now.

        A topic's start is decided once for all its partitions: a replica that comes a moment later must not take
        this one's commits for a sign that its own partitions were added later, and read them from the beginning.
        """
        for entry in entries:
            entry.refresh = True
        self._beginnings += [
            committable(partition, position, self._text.of(position.metadata, None))
            for partition, position in beginnings
        ]
        self._refreshed_at = float("-inf")
        self.refresh()

    def sign(self, subscription: int) -> None:
        """The group has settled under this subscription: every commit says so from now on, also where nothing moves."""
        self._text.subscription = subscription
        for entry in self._partitions:
            entry.refresh = entry.refresh or entry.position is not None

    def name_mapping(self, mapping: int) -> None:
        """Another mapping works here: every commit says so from now on, also where nothing moves."""
        self._text.name_mapping(mapping)
        for entry in self._partitions:
            entry.refresh = entry.refresh or entry.position is not None

    def refresh(self) -> None:
        """Issue an explicit commit if one is due."""
        now = self._clock()
        if self._pending is not None:
            if now - self._pending.issued_at < _ANSWER_OVERDUE:
                return
            self._pending = None
        changed = [entry for entry in self._partitions if entry.refresh]
        if not self._heartbeat_wanted and not self._beginnings:
            if not changed or now - self._refreshed_at < self._refresh_every:
                return
        elif not changed:
            known = [entry for entry in self._partitions if entry.position is not None]
            changed = known[self._heartbeat_by % len(known) :][:1] if known else []
        self._issue(changed, now)

    def keeps(self, hold: OperatorHold) -> bool:
        """Whether the brokers take enough metadata for this hold to travel with the committed offset."""
        return self._text.keeps(hold)

    def is_under_way(self, entry: PartitionState) -> bool:
        """Whether the answer to an explicit commit of it is waited for."""
        return self._pending is not None and entry in self._pending.entries

    def tell(self, entry: PartitionState) -> None:
        """Commit the entry's offset and hold as they are now, soon; see `PartitionState.acknowledged`.

        The client gets them as well: its periodic commit would bring the text from before.
        """
        entry.acknowledged = False
        entry.refresh = entry.position is not None
        if entry.position is not None:
            self.set_back(entry, entry.position)

    def set_back(self, entry: PartitionState, position: Position) -> bool:
        """Forget what is stored of a topic that is gone: it is above this start in the new one. Whether that worked.

        Call it before the client is told to seek, and commit the start explicitly, as `begin` does: the client stores
        lower offsets, but commits only those above its last commit.
        """
        try:
            text = self._text_of(entry, position)
            self._consumer.store_offsets(offsets=[committable(entry.partition, position, text)])
        except KafkaException as error:
            self._log.write(logging.WARNING, f"{entry.partition}: {answers.error_of(error).str()}")
            return False
        return True

    def before_drain(self) -> None:
        """What is stored and was not committed yet has to wait no longer: see `keep_up`."""
        for entry in self._partitions:
            entry.refresh = entry.position is not None

    def keep_up(self) -> None:
        """In place of `take_offered` and `refresh` while a drain keeps the poll thread.

        During a rebalance the client commits nothing by itself, and what the partitions that stay complete meanwhile
        would be sent again after a crash. Answers are served by polling only, so none is waited for.
        """
        before = [(entry, entry.position) for entry in self._partitions]
        self.take_offered()
        for entry, position in before:
            entry.refresh = entry.refresh or entry.position is not position
        now = self._clock()
        changed = [entry for entry in self._partitions if entry.refresh]
        if changed and now - self._refreshed_at >= self._refresh_every:
            self._issue(changed, now)

    def _issue(self, entries: Sequence[PartitionState], now: float) -> None:
        self._heartbeat_wanted = False
        beginnings, self._beginnings = self._beginnings, []
        self._number += 1
        offsets = [self._committable(entry, self._number) for entry in entries if entry.position is not None]
        for entry in entries:
            entry.refresh = entry.acknowledged = False
        if not offsets and not beginnings:
            return
        self._refreshed_at = now
        try:
            self._consumer.commit(offsets=offsets + beginnings, asynchronous=True)
        except KafkaException as error:
            self._failed(answers.error_of(error), entries)
            return
        self._pending = _Pending(self._number, now, tuple(entries))

    def answered(self, error: KafkaError | None, partitions: Sequence[ClientPartition]) -> None:
        """The client's `on_commit`, for its periodic commits and the explicit ones alike."""
        pending = self._pending
        if pending is not None and any(self._text.carries(each.metadata, pending.number) for each in partitions):
            self._pending = None
        else:
            pending = None
        if error is not None:
            self._failed(error, pending.entries if pending else (), partitions)
            return
        refused = {from_client(each) for each in partitions if each.error is not None}
        for entry in pending.entries if pending is not None else ():
            entry.acknowledged = not entry.refresh and entry.partition not in refused
        self._acknowledged()
        issued_at = pending.issued_at if pending is not None else self._stored_at(partitions)
        if issued_at is not None:
            self._hand_over.tell_from_callback(self._hand_over.consumption.heartbeat_answered, issued_at)

    def _acknowledged(self) -> None:
        self._counts.commits += 1
        self._counts.committed_at = self._clock()
        if (sentence := self._text.taken()) is not None:
            self._log.write(logging.WARNING, sentence)

    def _stored_at(self, partitions: Sequence[ClientPartition]) -> float | None:
        """Since when one of these offsets has been the client's to commit: its periodic commit cannot be older.

        An answer may have waited in a socket for as long as the process was suspended; what it answers tells its age.
        """
        for each in partitions:
            entry = self._partitions.get(from_client(each))
            if entry is not None and entry.stored == (each.offset, (each.metadata or "").rstrip("\0")):
                return entry.stored_at
        return None

    def last(self, positions: Positioned, trackers: Iterable[Tracker]) -> None:
        """The last offsets of all these; nothing more comes for them. `settled` says when they are acknowledged.

        A tracker that is not among the positions keeps the last one that was taken.
        """
        entries = [entry for tracker in trackers if (entry := self._partitions.of(tracker)) is not None]
        self._take(positions)
        for entry in entries:
            entry.refresh = entry.position is not None
            entry.tracker, entry.acknowledged = None, False

    @property
    def settled(self) -> bool:
        """Whether nothing waits for being committed, or for the answer to it."""
        return self._pending is None and not any(entry.refresh for entry in self._partitions)

    def finish(self, positions: Positioned, others: Iterable[PartitionState] = ()) -> None:
        """Store and commit the last offsets of partitions that are about to go, and wait for the answer.

        Of `others`, whose last offsets are taken already, what was not acknowledged is committed with them. Call it
        under a watchdog: a frozen broker never answers.
        """
        self.take_offered()
        self._take(positions)
        entries = [entry for tracker, _ in positions if (entry := self._partitions.of(tracker)) is not None]
        entries += [entry for entry in others if entry.owes_commit]
        entries = [entry for entry in entries if entry.position is not None]
        if not entries:
            return
        error = self._commit_now(entries)
        if error is not None and classify(error.code()) is CommitTrouble.REBALANCING:
            self._sleep(_AFTER_REBALANCE)
            error = self._commit_now(entries)
        while error is not None and self._was_too_long(error, [self._committable(entry) for entry in entries]):
            error = self._commit_now(entries)
        if error is None:
            self._acknowledged()
        else:
            self._failed(error, ())

    def _was_too_long(self, error: KafkaError, partitions: Iterable[ClientPartition]) -> bool:
        """Whether a commit was refused for its text alone, which is shorter from now on."""
        too_long = classify(error.code()) is CommitTrouble.METADATA_TOO_LARGE
        return too_long and self._text.refused(each.metadata for each in partitions)

    def _commit_now(self, entries: Iterable[PartitionState]) -> KafkaError | None:
        try:
            results = self._consumer.commit(offsets=[self._committable(each) for each in entries], asynchronous=False)
        except KafkaException as error:
            return answers.error_of(error)
        return next((each.error for each in results if each.error is not None), None)

    def _store(self, entry: PartitionState, position: Position) -> None:
        if position == entry.position:
            return
        if entry.position is not None and position.offset < entry.position.offset:
            self._counts.refused_positions += 1
            return
        text = self._text_of(entry, position)
        try:
            # One partition a call: of a list the client drops, silently, those it does not own.
            self._consumer.store_offsets(offsets=[committable(entry.partition, position, text)])
        except KafkaException as error:
            self._counts.refused_positions += 1
            refusal = answers.error_of(error).str()
            self._log.write(
                logging.WARNING, f"{entry.partition}: the client did not take offset {position.offset}: {refusal}"
            )
            return
        entry.refresh = entry.position is not None and position.offset == entry.position.offset
        entry.position, entry.acknowledged = position, False
        entry.stored, entry.stored_at = (position.offset, text), self._clock()

    def _failed(
        self, error: KafkaError, entries: Iterable[PartitionState], partitions: Sequence[ClientPartition] = ()
    ) -> None:
        trouble = classify(error.code())
        if trouble is None:
            return
        self._counts.commit_errors[trouble.value] += 1
        if self._was_too_long(error, partitions):
            self._store_again()
            return
        if (detail := self._failures.admit(f"{trouble}: {error.str()}")) is not None:
            self._hand_over.tell_from_callback(self._hand_over.consumption.commit_failed, detail)
        if trouble is CommitTrouble.REFUSED:
            self._heartbeat_by += 1
        if trouble in _WORTH_REPEATING:
            for entry in entries:
                entry.refresh = True

    def _store_again(self) -> None:
        """All offsets with shorter texts: the client would keep committing those that the brokers refuse."""
        for entry in self._partitions:
            position, entry.position = entry.position, None
            if position is not None:
                self._store(entry, position)
                entry.position, entry.refresh = position, True

    def _text_of(self, entry: PartitionState, position: Position, number: int | None = None) -> str:
        return self._text.of(position.metadata, number, entry.subscription, entry.operator_hold)

    def _committable(self, entry: PartitionState, number: int | None = None) -> ClientPartition:
        position = entry.position
        if position is None:
            raise AssertionError("a partition without a position is never committed")
        return committable(entry.partition, position, self._text_of(entry, position, number))
