"""One round of the poll thread after the other: committed offsets out, records in, as many as there is room for.

The parts that a round goes through work around one Kafka client, and are built with it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bridge.config.topics.consumed_topics import GroupProtocol, topics_of
from bridge.kafka.consumer import batching
from bridge.kafka.consumer.assignment.draining import Draining
from bridge.kafka.consumer.assignment.holding import Holding
from bridge.kafka.consumer.assignment.reading_again import ReadingAgain
from bridge.kafka.consumer.assignment.rebalance import Rebalance
from bridge.kafka.consumer.cluster_watch import BrokerSession, ClusterWatch
from bridge.kafka.consumer.commits import Commits
from bridge.kafka.consumer.end_offsets import EndOffsets
from bridge.kafka.consumer.message_errors import MessageErrors
from bridge.kafka.consumer.starts.lookup import Lookup
from bridge.kafka.consumer.starts.settled import Settled
from bridge.kafka.consumer.starts.start_runner import StartRunner
from bridge.model import TopicPartition

if TYPE_CHECKING:
    from confluent_kafka import Message

    from bridge.kafka.consumer.back_pressure import BackPressure
    from bridge.kafka.consumer.batching import EarlyFilterOf
    from bridge.kafka.consumer.thread.context import ConsumerContext
    from bridge.kafka.consumer.thread.watchdog import Watchdog


@dataclass(frozen=True, slots=True)
class ConsumerParts:
    """Each knows only those that are built before it."""

    commits: Commits
    settled: Settled
    start_runner: StartRunner
    draining: Draining
    holding: Holding
    reading_again: ReadingAgain
    rebalance: Rebalance
    end_offsets: EndOffsets
    cluster_watch: ClusterWatch
    message_errors: MessageErrors


def build_parts(
    context: ConsumerContext, protocol: GroupProtocol, watchdog: Watchdog, mapping: int | None
) -> ConsumerParts:
    """`mapping` is the number of the mapping, which every commit names."""
    commits = Commits(context, mapping=mapping)
    settled = Settled(context, topics_of(context.kafka))
    start_runner = StartRunner(context, Lookup(context, settled), commits)
    draining = Draining(context, commits)
    end_offsets = EndOffsets(context)
    session = BrokerSession(context) if protocol is GroupProtocol.CONSUMER else None
    cluster_watch = ClusterWatch(context, start_runner.identify, session)
    return ConsumerParts(
        commits=commits,
        settled=settled,
        start_runner=start_runner,
        draining=draining,
        holding=Holding(context, draining, start_runner, commits),
        reading_again=ReadingAgain(context),
        rebalance=Rebalance(context, start_runner, commits, draining, watchdog),
        end_offsets=end_offsets,
        cluster_watch=cluster_watch,
        message_errors=MessageErrors(context, start_runner, cluster_watch.hurry, end_offsets.reached),
    )


POLL: Final = 0.05
"""Seconds a poll waits for a record. The loop's wishes (offsets to commit, heartbeats, pauses) wait as long at most."""
REST: Final = 0.25
"""The same where nothing is open and nobody wished for anything for `REST_AFTER` seconds: each poll that ends for
nothing costs as much as some ten records. A record ends it; a callback is served at once, and what follows from it
waits for the end of the poll."""
REST_AFTER: Final = 1.0
SERVE: Final = 0.02
"""The same while a stop is waited for."""
STALL: Final = 1.0
"""Seconds without a free slot until everything is paused."""
STALLED_POLL: Final = 0.25
"""Seconds between the polls of such a time. Each can bring a record, so the bound is exceeded by five at most."""
UPKEEP_EVERY: Final = 1.0


class PollLoop:
    """Everything a round does. All of it runs on the poll thread, except `order`."""

    def __init__(
        self,
        context: ConsumerContext,
        parts: ConsumerParts,
        back_pressure: BackPressure,
        early_filter_of: EarlyFilterOf,
    ) -> None:
        self._consumer = context.consumer
        self._partitions = context.partitions
        self._pauses = context.pauses
        self._hand_over = context.hand_over
        self._counts = context.counts
        self._clock = context.clock
        self._parts = parts
        self._back_pressure = back_pressure
        self.early_filter_of = early_filter_of
        self._largest = context.kafka.max_record_bytes
        self._orders: deque[Callable[[], None]] = deque()
        self._stalled_since: float | None = None
        self._busy_at = 0.0
        self._chores_due = 0.0
        self._upkeep_due = 0.0

    def order(self, what: Callable[[], None]) -> None:
        """To be done before the next poll; may be called on any thread."""
        self._orders.append(what)
        self._back_pressure.wake()

    def round(self) -> None:
        """Returns after `REST` seconds at most, if no callback of the client has more to do."""
        now = self._counts.last_poll = self._clock()
        # Records that were just handed over wait for this thread to let go of the interpreter: back to the poll, unless
        # somebody wants something.
        if self._is_busy():
            self._busy_at = now
        if now >= self._chores_due or self._back_pressure.woken:
            self._chores_due = now + POLL
            self._chores(now)
        wanted = self._room(now)
        if wanted:
            self._poll(POLL if now - self._busy_at < REST_AFTER else REST, wanted)
        elif self._pauses.stalled:
            # Serves the callbacks, and brings no record: everything is paused. Before it is, for a second at most, they
            # wait, because a poll would hand out a record for which there is no room.
            self._poll(0, 1)

    def _is_busy(self) -> bool:
        """Whether what follows is wanted soon. A heartbeat is not: its answer is served as it comes."""
        return bool(
            self._orders
            or self._parts.commits.has_offers
            or any(entry.tracker is not None and entry.tracker.open for entry in self._partitions)
        )

    def serve(self) -> None:
        """A round that takes no record: everything is paused, and the callbacks are served."""
        self._counts.last_poll = self._clock()
        while self._orders:
            self._orders.popleft()()
        self._poll(SERVE, 1)

    def _chores(self, now: float) -> None:
        self._back_pressure.rearm()
        while self._orders:
            self._orders.popleft()()
        parts = self._parts
        parts.end_offsets.step()
        parts.commits.take_offered()
        parts.holding.carry_on()
        parts.commits.refresh()
        if now >= self._upkeep_due:
            self._upkeep_due = now + UPKEEP_EVERY
            parts.cluster_watch.step()
            parts.end_offsets.upkeep()
            parts.reading_again.carry_on()
            if self._partitions and parts.settled.step():
                parts.commits.sign(parts.settled.subscription)
            parts.start_runner.recheck()

    def _room(self, now: float) -> int:
        """How many records to take. Waits for `STALLED_POLL` seconds at most where there is no room."""
        if self._pauses.stalled:
            # Everything stays paused until half the room is free: each pause costs what was prefetched.
            if not self._back_pressure.wait_for_half(POLL):
                return 0
            self._pauses.stalled = False
            self._pauses.apply(self._partitions)
        wanted = self._back_pressure.take(POLL if self._stalled_since is None else STALLED_POLL)
        if wanted:
            self._stalled_since = None
        elif self._stalled_since is None:
            self._stalled_since = now
        elif now - self._stalled_since >= STALL:
            self._pauses.stalled = True
            self._counts.pauses += 1
            self._pauses.apply(self._partitions)
        return wanted

    def _poll(self, timeout: float, wanted: int) -> None:
        # consume(n, t) waits for all n or all of t; poll and then consume(n - 1, 0) takes what is there at once.
        first = self._consumer.poll(timeout)
        if first is None:
            return
        self._busy_at = self._clock()
        messages = [first]
        if wanted > 1:
            added = self._partitions.added
            messages += self._consumer.consume(wanted - 1, 0)
            if self._partitions.added != added and self._is_of_an_earlier_assignment(first, added):
                del messages[0]
        found = batching.sort(messages, self._partitions, self.early_filter_of, self._largest)
        self._counts.dropped_records += found.dropped
        if found.batches:
            self._back_pressure.handed(found.records, found.bytes)
            self._counts.records += found.records
            self._hand_over.deliver(found.batches, partial(self._back_pressure.accepted, found.records, found.bytes))
        for message in found.errors:
            self._parts.message_errors.handle(message)

    def _is_of_an_earlier_assignment(self, message: Message[Any, Any], added: int) -> bool:
        """Whether its partition was assigned again by a callback of the client after the message was taken.

        The client drops what it still holds itself of an assignment that is over; this one it had handed out already.
        """
        topic, partition = message.topic(), message.partition()
        if topic is None or partition is None:
            return False
        entry = self._partitions.get(TopicPartition(topic, partition))
        return entry is not None and entry.number > added
